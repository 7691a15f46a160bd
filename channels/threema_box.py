"""Threema's encryption: boxes between two keys for messages, secret boxes for files (NaCl).

A plaintext is a type byte, a payload, and padding of a random length that every one of its bytes names.
"""

import hmac
import secrets

from nacl.exceptions import CryptoError
from nacl.public import Box
from nacl.secret import SecretBox

from channels.errors import Unreadable

NONCE_BYTES = 24
KEY_BYTES = 32
SHORTEST_PADDED = 32  # payload and padding together: a "yes" is not told by its length
MOST_PADDING = 255
FILE_NONCE = bytes(23) + b"\x01"  # each file has a key of its own, so its nonce may be fixed


def seal(box: Box, kind: int, payload: bytes) -> tuple[bytes, bytes]:
    """A message to somebody: nonce and box."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce, box.encrypt(padded(kind, payload), nonce).ciphertext


def open_box(box: Box, nonce: bytes, sealed: bytes) -> tuple[int, bytes]:
    """Type and payload of a message from somebody; raises `Unreadable`."""
    try:
        plaintext = box.decrypt(sealed, nonce)
    except (CryptoError, ValueError, TypeError):
        raise Unreadable("the box does not open with the sender's key") from None
    padding = plaintext[-1] if plaintext else 0
    if not 1 <= padding < len(plaintext):
        raise Unreadable("the message is padded wrongly")
    return plaintext[0], plaintext[1:-padding]


def padded(kind: int, payload: bytes) -> bytes:
    """What goes into a box."""
    shortest = max(1, SHORTEST_PADDED - len(payload))
    length = shortest + secrets.randbelow(MOST_PADDING - shortest + 1)
    return bytes([kind]) + payload + bytes([length]) * length


def encrypt_file(content: bytes) -> tuple[bytes, bytes]:
    """A file for a blob: its new key, and what to upload."""
    key = secrets.token_bytes(KEY_BYTES)
    return key, SecretBox(key).encrypt(content, FILE_NONCE).ciphertext


def decrypt_file(key: bytes, blob: bytes) -> bytes:
    """The file in a blob; raises `Unreadable`."""
    try:
        return SecretBox(key).decrypt(blob, FILE_NONCE)
    except (CryptoError, ValueError, TypeError):
        raise Unreadable("the file does not open with its key") from None


def mac(secret: bytes, signed: str) -> bytes:
    """What proves that a callback is Threema's: HMAC-SHA256 over the fields' text, in hexadecimal."""
    return hmac.digest(secret, signed.encode("utf-8", "surrogatepass"), "sha256").hex().encode()
