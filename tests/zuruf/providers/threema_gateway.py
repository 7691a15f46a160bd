"""A gateway that talks to the fake Threema by HTTP and PyNaCl alone, with the samples' names and keys."""

import hmac
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox

from tests.channels.contract import load_samples
from zuruf.demo.providers.threema import FakeThreema

GATEWAY, SECRET = "*TESTGW1", "invSecret0000001"
PRIVATE_KEY = "1c69b5b2cbe5f98b2be9252afcae98ad11c136eb749d95ffbfe8a3cc40a238e3"
PUBLIC_KEY = "9bc42490232c7f5c559a27af5d4ede90e54fb287dd667911693744fbd3652515"
PERSONS_PRIVATE_KEY = "0499b78d63419481ace5ec8a85b1558dfa61d906d69da3e2d16ed610a8a3fd85"
PROOF = {"from": GATEWAY, "secret": SECRET}
NORA, TOM = "TSTUSR01", "TSTUSR02"
TEXT, LOCATION, FILE = 0x01, 0x10, 0x17
RECEIPT, REACTION, TYPING, EDIT, DELETE = 0x80, 0x82, 0x90, 0x91, 0x92
SAMPLES = load_samples("threema")
NOW_S = 1_790_000_000


def make_fake(**options: Any) -> FakeThreema:
    """The fake for the samples' gateway id, where five minutes are a fraction of a second."""
    return FakeThreema(
        GATEWAY, SECRET, bytes.fromhex(PUBLIC_KEY), **{"clock": lambda: NOW_S, "time_scale": 0.001, **options}
    )


def content_of(sample: str) -> tuple[int, bytes]:
    """Type and payload of a recorded message."""
    plaintext = bytes.fromhex(SAMPLES[sample]["plaintext_hex"])
    return plaintext[0], plaintext[1 : -plaintext[-1]]


@dataclass(frozen=True)
class Heard:
    """One callback."""

    form: dict[str, str]
    kind: int
    payload: bytes

    @property
    def described(self) -> dict[str, Any]:
        """What a file message tells."""
        assert self.kind == FILE
        described: dict[str, Any] = json.loads(self.payload)
        return described

    @property
    def is_genuine(self) -> bool:
        """Whether the proof is right."""
        names = ("from", "to", "messageId", "date", "nonce", "box")
        covered = "".join(self.form[name] for name in names).encode()
        return hmac.compare_digest(
            self.form["mac"].encode(), hmac.digest(SECRET.encode(), covered, "sha256").hex().encode()
        )


@dataclass
class Gateway:
    """Sends as a gateway does, remembers what it hears, and refuses what it is told to refuse."""

    provider: FakeThreema
    session: aiohttp.ClientSession
    heard: list[Heard] = field(default_factory=list)
    refuses: Callable[[Heard], bool] = lambda heard: False

    async def get(self, path: str, **parameters: str) -> tuple[int, str]:
        """A call that only reads."""
        async with self.session.get(self.provider.url + path, params={**PROOF, **parameters}) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        """A call with a form."""
        async with self.session.post(self.provider.url + path, data={**PROOF, **fields}) as answer:
            return answer.status, await answer.text()

    async def upload(self, blob: bytes, **parameters: str) -> tuple[int, str]:
        """Leave a file."""
        form = aiohttp.FormData()
        form.add_field("blob", BytesIO(blob), filename="blob", content_type="application/octet-stream")
        url = f"{self.provider.url}/upload_blob"
        async with self.session.post(url, params={**PROOF, **parameters}, data=form) as answer:
            return answer.status, await answer.text()

    async def download(self, blob_id: str) -> tuple[int, bytes]:
        """Fetch a file."""
        async with self.session.get(f"{self.provider.url}/blobs/{blob_id}", params=PROOF) as answer:
            return answer.status, await answer.read()

    async def send(
        self, to: str, kind: int, payload: bytes, padding: bytes = b"\x20" * 32, **more: str
    ) -> tuple[int, str]:
        """Send a sealed message, padded well unless told otherwise."""
        nonce = secrets.token_bytes(24)
        box = (await self._box(to)).encrypt(bytes([kind]) + payload + padding, nonce).ciphertext
        return await self.post("/send_e2e", to=to, nonce=nonce.hex(), box=box.hex(), **more)

    async def send_file(self, to: str, content: bytes, **described: Any) -> tuple[int, str]:
        """Send a file, encrypted with a key of its own."""
        key = secrets.token_bytes(32)
        blob = SecretBox(key).encrypt(content, bytes(23) + b"\x01").ciphertext
        told = {"b": (await self.upload(blob))[1], "k": key.hex(), "s": len(content), **described}
        return await self.send(to, FILE, json.dumps(told, ensure_ascii=False).encode())

    async def fetched(self, heard: Heard, what: str = "b", last: int = 1) -> bytes:
        """The file that a message told of."""
        status, blob = await self.download(heard.described[what])
        assert status == 200
        key = bytes.fromhex(heard.described["k"])
        return SecretBox(key).decrypt(blob, bytes(23) + bytes([last]))

    async def receive(self, request: web.Request) -> web.Response:
        """Open a callback."""
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        box = await self._box(form["from"])
        plaintext = box.decrypt(bytes.fromhex(form["box"]), bytes.fromhex(form["nonce"]))
        heard = Heard(form, plaintext[0], plaintext[1 : -plaintext[-1]])
        self.heard.append(heard)
        return web.Response(status=500 if self.refuses(heard) else 200)

    def of(self, *kinds: int) -> list[Heard]:
        """What was heard of some types."""
        return [heard for heard in self.heard if heard.kind in kinds]

    async def _box(self, threema_id: str) -> Box:
        _, key = await self.get(f"/pubkeys/{threema_id}")
        return Box(PrivateKey(bytes.fromhex(PRIVATE_KEY)), PublicKey(bytes.fromhex(key)))


@asynccontextmanager
async def called_back(
    provider: FakeThreema, receive: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[None]:
    """Have the provider's callbacks brought to `receive`."""
    app = web.Application()
    app.router.add_post("/webhooks/threema", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.callbacks.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/threema"
    yield
    await provider.until(lambda: provider.couriers.under_way == 0)  # a cut connection would be waited for
    await runner.cleanup()
