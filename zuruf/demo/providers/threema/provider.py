"""The Threema Gateway's interface for one gateway id, and hands for the people who write to it."""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.multipart import BodyPartReader
from nacl.public import PrivateKey

from zuruf.demo.providers.chats import Chat, Chats
from zuruf.demo.providers.couriers import Couriers
from zuruf.demo.providers.faults import Answer, FloodLimit
from zuruf.demo.providers.files import Files
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.threema import rules
from zuruf.demo.providers.threema.blobs import Blobs
from zuruf.demo.providers.threema.callbacks import Callbacks, rule
from zuruf.demo.providers.threema.directory import Directory
from zuruf.demo.providers.threema.people import People
from zuruf.demo.providers.threema.phone import TEXT, Garbled, Phone
from zuruf.demo.providers.threema.reading import WITHOUT_BUBBLE, bubble
from zuruf.demo.providers.threema.receipts import Receipts
from zuruf.demo.providers.threema.rules import Mode, Refused

GATEWAY_ID = "*MUSTER1"
SECRET = "secret-of-a-demo"  # noqa: S105 - opens nothing anywhere
PRIVATE_KEY = "5a" * 32  # known to everybody: of no worth
PUBLIC_KEY = bytes(PrivateKey(bytes.fromhex(PRIVATE_KEY)).public_key)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its parameters, and what stands behind its name in the path."""

    request: web.BaseRequest
    fields: Mapping[str, str]
    about: str


class FakeThreema(People, Provider):
    """One gateway id. Set `callbacks.url` as one does at gateway.threema.ch."""

    can: ClassVar[frozenset[str]] = frozenset({"edit", "delete", "react", "block", "late"})
    sending: ClassVar[frozenset[str]] = frozenset({"send_e2e", "send_simple"})

    def __init__(
        self,
        gateway_id: str = GATEWAY_ID,
        secret: str = SECRET,
        gateway_public_key: bytes = PUBLIC_KEY,
        mode: Mode = "e2e",
        bot_name: str = "Rübenservice",
        port: int = 0,
        clock: Callable[[], float] = time.time,
        time_scale: float = 1.0,
    ) -> None:
        super(People, self).__init__(Chats({"first_name": bot_name}, clock), Files(), port)
        self.gateway_id, self.mode = gateway_id, mode
        self.credits = 10_000
        self.sends_receipts = True  # benchmarks do without
        self.flood_limit = FloodLimit()
        self.gateway_key = gateway_public_key
        self.phones: dict[int, Phone] = {}
        self.blobs = Blobs()
        self.directory = Directory()
        self.couriers = Couriers(rule, self._delivered, time_scale)
        hears = mode == "e2e"
        self.callbacks = Callbacks(self.couriers, self.chats, gateway_id, secret, are_made=hears)
        self.receipts = Receipts(self.chats, self.phones, self.callbacks)
        self._proof = f"{gateway_id}\n{secret}".encode()
        self._answers: Mapping[tuple[str, str], Callable[[Call], Awaitable[str | bytes]]] = {
            ("POST", "send_e2e"): self._send_sealed,
            ("POST", "send_simple"): self._send_simple,
            ("POST", "upload_blob"): self._upload,
            ("GET", "blobs"): self._download,
            ("GET", "pubkeys"): self._public_key,
            ("GET", "capabilities"): self._capabilities,
            ("GET", "credits"): self._credits,
            ("GET", "lookup"): self._look_up,
        }

    async def _open(self) -> None:
        self.couriers.start()

    async def _close(self) -> None:
        await self.couriers.stop()

    def _pause(self) -> None:
        self.couriers.pause()

    def _resume(self) -> None:
        self.couriers.resume()

    def rate_limited(self) -> Answer:
        """A status and no words."""
        return Answer(429, headers={"Content-Type": "text/plain"})

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name, _, about = request.path.strip("/").partition("/")
        fields: Mapping[str, str] = request.query
        if request.method == "POST" and request.content_type == FORM:
            fields = dict(parse_qsl((await request.content.read()).decode("utf-8", "replace")))
        call = Call(request, fields, about)
        return await self._carry_out(request, name, lambda: self._answer(name, call))

    async def _answer(self, name: str, call: Call) -> web.Response:
        try:
            self._check_proof(call.fields)
            answer = self._answers.get((call.request.method, name))
            if answer is None:
                raise Refused(404)
            said = await answer(call)
        except Refused as refused:
            return web.Response(status=refused.status, text="")
        return web.Response(text=said) if isinstance(said, str) else web.Response(body=said)

    def _check_proof(self, fields: Mapping[str, str]) -> None:
        given = "\n".join((fields.get("from", ""), fields.get("secret", "")))
        if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._proof):
            raise Refused(401)

    async def _send_sealed(self, call: Call) -> str:
        rules.check_mode(self.mode, "e2e")
        chat = self._recipient(call.fields.get("to", ""))
        nonce, box = rules.sealed_in(call.fields)
        # Threema cannot look into a box: what no phone can read was sent all the same.
        try:
            kind, payload = self.phones[chat.chat_id].read(nonce, box)
        except Garbled:
            kind, payload = 0, b""
        if kind == TEXT:
            rules.check_text(payload)  # nor see its length; here nobody shall find out on a phone
        self._charge(chat)
        if kind in WITHOUT_BUBBLE:
            return f"{self.callbacks.next_id():016x}"
        try:
            fields = bubble(kind, payload, self.files, self.blobs)
        except Garbled:
            fields = {"deleted": True}
        return self._show(chat, fields, is_confirmed=call.fields.get("noDeliveryReceipts") != "1")

    async def _send_simple(self, call: Call) -> str:
        rules.check_mode(self.mode, "basic")
        named = {way: call.fields[way] for way in ("to", "phone", "email") if way in call.fields}
        if len(named) != 1:
            raise Refused(400)
        ((way, value),) = named.items()
        chat = self._recipient(value if way == "to" else self.directory.find(way, value) or "")
        text = call.fields.get("text", "")
        if not text:
            raise Refused(400)
        rules.check_text(text.encode("utf-8", "surrogatepass"))
        self._charge(chat)
        return self._show(chat, {"text": text}, is_confirmed=False)

    def _recipient(self, threema_id: str) -> Chat:
        chat = self.directory.get(threema_id)
        if chat is None:
            raise Refused(400)
        return chat

    def _charge(self, chat: Chat) -> None:
        if self.credits <= 0:
            raise Refused(402)
        if self.flood_limit.admit(chat.chat_id) is not None:
            raise Refused(429)
        self.credits -= 1

    def _show(self, chat: Chat, fields: Mapping[str, object], *, is_confirmed: bool) -> str:
        is_hidden = chat.blocked or bool(fields.get("deleted"))
        message = self.chats.write(chat, from_bot=True, state="sent", **{**fields, "deleted": is_hidden})
        if is_confirmed and self.sends_receipts and not is_hidden:
            self.receipts.confirm(chat, message, are_late=self.late)
        return f"{message.message_id:016x}"

    async def _upload(self, call: Call) -> str:
        if self.credits <= 0:
            raise Refused(402)
        blob = await _blob_in(call.request)
        self.credits -= 1
        return self.blobs.keep(blob, stays=call.fields.get("persist") == "1")

    async def _download(self, call: Call) -> bytes:
        blob = self.blobs.take(call.about)
        if blob is None:
            raise Refused(404)
        return blob

    async def _public_key(self, call: Call) -> str:
        if call.about == self.gateway_id:
            return self.gateway_key.hex()
        return self._phone(call.about).public_key.hex()

    async def _capabilities(self, call: Call) -> str:
        return self._phone(call.about).can

    async def _credits(self, call: Call) -> str:
        return str(self.credits)

    async def _look_up(self, call: Call) -> str:
        way, _, linked = call.about.partition("/")
        found = self.directory.find(way, linked)
        if found is None:
            raise Refused(404)
        return found

    def _phone(self, threema_id: str) -> Phone:
        chat = self.directory.get(threema_id)
        if chat is None:
            raise Refused(404)
        return self.phones[chat.chat_id]


async def _blob_in(request: web.BaseRequest) -> bytes:
    """The file of an upload, read in pieces: the server's own limit is far below Threema's."""
    if request.content_type != "multipart/form-data":
        raise Refused(400)
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "blob":
                blob = bytearray()
                while chunk := await part.read_chunk():
                    blob += chunk
                    if len(blob) > rules.MOST_BLOB_BYTES:
                        raise Refused(413)
                return bytes(blob)
    except ValueError:  # no boundary, or no end
        raise Refused(400) from None
    raise Refused(400)
