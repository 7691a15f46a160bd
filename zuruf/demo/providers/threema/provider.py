"""The Threema Gateway's interface for one gateway id, and hands for the people who write to it."""

import hmac
import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.multipart import BodyPartReader
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey

from zuruf.demo.providers.chats import Chat, Chats, Json
from zuruf.demo.providers.couriers import Couriers
from zuruf.demo.providers.faults import Answer, FloodLimit
from zuruf.demo.providers.files import Files, Upload, file_content, kind_of
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.threema.callbacks import Callbacks, rule
from zuruf.demo.providers.threema.people import People
from zuruf.demo.providers.threema.phone import (
    DELIVERED,
    FILE,
    READ,
    RECEIPT,
    TEXT,
    Phone,
    decrypted,
    receipt,
)

GATEWAY_ID = "*MUSTER1"
SECRET = "secret-of-a-demo"  # noqa: S105 - opens nothing anywhere
PRIVATE_KEY = "5a" * 32  # known to everybody: of no worth
MOST_TEXT_BYTES = 3500
MOST_BOX_BYTES = 7812
MOST_BLOB_BYTES = 100 * 1024 * 1024
DELIVERED_AFTER_S, READ_AFTER_S, LATE_BY_S = 0.3, 1.2, 4.0
CAN = "text,image,group,audio,video,file,ballot,call,videocall,pfs,groupcall"


