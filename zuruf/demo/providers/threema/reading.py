"""What people see of the messages that the gateway sent to them."""

import msgspec

from zuruf.demo.providers.chats import Json
from zuruf.demo.providers.files import Files, Upload, file_content, kind_of
from zuruf.demo.providers.threema.blobs import Blobs
from zuruf.demo.providers.threema.phone import (
    DELETE,
    EDIT,
    FILE,
    REACTION,
    RECEIPT,
    TEXT,
    TYPING,
    FileMessage,
    Garbled,
    decrypted,
)

WITHOUT_BUBBLE = frozenset({RECEIPT, REACTION, TYPING, EDIT, DELETE})
_decode_file = msgspec.json.Decoder(FileMessage).decode


def bubble(kind: int, payload: bytes, files: Files, blobs: Blobs) -> Json:
    """The fields of the bubble that a message is shown as; raises `Garbled` where it is shown as none."""
    try:
        if kind == TEXT:
            return {"text": payload.decode()}
        if kind == FILE:
            return _with_file(_decode_file(payload), files, blobs)
    except ValueError:  # no UTF-8, no JSON, no hexadecimal digits
        raise Garbled from None
    raise Garbled


def _with_file(told: FileMessage, files: Files, blobs: Blobs) -> Json:
    blob = blobs.take(told.b)
    if blob is None:
        raise Garbled
    content = decrypted(bytes.fromhex(told.k), blob)
    kind = _shown_as(told)
    stored = files.keep(kind, Upload(told.n or "", told.m, content))
    duration_s = round((told.x or {}).get("d", 0))
    return {"text": told.d or "", "content": file_content(kind, stored, duration_s)}


def _shown_as(told: FileMessage) -> str:
    rendering = told.j if told.j is not None else told.i
    if not rendering:
        return "document"
    return "voice" if told.m.startswith("audio/") else kind_of(told.m)
