"""Threema: a gateway id, end-to-end encrypted with a key of ours, or basic (which can only send)."""

import hmac
from collections.abc import AsyncIterator
from typing import ClassVar

import msgspec
from nacl.public import Box

from channels.channel import Channel, ChannelConfig, ChannelPorts, StoreEvents, WebhookRequest
from channels.errors import SendError, SendErrorKind, Unreadable, WebhookRejected
from channels.markup import to_marks
from channels.message import (
    Capabilities,
    DeliveryState,
    Event,
    Gap,
    Media,
    OutboundMessage,
    RateLimit,
    Receipt,
    Received,
    SealedEvent,
)
from channels.threema_api import ThreemaApi
from channels.threema_blobs import MEDIA_OUT_BYTES, BlobReference, encrypted, opened
from channels.threema_box import mac, open_box, seal
from channels.threema_callback import Callback
from channels.threema_config import ThreemaConfig
from channels.threema_payload import FILE, TEXT, read_payload
from channels.threema_peers import Peers

USUAL_PER_S = 10  # none is published: be gentle
MOST_TEXT_BYTES = 3500
MOST_CAPTION_BYTES = 1000
REPEATS_LAST_MS = 15 * 60_000  # three repeats, five minutes apart: what is older is lost
MARK = "heard until"
RECEIVES: frozenset[Received] = frozenset(
    {
        *("text", "location", "image", "video", "voice", "audio", "document", "sticker"),
        *("edit", "delete", "reaction", "reply"),
    }
)
KEYS_DIFFER = (
    "; BUT private_key does not belong to the public key at Threema, so nothing can be read:"
    " put in the key that the gateway id was made with"
)
_SHOWN_AS_MEDIA = {"image", "video", "voice"}
_CHUNK_BYTES = 1 << 16


