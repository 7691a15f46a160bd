"""A person's Threema: their key pair, and the boxes they write and read. Written from the protocol alone."""

import secrets
from dataclasses import dataclass, field

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox

TEXT, LOCATION, FILE = 0x01, 0x10, 0x17
RECEIPT, REACTION, TYPING, EDIT, DELETE = 0x80, 0x82, 0x90, 0x91, 0x92
DELIVERED, READ, ACKNOWLEDGED, DECLINED = 1, 2, 3, 4
AS_FILE, AS_MEDIA = 0, 1
APPLIED, WITHDRAWN = 2, 3
FILE_NONCE, THUMBNAIL_NONCE = bytes(23) + b"\x01", bytes(23) + b"\x02"
CAN = "text,image,group,audio,video,file,ballot,call,videocall,pfs,groupcall"


class Garbled(Exception):
    """No phone can make anything of this."""


class FileMessage(msgspec.Struct, omit_defaults=True):
    """The JSON of a file message; its names are the protocol's."""

    b: str
    t: str | None = None
    k: str = ""
    m: str = ""
    p: str | None = None
    n: str | None = None
    s: int | None = None
    i: int | None = None
    j: int | None = None
    d: str | None = None
    x: dict[str, float] | None = None


@dataclass(slots=True)
class Phone:
    """One Threema ID."""

    threema_id: str
    gateway_key: bytes  # the gateway's public one
    private_key: PrivateKey = field(default_factory=PrivateKey.generate)
    can: str = CAN  # what the app has told that it can show
    _box: Box | None = None

    @property
    def public_key(self) -> bytes:
        """What Threema hands out."""
        return bytes(self.private_key.public_key)

    @property
    def box(self) -> Box:
        """Between this phone and the gateway."""
        if self._box is None:
            self._box = Box(self.private_key, PublicKey(self.gateway_key))
        return self._box

    def write(self, kind: int, payload: bytes) -> tuple[bytes, bytes]:
        """A message to the gateway: nonce and box."""
        shortest = max(1, 32 - len(payload))
        padding = shortest + secrets.randbelow(256 - shortest)
        nonce = secrets.token_bytes(24)
        plaintext = bytes([kind]) + payload + bytes([padding]) * padding
        return nonce, self.box.encrypt(plaintext, nonce).ciphertext

    def read(self, nonce: bytes, sealed: bytes) -> tuple[int, bytes]:
        """Type and payload of a message from the gateway; raises `Garbled`."""
        try:
            plaintext = self.box.decrypt(sealed, nonce)
        except (CryptoError, ValueError):
            raise Garbled from None
        padding = plaintext[-1] if plaintext else 0
        if not 1 <= padding < len(plaintext) or not plaintext.endswith(bytes([padding]) * padding):
            raise Garbled
        return plaintext[0], plaintext[1:-padding]


def receipt(status: int, *message_ids: int) -> bytes:
    """That messages arrived, were read, or are liked."""
    return bytes([status]) + b"".join(each.to_bytes(8, "big") for each in message_ids)


def change(message_id: int, text: str = "", number: int = APPLIED) -> bytes:
    """The protobuf of an edit, a deletion or a reaction: the message's id, and words in field `number`."""
    words = text.encode()
    start = b"\x09" + message_id.to_bytes(8, "big")
    return start + (bytes([number << 3 | 2]) + _varint(len(words)) + words if words else b"")


def location(
    latitude: float, longitude: float, accuracy_m: float | None = None, name: str = "", address: str = ""
) -> bytes:
    """A pin; a name stands above an address only."""
    where = f"{latitude:.6f},{longitude:.6f}" + (f",{accuracy_m:.1f}" if accuracy_m is not None else "")
    lines = [name, address.replace("\n", "\\n")] if name else [address] if address else []
    return "\n".join([where, *lines]).encode()


def file_message(described: FileMessage) -> bytes:
    """What tells of a file in a blob."""
    return msgspec.json.encode(described)


def encrypted(key: bytes, content: bytes, nonce: bytes = FILE_NONCE) -> bytes:
    """A file for a blob."""
    return SecretBox(key).encrypt(content, nonce).ciphertext


def decrypted(key: bytes, blob: bytes) -> bytes:
    """The file in a blob; raises `Garbled`."""
    try:
        return SecretBox(key).decrypt(blob, FILE_NONCE)
    except (CryptoError, ValueError):
        raise Garbled from None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
