"""What adapters remember across restarts, in the database, so that all processes share it."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.clock import Clock
from bot.database import Database
from bot.statements import insert_new
from bot.tables import ChannelMemoryRow, table

_MEMORY = table(ChannelMemoryRow)


class DatabaseMemory:
    """The `ChannelMemory` of one channel."""

    def __init__(self, database: Database, channel: str, clock: Clock) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock

    async def get(self, key: str) -> str | None:
        """The value last put under `key`, unless it has expired."""
        row = await self._database.read(partial(_find, channel=self._channel, key=key))
        if row is None or (row.expires_at_ms is not None and row.expires_at_ms <= self._clock.now_ms()):
            return None
        return str(row.value)

    async def put(self, key: str, value: str, *, ttl_s: float | None = None) -> None:
        """Keep `value` under `key`, for `ttl_s` seconds or for good."""
        expires_at_ms = None if ttl_s is None else self._clock.now_ms() + int(ttl_s * 1000)
        row = {"channel": self._channel, "key": key, "value": value, "expires_at_ms": expires_at_ms}
        await self._database.write(partial(_keep, row=row))


def _find(connection: Connection, channel: str, key: str) -> Any:
    return connection.execute(
        sa.select(_MEMORY.c.value, _MEMORY.c.expires_at_ms).where(
            _MEMORY.c.channel == channel, _MEMORY.c.key == key
        )
    ).first()


def _keep(connection: Connection, row: dict[str, Any]) -> None:
    mine = (_MEMORY.c.channel == row["channel"], _MEMORY.c.key == row["key"])
    if not insert_new(connection, _MEMORY, [row], _MEMORY.c.key):
        connection.execute(sa.update(_MEMORY).where(*mine).values(row))
