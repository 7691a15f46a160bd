"""A Twilio on loopback that answers as told and remembers what it was asked."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.channel import Channel, ChannelPorts
from channels.message import Identifier
from channels.registry import CHANNEL_KINDS
from channels.twilio_signature import signature
from tests.channels.contract import DictMemory, load_samples

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "test-twilio-auth-token-0000000000"
SENDER = "whatsapp:+12025550100"
TO = Identifier("phone", "+12025550123")
WORDS = "Guten Tag, Frau Beispiel"
NOW_MS = 1_790_000_000_000
SEND, CONTENT = "/Messages.json", "/v1/Content"
SHARED_KEY = "test-twilio-sharedkey-secret-0000"
CONFIG = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER, "shared_key": SHARED_KEY}
SAMPLES = load_samples("twilio_whatsapp")


@dataclass
class Twilio:
    """Answers each path from its queue (the last answer stays), and remembers what it was asked."""

    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=dict)
    proofs: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, path: str, *answers: Any) -> None:
        self.answers[path] = deque(answers)

    def asked(self, path: str) -> list[Any]:
        return [what for _, asked, what in self.calls if asked == path]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        what: Any = dict(request.query)
        if body and request.content_type == "application/json":
            what = json.loads(body)
        elif body:
            what = dict(parse_qsl(body.decode(), keep_blank_values=True))
        path = request.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}")
        self.calls.append((request.method, path, what))
        self.proofs.add(request.headers.get("Authorization", ""))
        queue = self.answers.get(path) or deque([(404, {"code": 20404})])
        status, answer, *headers = queue[0] if len(queue) == 1 else queue.popleft()
        if status == 0:
            assert request.transport
            request.transport.close()
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=status or 200, text=text, headers=headers[0] if headers else None)


@asynccontextmanager
async def running_twilio() -> AsyncIterator[Twilio]:
    """The fake, listening."""
    fake = Twilio()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    server = TestServer(app)
    await server.start_server(access_log=None)
    fake.url = str(server.make_url("")).rstrip("/")
    yield fake
    await server.close()


def channel_at(
    twilio: Twilio,
    http: aiohttp.ClientSession,
    memory: Any = None,
    *,
    now_ms: Callable[[], int] = lambda: NOW_MS,
    **changes: Any,
) -> Channel:
    """A channel that talks to the fake."""
    adapter = CHANNEL_KINDS["twilio-whatsapp"]
    config = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER, "api_url": twilio.url, **changes}
    ports = ChannelPorts(
        "whatsapp",
        http,
        memory or DictMemory(),
        "https://gw.example.org/webhooks/whatsapp",
        media_url=lambda media: f"https://gw.example.org/media/{media.reference}",
        now_ms=now_ms,
    )
    return adapter(adapter.Config.model_validate({"kind": "twilio-whatsapp", **config}), ports)


def form_post(form: dict[str, str], path: str = "/webhooks/test", **signed: Any) -> dict[str, Any]:
    """A sample of our own making, signed."""
    url = f"https://gw.example.org{path}"
    token = signed.get("token", TOKEN)
    proof = signature(token.encode(), url, list(form.items()), signed.get("digest", "sha1")).decode()
    headers = {"X-Twilio-Signature": proof, **signed.get("headers", {})}
    return {"request": {"method": "POST", "url": url, "headers": headers, "body": urlencode(form)}}


def message_form(**changes: str) -> dict[str, str]:
    """The form of the plainest sample, changed."""
    form = dict(SAMPLES["text"]["form"])
    return {**form, **changes}
