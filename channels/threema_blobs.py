"""Files on Threema: encrypted blobs, each with a key that only the message about it tells."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import Box

from channels.errors import MediaGone, SendError, SendErrorKind, Unreadable
from channels.message import Media, MediaKind
from channels.threema_box import decrypt_file, encrypt_file

MEGABYTE = 1024 * 1024
MOST_BYTES = 50 * MEGABYTE  # a blob may have 100; it is decrypted in memory
MEDIA_OUT_BYTES: dict[MediaKind, int] = dict.fromkeys(
    ("image", "video", "voice", "audio", "document"), MOST_BYTES
)
_REFERENCE = re.compile(r"(file|image):([0-9a-f]{32}):([0-9a-f]{48}|[0-9a-f]{64})(?::([0-9A-Z*]{8}))?")


@dataclass(frozen=True, slots=True)
class BlobReference:
    """Where a file is and what opens it: a key of its own, or (old images) a nonce between two people."""

    kind: str  # file, image
    blob_id: str  # 32 hexadecimal digits
    key: str  # file: the key; image: the nonce
    sender: str = ""  # image: whose

    @property
    def text(self) -> str:
        """For `Media.reference`; raises `Unreadable` where it could not be read back."""
        text = f"{self.kind}:{self.blob_id}:{self.key}".lower() + (f":{self.sender}" if self.sender else "")
        if not _REFERENCE.fullmatch(text):
            raise Unreadable("a file without a blob and its key")
        return text

    @classmethod
    def read(cls, text: str) -> "BlobReference":
        """From `Media.reference`."""
        found = _REFERENCE.fullmatch(text)
        if not found:
            raise MediaGone("the reference names no blob")
        return cls(found[1], found[2], found[3], found[4] or "")


async def opened(reference: BlobReference, blob: bytes, box: Box | None) -> bytes:
    """The file in a blob; raises `MediaGone` where it does not open."""

    def work() -> bytes:
        if reference.kind == "file":
            return decrypt_file(bytes.fromhex(reference.key), blob)
        if box is None:
            raise Unreadable("the sender's key is not known")
        return box.decrypt(blob, bytes.fromhex(reference.key))

    try:
        return await asyncio.to_thread(work)
    except (Unreadable, CryptoError, ValueError) as error:
        raise MediaGone(f"the file does not open ({type(error).__name__})") from None


async def encrypted(media: Media) -> tuple[bytes, bytes, int]:
    """A local file for upload: its new key, the blob, and the file's own size."""

    def work() -> tuple[bytes, bytes, int]:
        path = Path(media.reference)
        if path.stat().st_size > MOST_BYTES:
            raise SendError(SendErrorKind.PERMANENT_CONTENT, code="file too big")
        content = path.read_bytes()
        return *encrypt_file(content), len(content)

    try:
        return await asyncio.to_thread(work)
    except OSError:
        raise SendError(SendErrorKind.PERMANENT_CONTENT, code="file missing") from None
