"""Which events were acted on already, whatever became of their messages since."""

import hashlib
import hmac
from collections.abc import Sequence

from sqlalchemy import Connection

from bot.statements import insert_new
from bot.tables import Seen, table

_SEEN = table(Seen)


class SeenEvents:
    """Recognises redelivered events by a keyed hash: what is kept says nothing about anybody."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, dedupe_key: str) -> bytes:
        """What is kept of a dedupe key."""
        return hmac.digest(self._key, dedupe_key.encode(), hashlib.sha256)[:16]

    def first_time(
        self, connection: Connection, now_ms: int, keys: Sequence[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Those of the (channel, dedupe key) pairs that were never seen; they are from now on.

        Sorted, so that processes with overlapping batches wait for each other instead of deadlocking.
        """
        by_hash = {(channel, self.hash(key)): (channel, key) for channel, key in keys}
        rows = [{"channel": channel, "key": key, "at_ms": now_ms} for channel, key in sorted(by_hash)]
        new = insert_new(connection, _SEEN, rows, _SEEN.c.channel, _SEEN.c.key)
        return {by_hash[row.channel, bytes(row.key)] for row in new}
