"""What the fake Threema Gateway accepts."""

from collections.abc import Mapping
from typing import Literal

Mode = Literal["e2e", "basic"]

MOST_TEXT_BYTES = 3500
MOST_BOX_BYTES = 7812
MOST_BLOB_BYTES = 100 * 1024 * 1024
NONCE_BYTES = 24


class Refused(Exception):
    """Threema does not carry this call out: a status and no words."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def check_mode(mode: Mode, needed: Mode) -> None:
    """An account was made for one of both."""
    if mode != needed:
        raise Refused(400)


def sealed_in(fields: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Nonce and box of a call; raises `Refused`."""
    try:
        nonce, box = (bytes.fromhex(fields.get(name, "")) for name in ("nonce", "box"))
    except ValueError:
        raise Refused(400) from None
    if len(nonce) != NONCE_BYTES or not box:
        raise Refused(400)
    if len(box) > MOST_BOX_BYTES:
        raise Refused(413)
    return nonce, box


def check_text(text: bytes) -> None:
    """Raise `Refused` for what is too long."""
    if len(text) > MOST_TEXT_BYTES:
        raise Refused(413)
