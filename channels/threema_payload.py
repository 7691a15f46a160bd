"""What is in an opened box: each type's bytes, as the events that every channel shares."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import structlog

from channels.errors import Unreadable
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Event,
    InboundMessage,
    Location,
    Media,
    MediaKind,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    Sender,
)
from channels.threema_blobs import BlobReference

log = structlog.get_logger(__name__)

TEXT, OLD_IMAGE, LOCATION, OLD_VIDEO, OLD_AUDIO, FILE = 0x01, 0x02, 0x10, 0x13, 0x14, 0x17
RECEIPT, REACTION, EDIT, DELETE, FORWARD_SECRECY = 0x80, 0x82, 0x91, 0x92, 0xA0
# Understood and not for us: polls, calls, pictures of profiles, typing, and everything in groups.
IGNORED = frozenset(
    {0x15, 0x16, *range(0x18, 0x1B), *range(0x41, 0x55), *range(0x60, 0x65)}
    | {0x81, 0x83, 0x90, 0x93, 0x94, 0xFE}
)
ID_BYTES = 8
_DELIVERED, _READ, _ACKNOWLEDGED, _DECLINED = 1, 2, 3, 4
_STATES = {_DELIVERED: DeliveryState.DELIVERED, _READ: DeliveryState.READ}
_THUMBS = {_ACKNOWLEDGED: "👍", _DECLINED: "👎"}
_STICKER = 2
_MEDIA = (1, 2)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message beside its content."""

    sender: Sender
    message_id: str
    sent_at_ms: int

    @property
    def key(self) -> str:
        """Unique for ever: senders choose their message ids, so the sender belongs to it."""
        return f"{self.sender.identifiers[0].value}:{self.message_id}"


class _FileDetails(msgspec.Struct):
    d: float | int | None = None


class _File(msgspec.Struct):
    """The JSON of a file message; its names are the protocol's."""

    b: str
    k: str
    m: str = ""
    n: str | None = None
    s: int | None = None
    j: int | None = None
    i: int | None = None
    d: str | None = None
    c: str | None = None
    x: _FileDetails | None = None


_decode_file = msgspec.json.Decoder(_File).decode


def read_payload(envelope: Envelope, kind: int, payload: bytes) -> list[Event]:
    """The events of one message; `[]` for what is understood but not for us. Raises `Unreadable`."""
    reader = _READERS.get(kind)
    if reader:
        return reader(envelope, payload)
    if kind == FORWARD_SECRECY:
        # Our keys cannot read it, and the person believes that they were heard.
        log.error("threema.unreadable_with_forward_secrecy")
    elif kind not in IGNORED:
        log.warning("threema.unknown_type", type=kind)
    return []


def _text(envelope: Envelope, payload: bytes) -> list[Event]:
    return [_said(envelope, text=payload.decode("utf-8", "replace"))]


def _location(envelope: Envelope, payload: bytes) -> list[Event]:
    first, *lines = payload.decode("utf-8", "replace").split("\n", 2)
    numbers = first.split(",")
    try:
        latitude, longitude = float(numbers[0]), float(numbers[1])
    except (ValueError, IndexError):
        raise Unreadable("a location without coordinates") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Unreadable("a location that is nowhere on earth")
    name, address = lines if len(lines) == 2 else ("", lines[0] if lines else "")
    return [_said(envelope, location=Location(latitude, longitude, name, address.replace("\\n", "\n")))]


