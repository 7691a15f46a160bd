"""A gateway that talks to the fake Twilio by HTTP alone, with the samples' names and keys."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from tests.channels.contract import load_samples
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.twilio import FakeTwilio

ACCOUNT, TOKEN = "AC00000000000000000000000000000001", "test-twilio-auth-token-0000000000"
SENDER, NORA, TOM = "whatsapp:+12025550100", "+12025550123", "+12025550124"
NOW_S = 1_789_997_600  # 2026-09-21 13:33:20, as in the recorded answers
SAMPLES = load_samples("twilio_whatsapp")
PROOF = aiohttp.encode_basic_auth(ACCOUNT, TOKEN)
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
CUT = 0  # a status: break the connection instead


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def make_fake(clock: Callable[[], float] = lambda: NOW_S) -> FakeTwilio:
    """The fake for the samples' account, where seconds are milliseconds."""
    return FakeTwilio(ACCOUNT, TOKEN, SENDER, clock=clock, time_scale=0.001)


@dataclass(frozen=True)
class Heard:
    """One webhook."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def is_genuine(self) -> bool:
        """What Twilio's own library says of the signature."""
        proof = self.headers.get("X-Twilio-Signature", "")
        return bool(RequestValidator(TOKEN).validate(self.url, self.form, proof))


@dataclass
class Gateway:
    """Sends as a gateway does, remembers what it hears, and refuses what it is told to refuse."""

    provider: FakeTwilio
    session: aiohttp.ClientSession
    heard: list[Heard] = field(default_factory=list)
    files: dict[str, web.Response] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    answer: Callable[[Heard], int] = lambda heard: 200
    url: str = ""

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        """A call that only reads."""
        url = self.provider.url + path
        async with self.session.get(url, params=parameters, headers={"Authorization": PROOF}) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, **options: Any) -> tuple[int, Any]:
        """A call that does something."""
        url = self.provider.url + path
        async with self.session.post(url, headers={"Authorization": PROOF}, **options) as answer:
            return answer.status, await answer.json()

    async def send(self, to: str = NORA, **fields: str) -> tuple[int, Any]:
        """Send a message whose reports are to come back here; an empty field is left out."""
        report = f"{self.url}/webhooks/whatsapp/status?message=7"
        form = {"To": f"whatsapp:{to}", "From": SENDER, "StatusCallback": report, **fields}
        form = {name: value for name, value in form.items() if value}
        return await self.post(f"{MESSAGES}.json", data=form)

    async def create(self, **types: Any) -> tuple[int, Any]:
        """Create a Content object; `quick_reply` stands for `twilio/quick-reply`."""
        named = {f"twilio/{name.replace('_', '-')}": shape for name, shape in types.items()}
        content = {"friendly_name": "zuruf test", "language": "de", "variables": {}, "types": named}
        return await self.post("/v1/Content", json=content)

    async def receive(self, request: web.Request) -> web.Response:
        """Take a webhook."""
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        heard = Heard(self.url + request.raw_path, form, dict(request.headers))
        self.heard.append(heard)
        status = self.answer(heard)
        if status == CUT:
            assert request.transport
            request.transport.abort()
        return web.Response(status=status or 200)

    async def file(self, request: web.Request) -> web.Response:
        """Hand a file out."""
        self.asked_for.append(request.method)
        kept = self.files.get(request.match_info["name"], web.Response(status=404))
        return web.Response(status=kept.status, body=kept.body, headers=kept.headers)

    def states(self) -> list[str]:
        """How far messages got, as told."""
        return [heard.form["MessageStatus"] for heard in self.heard if "MessageStatus" in heard.form]

    def said(self) -> list[str]:
        """What people wrote, as told."""
        return [heard.form["Body"] for heard in self.heard if "Body" in heard.form]


@asynccontextmanager
async def listening(gateway: Gateway) -> AsyncIterator[Gateway]:
    """Open the gateway's doors, and give the provider its address."""
    app = web.Application()
    app.router.add_post("/webhooks/{path:.+}", gateway.receive)
    app.router.add_get("/media/{name}", gateway.file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    gateway.provider.webhooks.url = f"{gateway.url}/webhooks/whatsapp"
    yield gateway
    await gateway.provider.until(lambda: gateway.provider.couriers.under_way == 0)
    await runner.cleanup()


@asynccontextmanager
async def talking(clock: Callable[[], float] = lambda: NOW_S) -> AsyncIterator[Gateway]:
    """A fake and a gateway that listens to it; `gateway.provider` is the fake."""
    async with (
        make_fake(clock) as provider,
        aiohttp.ClientSession() as session,
        listening(Gateway(provider, session)) as gateway,
    ):
        yield gateway


def nora_at(provider: FakeTwilio) -> Chat:
    """The samples' person."""
    return provider.chat(NORA, "Nora Beispiel")


async def greeted(gateway: Gateway) -> Chat:
    """The same, having just written."""
    chat = nora_at(gateway.provider)
    gateway.provider.say(chat, "Hallo")
    await gateway.provider.until(lambda: gateway.provider.couriers.under_way == 0)
    gateway.heard.clear()
    return chat


async def reported(gateway: Gateway, count: int = 1) -> list[str]:
    """The states told, once so many have come."""
    await gateway.provider.until(lambda: len(gateway.states()) >= count)
    await gateway.provider.until(lambda: gateway.provider.couriers.under_way == 0)
    assert all(one.is_genuine for one in gateway.heard)
    return gateway.states()


async def heard(gateway: Gateway) -> dict[str, str]:
    """The latest form, once all have come."""
    await gateway.provider.until(lambda: gateway.provider.couriers.under_way == 0)
    assert all(one.is_genuine for one in gateway.heard)
    return gateway.heard[-1].form
