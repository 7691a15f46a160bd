"""A Threema Gateway on loopback that answers as told, and a person with a key who reads what we send."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from nacl.public import Box, PrivateKey, PublicKey

from channels.channel import WebhookRequest
from channels.threema_box import mac, seal
from tests.channels.contract import Sample, load_samples, webhook_request

GATEWAY, SECRET = "*TESTGW1", "invSecret0000001"
PRIVATE_KEY = "1c69b5b2cbe5f98b2be9252afcae98ad11c136eb749d95ffbfe8a3cc40a238e3"
PUBLIC_KEY = "9bc42490232c7f5c559a27af5d4ede90e54fb287dd667911693744fbd3652515"
PERSON = "TSTUSR01"
PERSONS_PRIVATE_KEY = "0499b78d63419481ace5ec8a85b1558dfa61d906d69da3e2d16ed610a8a3fd85"
PERSONS_PUBLIC_KEY = "eadcee452efe263eb1b92096e2857e4b0091b9aeff18dde0c42a0500204f0204"
BASIC = {"gateway_id": GATEWAY, "secret": SECRET}
END_TO_END = {**BASIC, "private_key": PRIVATE_KEY}
SAMPLES = load_samples("threema")
CUT = object()  # answer: drop the connection instead
PEOPLES_BOX = Box(PrivateKey(bytes.fromhex(PERSONS_PRIVATE_KEY)), PublicKey(bytes.fromhex(PUBLIC_KEY)))
MESSAGE_ID, BLOB_ID = "0102030405060708", "00112233445566778899aabbccddee01"
TEXT_PLAIN = "text/plain"


@dataclass
class FakeThreema:
    """Answers what it was told to, once each; otherwise as the real one does when all is well."""

    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=lambda: {GATEWAY: PUBLIC_KEY, PERSON: PERSONS_PUBLIC_KEY})
    can: str = "text,image,group,audio,video,file,ballot,call"
    credits: int = 980
    blobs: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def answer(self, call: str, *answers: Any) -> None:
        """Queue answers for `call`, such as "send_e2e": samples with `status` and `body`, or `CUT`."""
        self.answers.setdefault(call, deque()).extend(answers)

    def asked(self, call: str) -> list[dict[str, str]]:
        """The parameters of every such call."""
        return [parameters for path, parameters in self.calls if path.split("/")[1] == call]

    def opened(self) -> list[tuple[int, bytes]]:
        """What the person reads: type and payload of every message to them."""
        return [_opened(sent) for sent in self.asked("send_e2e")]

    def described(self) -> dict[str, Any]:
        """The one file message that the person got."""
        ((kind, payload),) = self.opened()
        assert kind == 0x17
        described = json.loads(payload)
        assert isinstance(described, dict)
        return described

    async def start(self) -> TestServer:
        """Listen on a free port."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{call}{rest:.*}", self._called)
        server = TestServer(app)
        await server.start_server(access_log=None)
        self.url = str(server.make_url("")).rstrip("/")
        return server

    async def _called(self, request: web.Request) -> web.StreamResponse:
        call = request.match_info["call"]
        name = request.match_info["rest"].strip("/")
        parameters = dict(request.query)
        if request.method == "POST":
            parameters |= await self._posted(request)
        self.calls.append((request.path, parameters))
        if queue := self.answers.get(call):
            return _told(request, queue.popleft())
        return self._usual(call, name, parameters)

    async def _posted(self, request: web.Request) -> dict[str, str]:
        fields = {}
        for key, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                self.blobs[BLOB_ID] = await asyncio.to_thread(value.file.read)
            else:
                assert isinstance(value, str)
                fields[key] = value
        return fields

    def _usual(self, call: str, name: str, parameters: dict[str, str]) -> web.StreamResponse:
        if (parameters["from"], parameters["secret"]) != (GATEWAY, SECRET):
            return web.Response(status=401)
        if call == "blobs":
            blob = self.blobs.get(name)
            return web.Response(status=404) if blob is None else web.Response(body=blob)
        usual = {
            "send_e2e": MESSAGE_ID,
            "send_simple": MESSAGE_ID,
            "upload_blob": BLOB_ID,
            "pubkeys": self.keys.get(name),
            "capabilities": self.can,
            "credits": str(self.credits),
        }.get(call)
        return web.Response(status=404) if usual is None else web.Response(text=usual)


def _told(request: web.Request, answer: Any) -> web.StreamResponse:
    if answer is CUT:
        assert request.transport is not None
        request.transport.close()
        return web.Response()
    headers = {"Content-Type": TEXT_PLAIN, **answer.get("headers", {})}
    return web.Response(status=answer["status"], text=answer["body"], headers=headers)


def _opened(sent: dict[str, str]) -> tuple[int, bytes]:
    plaintext = PEOPLES_BOX.decrypt(bytes.fromhex(sent["box"]), bytes.fromhex(sent["nonce"]))
    padding = plaintext[-1]
    assert plaintext.endswith(bytes([padding]) * padding)
    assert len(plaintext) > 32
    return plaintext[0], plaintext[1:-padding]


def callback(kind: int, payload: bytes, **changes: str) -> WebhookRequest:
    """What Threema posts when the person sends this; `changes` are covered by the proof, like all of it."""
    nonce, box = seal(PEOPLES_BOX, kind, payload)
    form = {
        **{"from": PERSON, "to": GATEWAY, "messageId": "00000000000000aa", "date": "1790000000"},
        **{"nonce": nonce.hex(), "box": box.hex(), "nickname": "Nora"},
        **{name.rstrip("_"): value for name, value in changes.items()},
    }
    return signed(form)


def signed(form: dict[str, str]) -> WebhookRequest:
    """A form with its proof."""
    covered = "".join(form.get(name, "") for name in ("from", "to", "messageId", "date", "nonce", "box"))
    sample: Sample = SAMPLES["text"]
    body = urlencode({**form, "mac": mac(SECRET.encode(), covered).decode()})
    return webhook_request(sample, body=body)