def _file(envelope: Envelope, payload: bytes) -> list[Event]:
    try:
        file = _decode_file(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable("a file message whose description makes no sense") from None
    rendering = file.j if file.j is not None else file.i
    media = Media(
        kind=_media_kind(file.m, rendering),
        reference=BlobReference("file", file.b, file.k).text,
        content_type=file.m[:100],
        file_name=(file.n or "")[:255],
        size_bytes=file.s if file.s is not None and 0 <= file.s < 2**53 else None,
        duration_s=_seconds(file.x),
    )
    return [_said(envelope, text=file.d or "", media=media, album=(file.c or "")[:64] or None)]


def _media_kind(content_type: str, rendering: int | None) -> MediaKind:
    family = content_type.partition("/")[0]
    if family == "image":
        return "sticker" if rendering == _STICKER else "image"
    if family == "video":
        return "video"
    if family == "audio":
        return "voice" if rendering in _MEDIA else "audio"
    return "document"


def _seconds(details: _FileDetails | None) -> int | None:
    given = details.d if details else None
    return round(given) if given is not None and 0 <= given < 10**6 else None


def _old_image(envelope: Envelope, payload: bytes) -> list[Event]:
    if len(payload) != 16 + 4 + 24:
        raise Unreadable("an image message of the wrong length")
    sender = envelope.sender.identifiers[0].value
    reference = BlobReference("image", payload[:16].hex(), payload[20:].hex(), sender)
    return [_said(envelope, media=_old_media("image", reference, "image/jpeg", payload[16:20]))]


def _old_audio(envelope: Envelope, payload: bytes) -> list[Event]:
    if len(payload) != 2 + 16 + 4 + 32:
        raise Unreadable("a voice message of the wrong length")
    reference = BlobReference("file", payload[2:18].hex(), payload[22:].hex())
    media = _old_media("voice", reference, "audio/aac", payload[18:22])
    return [_said(envelope, media=replace(media, duration_s=_number(payload[:2])))]


def _old_video(envelope: Envelope, payload: bytes) -> list[Event]:
    if len(payload) != 2 + 16 + 4 + 16 + 4 + 32:
        raise Unreadable("a video message of the wrong length")
    reference = BlobReference("file", payload[2:18].hex(), payload[-32:].hex())
    media = _old_media("video", reference, "video/mp4", payload[18:22])
    return [_said(envelope, media=replace(media, duration_s=_number(payload[:2])))]


def _old_media(kind: MediaKind, reference: BlobReference, content_type: str, size: bytes) -> Media:
    return Media(kind, reference.text, content_type, size_bytes=_number(size))


def _number(little_endian: bytes) -> int:
    return int.from_bytes(little_endian, "little")


def _receipt(envelope: Envelope, payload: bytes) -> list[Event]:
    status, ids = payload[:1], payload[1:]
    if not status or not ids or len(ids) % ID_BYTES:
        raise Unreadable("a receipt of the wrong length")
    events: list[Event] = []
    for start in range(0, len(ids), ID_BYTES):
        target = ids[start : start + ID_BYTES].hex()
        key = f"{envelope.key}:{target}"
        if status[0] in _STATES:
            events.append(DeliveryUpdate(key, _STATES[status[0]], target))
        elif status[0] in _THUMBS:
            events.append(ReactionChanged(key, envelope.sender, target, _THUMBS[status[0]]))
    return events


def _reaction(envelope: Envelope, payload: bytes) -> list[Event]:
    fields = dict(read_fields(payload))
    emoji = fields.get(2, b"").decode("utf-8", "replace")[:16]
    return [ReactionChanged(envelope.key, envelope.sender, _target(fields), emoji)]


def _edit(envelope: Envelope, payload: bytes) -> list[Event]:
    fields = dict(read_fields(payload))
    text = fields.get(2, b"").decode("utf-8", "replace")
    return [MessageEdited(envelope.key, envelope.sender, _target(fields), text)]


def _delete(envelope: Envelope, payload: bytes) -> list[Event]:
    return [MessageDeleted(envelope.key, envelope.sender, _target(dict(read_fields(payload))))]


def _target(fields: dict[int, bytes]) -> str:
    if len(fields.get(1, b"")) != ID_BYTES:
        raise Unreadable("a change that does not say of which message")
    return fields[1].hex()


def read_fields(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message as number and bytes; raises `Unreadable`.

    https://protobuf.dev/programming-guides/encoding: enough for messages of three flat fields.
    """
    at = 0
    while at < len(payload):
        tag, at = _varint(payload, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            start = at
            _, at = _varint(payload, at)
            yield number, payload[start:at]
            continue
        if wire_type == 2:
            length, at = _varint(payload, at)
        elif wire_type in {1, 5}:
            length = 8 if wire_type == 1 else 4
        else:
            raise Unreadable("a protobuf message of an unknown kind")
        if at + length > len(payload):
            raise Unreadable("a protobuf message that ends too early")
        yield number, payload[at : at + length]
        at += length


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(payload):
            break
        byte = payload[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise Unreadable("a protobuf number that does not end")


def _said(
    envelope: Envelope,
    text: str = "",
    media: Media | None = None,
    location: Location | None = None,
    album: str | None = None,
) -> InboundMessage:
    quoted = _QUOTE.match(text)
    return InboundMessage(
        dedupe_key=envelope.key,
        sender=envelope.sender,
        provider_id=envelope.message_id,
        sent_at_ms=envelope.sent_at_ms,
        text=text[quoted.end() :] if quoted else text,
        media=media,
        location=location,
        album=album,
        reply_to=quoted[1] if quoted else None,
    )


# How the apps write a quoted reply into a text.
_QUOTE = re.compile(r"> quote #([0-9a-f]{16})\r?\n(?:\r?\n)?")
_READERS = {
    TEXT: _text,
    OLD_IMAGE: _old_image,
    LOCATION: _location,
    OLD_VIDEO: _old_video,
    OLD_AUDIO: _old_audio,
    FILE: _file,
    RECEIPT: _receipt,
    REACTION: _reaction,
    EDIT: _edit,
    DELETE: _delete,
}
