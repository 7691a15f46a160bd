"""A person's Threema: their key pair, and the boxes they write and read. Written from the protocol alone."""

import secrets
from dataclasses import dataclass, field

import msgspec
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox

from zuruf.demo.providers.chats import Json

TEXT, LOCATION, FILE, RECEIPT, REACTION, EDIT, DELETE = 0x01, 0x10, 0x17, 0x80, 0x82, 0x91, 0x92
DELIVERED, READ, ACKNOWLEDGED, DECLINED = 1, 2, 3, 4
FILE_NONCE = bytes(23) + b"\x01"


@dataclass(slots=True)
class Phone:
    """One Threema ID."""

    threema_id: str
    gateway_key: bytes  # the gateway's public one
    private_key: PrivateKey = field(default_factory=PrivateKey.generate)
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
        """Type and payload of a message from the gateway; raises what NaCl raises."""
        plaintext = self.box.decrypt(sealed, nonce)
        return plaintext[0], plaintext[1 : -plaintext[-1]]


def receipt(status: int, message_id: int) -> bytes:
    """That a message arrived, was read, or is liked."""
    return bytes([status]) + message_id.to_bytes(8, "big")


def change(message_id: int, text: str = "", number: int = 2) -> bytes:
    """The protobuf of an edit, a deletion or a reaction: the message's id, and words in field `number`."""
    words = text.encode()
    start = b"\x09" + message_id.to_bytes(8, "big")
    return start + (bytes([number << 3 | 2]) + _varint(len(words)) + words if words else b"")


def location(latitude: float, longitude: float) -> bytes:
    """A pin."""
    return f"{latitude:.6f},{longitude:.6f}".encode()


def file_message(blob_id: str, key: bytes, described: Json) -> bytes:
    """What tells of a file in a blob."""
    return msgspec.json.encode({"b": blob_id, "k": key.hex(), **described})


def encrypted(content: bytes) -> tuple[bytes, bytes]:
    """A file for a blob: key and ciphertext."""
    key = secrets.token_bytes(32)
    return key, SecretBox(key).encrypt(content, FILE_NONCE).ciphertext


def decrypted(key: bytes, blob: bytes) -> bytes:
    """The file in a blob."""
    return SecretBox(key).decrypt(blob, FILE_NONCE)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
