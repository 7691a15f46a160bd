"""Files that came in by WhatsApp: only our own account is called, and nobody else sees our proof (S6)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.channel import Channel
from channels.errors import MediaGone, SendError
from channels.http import make_session
from channels.message import Media
from channels.twilio_media import MOST_BYTES
from tests.channels.contract import make_channel

ACCOUNT = "AC00000000000000000000000000000001"
FILE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"


@dataclass
class Hosts:
    """Twilio, and the store that it sends us on to; each keeps what it was called with."""

    calls: list[str] = field(default_factory=list)
    proofs: list[bool] = field(default_factory=list)
    store_proofs: list[bool] = field(default_factory=list)
    not_yet: int = 0
    status: int = 307
    location: str = ""
    store_status: int = 200
    content: bytes = b"a photo"
    url: str = ""

    async def twilio(self, request: web.Request) -> web.Response:
        self.calls.append(request.raw_path)
        self.proofs.append("Authorization" in request.headers)
        if self.not_yet:
            self.not_yet -= 1
            return web.Response(status=404)
        return web.Response(status=self.status, headers={"Location": self.location})

    async def store(self, request: web.Request) -> web.Response:
        self.store_proofs.append("Authorization" in request.headers)
        return web.Response(status=self.store_status, body=self.content)


@pytest.fixture
async def hosts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hosts]:
    monkeypatch.setattr("channels.twilio_media.EARLY_S", (0.01, 0.01))
    made = Hosts()
    servers = []
    for handler in (made.twilio, made.store):
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        server = TestServer(app)
        await server.start_server(access_log=None)
        servers.append(server)
    made.url, store = (str(server.make_url("")).rstrip("/") for server in servers)
    made.location = f"{store}/{ACCOUNT}/0?Signature=x"
    yield made
    for server in servers:
        await server.close()


@pytest.fixture
async def channel(hosts: Hosts) -> AsyncIterator[Channel]:
    async with make_session() as http:
        yield channel_at(hosts.url, http)


def channel_at(api_url: str, http: aiohttp.ClientSession) -> Channel:
    config = {
        "account_sid": ACCOUNT,
        "auth_token": "the-token",
        "sender": "whatsapp:+12025550100",
        "api_url": api_url,
    }
    return make_channel("twilio-whatsapp", config, http)


async def fetched(channel: Channel, url: str) -> bytes:
    return b"".join([chunk async for chunk in channel.fetch_media(Media("image", url))])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_store_gets_no_proof(channel: Channel, hosts: Hosts, status: int) -> None:
    """Whichever way Twilio sends us on."""
    hosts.status = status
    assert await fetched(channel, hosts.url + FILE) == b"a photo"
    assert (hosts.proofs, hosts.store_proofs) == ([True], [False])


async def test_a_file_that_is_not_there_yet_is_asked_for_again_with_proof(
    channel: Channel, hosts: Hosts
) -> None:
    hosts.not_yet = 2
    assert await fetched(channel, hosts.url + FILE) == b"a photo"
    assert hosts.proofs == [True, True, True]


@pytest.mark.parametrize("where", ["twilio", "store"])
async def test_a_file_that_is_gone_is_given_up(channel: Channel, hosts: Hosts, where: str) -> None:
    hosts.not_yet = 9 if where == "twilio" else 0
    hosts.store_status = 404
    with pytest.raises(MediaGone):
        await fetched(channel, hosts.url + FILE)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_other_refusals_are_tried_again_later(channel: Channel, hosts: Hosts, status: int) -> None:
    hosts.status = status
    with pytest.raises(SendError) as refused:
        await fetched(channel, hosts.url + FILE)
    assert "the-token" not in str(refused.value)
    assert hosts.url not in str(refused.value)


async def test_a_file_without_end_is_cut_off(channel: Channel, hosts: Hosts) -> None:
    hosts.content = bytes(MOST_BYTES + 1)
    with pytest.raises(MediaGone, match="over 16 MB"):
        await fetched(channel, hosts.url + FILE)


HOSTILE = (
    "http://127.0.0.1:1/x",
    "{twilio}/other",
    "{twilio}@evil.example" + FILE,
    "{twilio}.evil.example" + FILE,
    "{twilio}" + FILE.replace(ACCOUNT, f"AC{2:032x}"),
    "{twilio}" + FILE + "/../../../../Accounts.json",
    "{twilio}" + FILE + "?x=1",
    "{twilio}" + FILE + "#x",
    "{twilio}" + FILE + "%2f..",
    "{twilio}" + FILE.replace("Media/ME1", "Media/"),
    "/Messages/MM1/Media/ME1",
    "file:///etc/passwd",
    "",
)


@pytest.mark.parametrize("address", HOSTILE)
async def test_an_address_that_is_none_of_our_files_is_never_called(
    channel: Channel, hosts: Hosts, address: str
) -> None:
    with pytest.raises(MediaGone):
        await fetched(channel, address.replace("{twilio}", hosts.url))
    assert hosts.calls == []
