"""Ids for new rows, taken from blocks that processes reserve, so that rows can be written set-wise."""

import threading

from sqlalchemy import Connection, text

BLOCK = 1_000_000  # 2^53 ids are nine thousand million blocks: a process may waste its rest
LOW = 100_000  # more than any one batch takes


class Ids:
    """The ids that this process may give away."""

    def __init__(self) -> None:
        self._next = 0
        self._end = 0
        self._lock = threading.Lock()

    @property
    def low(self) -> bool:
        """Whether a new block has to be reserved before the next batch."""
        return self._end - self._next < LOW

    def take(self) -> int:
        """A new id; the caller sees to it that `low` is false at the start of its batch."""
        with self._lock:
            if self._next >= self._end:
                raise RuntimeError("no id is left: reserve a block before the batch")
            self._next += 1
            return self._next

    def reserve(self, connection: Connection) -> None:
        """Take a block for this process, in a transaction of its own."""
        end = connection.execute(
            text(
                "INSERT INTO id_block (name, next_id) VALUES ('all', :block)"
                " ON CONFLICT (name) DO UPDATE SET next_id = id_block.next_id + :block RETURNING next_id"
            ),
            {"block": BLOCK},
        ).scalar_one()
        with self._lock:
            self._next, self._end = end - BLOCK, end
