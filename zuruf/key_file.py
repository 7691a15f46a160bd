"""A secret that is made once and then kept in a file of its own."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32
_SHORTEST = 32


def read_or_make_key(path: Path) -> bytes:
    """The key in `path`, made on first use with mode 600; raises OSError, or ValueError if it is damaged.

    Whoever asks at the same time gets the same key: it is written whole beside its place and linked there
    only if nobody was first.
    """
    if not path.exists():
        _make(path)
    key = path.read_bytes().strip()
    if len(key) < _SHORTEST:
        raise ValueError(f"it is shorter than {_SHORTEST} characters; restore it from where you keep keys")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 600
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody else was first: theirs is the key
            os.link(name, path)
    finally:
        os.unlink(name)
