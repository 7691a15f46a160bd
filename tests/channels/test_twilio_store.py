"""Where Twilio's redirects may lead: to a public host by its name, and never into our own network (S6)."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from channels.errors import MediaGone, SendError
from channels.http import stream
from channels.twilio_store import PublicNames, checked, is_public, public_session, refused

API_URL = "https://api.twilio.com"
STORE = "https://mms.twiliocdn.com/AC1/0?Expires=1&Signature=x~-_%2F"
PUBLIC = ("54.230.1.1", "2600:9000::1", "64:ff9b::36e6:101", "::ffff:54.230.1.1", "2002:36e6:101::1")
PRIVATE = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104 - nothing binds
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.170", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::a00:1", "2002:a00:1::1", "2002:7f00:1::", "2001:db8::1"),
)
REFUSED = (
    *("http://mms.twiliocdn.com/x", "ftp://mms.twiliocdn.com/x", "file:///etc/passwd", "gopher://a.example/"),
    *("https://user@mms.twiliocdn.com/x", "https://@mms.twiliocdn.com/x", "https://a.example:x/"),
    *(
        "https://mms.twiliocdn.com:8443/x",
        "https://mms.twiliocdn.com:99999/x",
        "https://mms.twiliocdn.com:80/",
    ),
    *(f"https://{address}/x" for address in PRIVATE if ":" not in address),
    *(f"https://[{address}]/x" for address in (*PRIVATE, *PUBLIC) if ":" in address),
    *("https://54.230.1.1/x", "https://2130706433/x", "https://0x7f000001/x", "https://017700000001/x"),
    *(
        "https://127.1/x",
        "https://0177.0.0.1/x",
        "https://0x7f.1/x",
        "https://127.0.0.0x1/x",
        "https://10.1./x",
    ),
    *("https://①②⑦.⓪.⓪.①/x", "https://１２７.0.0.1/x", "https://%31%32%37.0.0.%31/x", "https://a。example/x"),
    *("https://localhost/x", "https://box/x", "https://box./x", "https://", "https:///x", "https://[/x"),
    *("//evil.example/x", "/relative", "", " https://mms.twiliocdn.com/x", "https://a.example\\@127.0.0.1/x"),
    *("https://a.example/\n", "https://a.exa\tmple/", "https://a.example/ü"),
)


@pytest.mark.parametrize("location", REFUSED)
def test_an_address_that_may_not_be_called_is_refused_before_anything_is(location: str) -> None:
    """Numbers in every spelling, other ports and schemes, and what two readers read differently."""
    with pytest.raises(MediaGone) as raised:
        checked(API_URL, location)
    assert not location.strip() or location not in str(raised.value)


@pytest.mark.parametrize("location", [STORE, "https://media.twiliocdn.com:443/x", "https://a.xn--p1ai/x"])
def test_a_public_host_by_its_name_may_be_called(location: str) -> None:
    """Whichever: Twilio's stores change."""
    assert checked(API_URL, location) == location


def test_only_a_twilio_on_this_machine_may_have_its_store_there() -> None:
    """As in the demo."""
    store = "http://localhost:8300/cdn/x"
    assert checked("http://127.0.0.1:8300/2010-04-01/Accounts/AC1", store) == store
    for api_url in (API_URL, "https://127.0.0.1.evil.example", "http://10.0.0.1"):
        with pytest.raises(MediaGone):
            checked(api_url, store)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_told_from(address: str) -> None:
    """Also where they are wrapped in another, as in networks without IPv4."""
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_also_where_they_are_wrapped(address: str) -> None:
    """Mapped, translated, tunnelled."""
    assert not is_public(address)


class Names(AbstractResolver):
    """A domain's owner, who lets it lead where they like."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All that they entered."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        """There is nothing to let go of."""


@pytest.fixture
async def neighbour() -> AsyncIterator[tuple[TestServer, list[str]]]:
    """A service inside our network, and who called it."""
    calls: list[str] = []

    async def called(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(text="a secret")

    app = web.Application()
    app.router.add_get("/{path:.*}", called)
    server = TestServer(app)
    await server.start_server(access_log=None)
    yield server, calls
    await server.close()


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_a_name_that_leads_into_our_network_is_not_connected_to(
    neighbour: tuple[TestServer, list[str]], is_guarded: bool
) -> None:
    """Whatever it led to a moment ago; without the guard the neighbour is called, so it is the guard."""
    server, calls = neighbour
    names = Names("127.0.0.1")
    unguarded = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=names))
    async with public_session(names) if is_guarded else unguarded as session:
        chunks = stream(session, f"http://store.example:{server.port}/x", 100, refused)
        if is_guarded:
            with pytest.raises(SendError):
                await anext(chunks)
        else:
            assert await anext(chunks) == b"a secret"
    await unguarded.close()
    assert calls == [] if is_guarded else ["/x"]


async def test_of_a_names_addresses_only_the_public_ones_are_used() -> None:
    """One of each is the usual trick."""
    found = await PublicNames(Names("10.0.0.1", "54.230.1.1", "127.0.0.1")).resolve("store.example", 443)
    assert [one["host"] for one in found] == ["54.230.1.1"]


@pytest.mark.parametrize(("status", "is_gone"), [(404, True), (410, True), (403, False), (500, False)])
def test_a_store_that_refuses_says_nothing_about_our_account(status: int, is_gone: bool) -> None:
    """A link that has run out is signed anew with the next redirect."""
    error = refused(status)
    assert isinstance(error, MediaGone) == is_gone
    assert is_gone or getattr(error, "scope", "") == "message"
