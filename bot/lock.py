"""One gateway per SQLite file: a lock that ends with its process, however that ends."""

import fcntl
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another gateway has this database open."""


def lock_beside(database: Path) -> IO[str]:
    """Hold the lock file beside a database until the returned file is closed.

    Raises AlreadyRunning when another process holds it.
    """
    path = database.with_name(database.name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        cure = "stop it first, or use PostgreSQL"
        raise AlreadyRunning(f"another gateway has {database} open; {cure}") from None
    return file