class ThreemaChannel(Channel):
    """One gateway id."""

    kind: ClassVar[str] = "threema"
    Config: ClassVar[type[ChannelConfig]] = ThreemaConfig

    def __init__(self, config: ThreemaConfig, ports: ChannelPorts) -> None:
        super().__init__(config, ports)
        self._gateway_id, self._low_credits = config.gateway_id, config.low_credits
        secret = config.secret.get_secret_value()
        self._secret = config.secret
        self._api = ThreemaApi(ports.http, config.api_url, config.gateway_id, secret, ports.memory)
        key = config.private_key
        self._peers = Peers(bytes.fromhex(key.get_secret_value()), self._api) if key else None
        per_s = config.rate_per_s or USUAL_PER_S
        self._wrong_key = False  # until Threema was asked
        self._capabilities = _end_to_end(per_s) if self._peers else _basic(per_s)

    @property
    def capabilities(self) -> Capabilities:
        """What the mode allows."""
        return self._capabilities

    def verify(self, request: WebhookRequest) -> None:
        """Compare the MAC over the callback's fields; a basic account is never called."""
        callback = Callback.read(request.body)
        ours = mac(self._secret.get_secret_value().encode(), callback.signed)
        given = callback.mac.lower().encode("utf-8", "surrogatepass")
        if not (hmac.compare_digest(given, ours) and callback.complete and self._peers):
            raise WebhookRejected

    async def parse(self, request: WebhookRequest) -> list[Event]:
        """What is in the box, if the sender's key is at hand; else the box as it is."""
        callback = Callback.read(request.body)
        callback.check(self._gateway_id)
        box = await self._peers.known(callback.sender) if self._peers else None
        if box is None:
            return [SealedEvent(f"sealed:{callback.envelope.key}", callback.sender, request.body)]
        return _events(callback, box)

    async def unseal(self, body: bytes) -> list[Event]:
        """Fetch the sender's key, and open what was kept."""
        callback = Callback.read(body)
        if not self._peers:
            raise Unreadable("private_key was taken out of the configuration since it came")
        try:
            box = await self._peers.box(callback.sender)
        except SendError as error:
            if error.kind is SendErrorKind.PERMANENT_RECIPIENT:
                raise Unreadable("Threema has no usable key of the sender") from None
            raise
        return _events(callback, box)

    async def send(self, message: OutboundMessage) -> Receipt:
        """Send one bubble, encrypted for the person; or in the basic mode by Threema's own encryption."""
        to, text = message.to.value, message.text.encode("utf-8", "replace").decode()
        if not self._peers:
            if message.media:
                raise SendError(SendErrorKind.PERMANENT_CONTENT, code="basic mode sends text only")
            shown = _marked(text, MOST_TEXT_BYTES)
            return await self._sent("/send_simple", {"to": to, "text": shown})
        box = await self._peers.box(to)
        if message.media:
            kind, payload = await self._with_file(to, message.media, _marked(text, MOST_CAPTION_BYTES))
        else:
            kind, payload = TEXT, _marked(text, MOST_TEXT_BYTES).encode()
        nonce, sealed = seal(box, kind, payload)
        return await self._sent("/send_e2e", {"to": to, "nonce": nonce.hex(), "box": sealed.hex()})

    async def _sent(self, path: str, fields: dict[str, str]) -> Receipt:
        try:
            return Receipt(await self._api.send(path, fields), DeliveryState.SENT)
        except SendError as error:
            if error.kind is SendErrorKind.PERMANENT_RECIPIENT and self._wrong_key:
                raise _wrong_key() from None  # it was never the person's fault
            raise

    async def _with_file(self, to: str, media: Media, caption: str) -> tuple[int, bytes]:
        if "file" not in await self._api.capabilities(to):
            # At least the person knows that there was something.
            return TEXT, "\n".join(filter(None, [caption, media.file_name or f"[{media.kind}]"])).encode()
        key, blob, size = await encrypted(media)
        described = {
            "b": await self._api.upload(blob),
            "k": key.hex(),
            "m": media.content_type or "application/octet-stream",
            "s": size,
            "i": int(media.kind in _SHOWN_AS_MEDIA),
            "j": int(media.kind in _SHOWN_AS_MEDIA),
        }
        named = {"n": media.file_name, "d": caption}
        return FILE, msgspec.json.encode(described | {name: text for name, text in named.items() if text})

    async def fetch_media(self, media: Media) -> AsyncIterator[bytes]:
        """Fetch a file that came in, once, and decrypt it."""
        reference = BlobReference.read(media.reference)
        box = await self._peers.box(reference.sender) if self._peers and reference.sender else None
        blob = await self._api.download(reference.blob_id)  # last: Threema may hand it out but once
        content = await opened(reference, blob, box)
        for start in range(0, len(content), _CHUNK_BYTES):
            yield content[start : start + _CHUNK_BYTES]

    async def catch_up(self, store: StoreEvents) -> Gap | None:
        """Threema repeats a callback for a quarter of an hour and keeps nothing: a gap is what is longer."""
        now_ms, mark = self.ports.now_ms(), await self.ports.memory.get(MARK)
        await self.ports.memory.put(MARK, str(now_ms))
        if not self._peers or mark is None or now_ms - int(mark) <= REPEATS_LAST_MS:
            return None
        return Gap(int(mark), now_ms)

    async def check(self) -> str:
        """The account's mode and credits, and whether our key is the one that people encrypt for."""
        credits_left = await self._api.credits()
        if not self._peers:
            return f"{self._gateway_id}, basic mode: sends text, receives nothing; {credits_left} credits"
        remark = KEYS_DIFFER if await self._has_wrong_key(self._peers) else ""
        return f"{self._gateway_id}, end-to-end, {credits_left} credits{remark}"

    async def set_up(self) -> None:
        """See that people encrypt for our key; where they do not, refusals are not blamed on them."""
        if self._peers and await self._has_wrong_key(self._peers):
            raise _wrong_key()

    async def _has_wrong_key(self, peers: Peers) -> bool:
        self._wrong_key = await self._api.public_key(self._gateway_id) != peers.public_key
        return self._wrong_key

    async def account_warning(self) -> str:
        """That credits run out; without any, nothing is sent."""
        left = await self._api.credits()
        return f"{left} credits are left at Threema" if left < self._low_credits else ""


def _wrong_key() -> SendError:
    return SendError(SendErrorKind.STOP_CHANNEL, code="private_key is not this gateway id's", scope="channel")


def _events(callback: Callback, box: Box) -> list[Event]:
    kind, payload = open_box(box, bytes.fromhex(callback.nonce), bytes.fromhex(callback.box))
    return read_payload(callback.envelope, kind, payload)


def _marked(text: str, most_bytes: int) -> str:
    """`text` in Threema's marks, or as it is where what keeps marks from showing would make it too long."""
    marked = to_marks(text)
    return marked if len(marked.encode()) <= most_bytes else text


def _end_to_end(per_s: float) -> Capabilities:
    return Capabilities(
        text_limit=MOST_TEXT_BYTES,
        text_unit="utf8",
        caption_limit=MOST_CAPTION_BYTES,
        buttons=0,
        button_title_limit=0,
        rate=RateLimit.never_above(per_s),
        media_out_bytes=MEDIA_OUT_BYTES,
        receives=RECEIVES,
        delivery_reports=True,
        read_reports=True,
        costs=True,
    )


def _basic(per_s: float) -> Capabilities:
    return Capabilities(
        text_limit=MOST_TEXT_BYTES,
        text_unit="utf8",
        caption_limit=0,
        buttons=0,
        button_title_limit=0,
        rate=RateLimit.never_above(per_s),
        costs=True,
    )
