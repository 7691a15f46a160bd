"""Twilio's store of files: another host, which never sees our proof, and must be one of the public internet.

Twilio names it in a redirect. A name is no proof of where it leads to, so what it resolves to is checked
before anything connects, and exactly that is connected to.
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from channels.errors import ChannelError, MediaGone, SendError, SendErrorKind

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_URL = re.compile(r"[!-\[\]-~]+")  # no backslash, which one reads as a slash and another does not
# A domain, not a number in any spelling: its last part begins with a letter.
_NAME = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{1,62}\.?")
# IPv6 addresses whose last 32 bits are the IPv4 address that they stand for.
_OTHERS_INSIDE = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
_ALSO_PRIVATE = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))


def is_on_this_machine(url: str) -> bool:
    """Whether an address is this machine's own."""
    return urlsplit(url).hostname in _LOOPBACK


def checked(api_url: str, location: str) -> str:
    """The store's address, if it may be called: by name and encrypted; raises `MediaGone`.

    Where Twilio itself is on this machine, as in the demo and the tests, its store may be as well.
    """
    try:
        parts = urlsplit(location)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise MediaGone("Twilio names no address of the file") from None
    if is_on_this_machine(api_url) and host in _LOOPBACK and parts.scheme in {"http", "https"}:
        return location
    is_web = parts.scheme == "https" and port in {None, 443} and "@" not in parts.netloc
    if not (is_web and _NAME.fullmatch(host) and _URL.fullmatch(location)):
        raise MediaGone("the file's address is none that may be called")
    return location


def public_session(names: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A session that connects to the public internet alone."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=PublicNames(names or aiohttp.DefaultResolver())),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": "Zuruf"},
    )


class PublicNames(AbstractResolver):
    """What names stand for, without the addresses of networks that are not public."""

    def __init__(self, names: AbstractResolver) -> None:
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a name; raises `OSError` where there is none."""
        found = await self._names.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError("the name leads into a private network")
        return public

    async def close(self) -> None:
        """Let go of what resolves names."""
        await self._names.close()


def is_public(host: str) -> bool:
    """Whether an address is one of the public internet, also where it stands for another."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if any(address in network for network in _OTHERS_INSIDE):
            inside = IPv4Address(int(address) & 0xFFFFFFFF)
        if inside:
            return is_public(str(inside))
        if any(address in network for network in _ALSO_PRIVATE):
            return False
    return address.is_global and not address.is_multicast


def refused(status: int) -> ChannelError:
    """What a status of the store means; our proof it never saw, so it cannot find fault with that."""
    if status in {404, 410}:
        return MediaGone()
    return SendError(SendErrorKind.RETRY_FEW, code=str(status))  # by a new redirect, which is signed anew