class Refused(Exception):
    """Threema does not carry this call out: a status and no words."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class FakeThreema(People, Provider):
    """One gateway id. Set `callbacks.url` as one does at gateway.threema.ch."""

    can: ClassVar[frozenset[str]] = frozenset({"edit", "delete", "react", "block", "late"})
    sending: ClassVar[frozenset[str]] = frozenset({"send_e2e", "send_simple"})

    def __init__(
        self,
        gateway_id: str = GATEWAY_ID,
        secret: str = SECRET,
        gateway_private_key: str = PRIVATE_KEY,
        mode: Literal["e2e", "basic"] = "e2e",
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
        self.gateway_key = bytes(PrivateKey(bytes.fromhex(gateway_private_key)).public_key)
        self.phones: dict[int, Phone] = {}
        self.blobs: dict[str, bytes] = {}
        self.couriers = Couriers(rule, self._delivered, time_scale)
        self.callbacks = Callbacks(self.couriers, self.chats, gateway_id, secret)
        self._proof = (gateway_id.encode(), secret.encode())

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
        name = request.path.strip("/").partition("/")[0]
        is_form = request.content_type == "application/x-www-form-urlencoded" and request.method == "POST"
        body = await request.content.read() if is_form else b""
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_form else request.query
        given = (fields.get("from", "").encode(), fields.get("secret", "").encode())
        proofs = [hmac.compare_digest(one, own) for one, own in zip(given, self._proof, strict=True)]
        if not all(proofs):
            return web.Response(status=401)

        async def answer() -> web.Response:
            try:
                return await self._answer(name, request, fields)
            except Refused as refused:
                return web.Response(status=refused.status)

        return await self._carry_out(request, name, answer)

    async def _answer(self, name: str, request: web.BaseRequest, fields: Mapping[str, str]) -> web.Response:
        argument = request.path.strip("/").partition("/")[2]
        if name == "send_e2e":
            return web.Response(text=self._send_sealed(fields))
        if name == "send_simple":
            return web.Response(text=self._send_simple(fields))
        if name == "pubkeys":
            return web.Response(text=self._public_key(argument).hex())
        if name == "capabilities":
            self._person(argument)
            return web.Response(text=CAN)
        if name == "credits":
            return web.Response(text=str(self.credits))
        if name == "upload_blob":
            return web.Response(text=await self._uploaded(request))
        if name == "blobs":
            blob = self.blobs.pop(argument, None)  # without `persist`, for one download
            if blob is None:
                raise Refused(404)
            return web.Response(body=blob, content_type="application/octet-stream")
        raise Refused(404)

    def _public_key(self, threema_id: str) -> bytes:
        if threema_id == self.gateway_id:
            return self.gateway_key
        return self.phones[self._person(threema_id).chat_id].public_key

    def _person(self, threema_id: str, missing: int = 404) -> Chat:
        chat = next((chat for chat in self.chats if chat.address == threema_id), None)
        if chat is None:
            raise Refused(missing)
        return chat

    def _send_sealed(self, fields: Mapping[str, str]) -> str:
        if self.mode != "e2e":
            raise Refused(400)
        chat = self._admitted(fields)
        box = fields.get("box", "")
        if len(box) > 2 * MOST_BOX_BYTES:
            raise Refused(413)
        try:
            nonce, sealed = bytes.fromhex(fields.get("nonce", "")), bytes.fromhex(box)
        except ValueError:
            raise Refused(400) from None
        # Threema cannot look into a box; whether it opens shows on the phone alone.
        try:
            kind, payload = self.phones[chat.chat_id].read(nonce, sealed)
        except (CryptoError, ValueError, IndexError):
            kind, payload = 0, b""
        return self._shown(chat, **self._content(kind, payload))

    def _send_simple(self, fields: Mapping[str, str]) -> str:
        if self.mode != "basic":
            raise Refused(400)
        chat, text = self._admitted(fields), fields.get("text", "")
        if len(text.encode()) > MOST_TEXT_BYTES:
            raise Refused(413)
        return self._shown(chat, text=text)

    def _admitted(self, fields: Mapping[str, str]) -> Chat:
        chat = self._person(fields.get("to", ""), missing=400)
        if self.credits <= 0:
            raise Refused(402)
        if self.flood_limit.admit(chat.chat_id) is not None:
            raise Refused(429)
        self.credits -= 1
        return chat

    def _content(self, kind: int, payload: bytes) -> Json:
        if kind == TEXT:
            if len(payload) > MOST_TEXT_BYTES:
                raise Refused(413)
            return {"text": payload.decode()}
        if kind != FILE:
            return {"deleted": True}
        told = msgspec.json.decode(payload)
        content = decrypted(bytes.fromhex(told["k"]), self.blobs.pop(told["b"]))
        shown = kind_of(told["m"]) if told.get("j") else "document"
        stored = self.files.keep(shown, Upload(told.get("n", ""), told["m"], content))
        return {"text": told.get("d", ""), "content": file_content(shown, stored)}

    def _shown(self, chat: Chat, **fields: object) -> str:
        fields["deleted"] = chat.blocked or fields.get("deleted", False)
        message = self.chats.write(chat, from_bot=True, state="sent", **fields)
        if not message.deleted and self.sends_receipts and self.mode == "e2e":
            self._confirm(chat, message.message_id)
        return f"{message.message_id:016x}"

    def _confirm(self, chat: Chat, message_id: int) -> None:
        """The person's phone tells that the message arrived, and a little later that it was read."""
        steps = [(DELIVERED, DELIVERED_AFTER_S), (READ, READ_AFTER_S)]
        if self.late:
            steps = [(READ, LATE_BY_S), (DELIVERED, LATE_BY_S + 0.5), (DELIVERED, LATE_BY_S + 1.0)]
        for status, after_s in steps:
            nonce, box = self.phones[chat.chat_id].write(RECEIPT, receipt(status, message_id))
            self.callbacks.bring(
                chat,
                "receipt",
                self.callbacks.next_id(),
                nonce,
                box,
                self._marks(chat, message_id, status),
                after_s,
            )

    def _marks(self, chat: Chat, message_id: int, status: int) -> Callable[[], None]:
        def marked() -> None:
            message = chat.messages[message_id]
            if message.state != "read":
                message.state = "read" if status == READ else "delivered"
                self.chats.changed(chat, message)

        return marked

    async def _uploaded(self, request: web.BaseRequest) -> str:
        if self.credits <= 0:
            raise Refused(402)
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "blob":
                blob = bytes(await part.read())
                if len(blob) > MOST_BLOB_BYTES:
                    raise Refused(413)
                self.credits -= 1
                return self.keep_blob(blob)
        raise Refused(400)
