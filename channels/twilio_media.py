"""Files that came in: fetched with the account's proof, which no other host ever sees.

The address of a file comes from outside, so it is held against what our own account's files look like
before anything is called. Twilio answers with a redirect to its store, which is followed without proof.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from channels.errors import ChannelError, MediaGone, SendError, SendErrorKind
from channels.http import TRANSPORT_ERRORS, stream, transport_error
from channels.message import Media
from channels.twilio_api import TwilioApi
from channels.twilio_errors import meaning

MOST_BYTES = 16 * 1024 * 1024
# Twilio's store may be a moment behind its webhook, and says 404 until then.
EARLY_S: Sequence[float] = (1.0, 3.0)
_FILE = re.compile(r"/Messages/[A-Za-z0-9]{1,64}/Media/[A-Za-z0-9]{1,64}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class _NotYet(Exception):
    """404: not there, or not yet."""


async def download(api: TwilioApi, session: aiohttp.ClientSession, media: Media) -> AsyncIterator[bytes]:
    """The file's bytes in chunks; raises `MediaGone` or `SendError`."""
    url = media.reference
    if not (url.startswith(api.account_url) and _FILE.fullmatch(url.removeprefix(api.account_url))):
        raise MediaGone("the address is none of this account's files at Twilio")
    location = await _location_of(api, session, url)
    async for chunk in stream(session, location, MOST_BYTES, _refused):
        yield chunk


async def _location_of(api: TwilioApi, session: aiohttp.ClientSession, url: str) -> str:
    """Where the file itself is; the one call that carries our proof."""
    for pause_s in (*EARLY_S, None):
        try:
            return await _redirect(api, session, url)
        except _NotYet:
            if pause_s is None:
                break
            await asyncio.sleep(pause_s)
    raise MediaGone("Twilio does not have the file")


async def _redirect(api: TwilioApi, session: aiohttp.ClientSession, url: str) -> str:
    failure: ChannelError
    try:
        async with session.get(url, headers=api.authorization, allow_redirects=False) as response:
            if response.status == 404:
                raise _NotYet
            if response.status in {301, 302, 303, 307, 308}:
                return _checked(api, response.headers.get("Location", ""))
            failure = _refused(response.status)
    except TRANSPORT_ERRORS as error:
        failure = transport_error(error)
    raise failure


def _checked(api: TwilioApi, location: str) -> str:
    """The store's address, if it may be called: another host on the internet, by name and encrypted.

    Where Twilio itself is on this machine, as in the demo and the tests, its store may be as well.
    """
    try:
        parts = urlsplit(location)
        host = parts.hostname or ""
    except ValueError:
        raise MediaGone("Twilio names no address of the file") from None
    on_this_machine = urlsplit(api.account_url).hostname in _LOOPBACK
    if on_this_machine and host in _LOOPBACK and parts.scheme in {"http", "https"}:
        return location
    if parts.scheme != "https" or parts.username or parts.port not in {None, 443} or not _is_name(host):
        raise MediaGone("the file's address is none that may be called")
    return location


def _is_name(host: str) -> bool:
    """Whether it is a domain name; numbers in any spelling are addresses, and none of a store's."""
    try:
        ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return "." in host.strip(".") and not re.match(r"(0x[0-9a-f]*|[0-9]+)$", last, re.IGNORECASE)
    return False


def _refused(status: int) -> ChannelError:
    if status in {404, 410}:
        return MediaGone()
    error = meaning(0, status)
    if error.kind is SendErrorKind.PERMANENT_CONTENT:
        return MediaGone(f"Twilio refuses the file ({status})")
    return SendError(error.kind, code=error.code, scope=error.scope)
