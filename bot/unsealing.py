"""Opens requests that had to wait for their sender's public key, each sender's in their order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from bot.commits import DatabaseUnavailable
from bot.database import Database
from bot.pacing import back_off_ms
from bot.sender import real_now_ms
from bot.tables import Sealed, table
from channels.channel import Channel
from channels.errors import SendError, Unreadable
from channels.message import Event, UnreadableEvent

log = structlog.get_logger(__name__)

_SEALED = table(Sealed)
_EARLIER = _SEALED.alias("earlier")
AT_ONCE = 20
LEASE_MS = 60_000
MOST_TRIES = 100  # with the back-off's cap of two minutes: three hours without the provider's keys
IDLE_S = 2.0
Accept = Callable[[str, Sequence[Event]], Awaitable[Any]]


class Unsealer:
    """Fetches what opens sealed requests, and hands over the events in them."""

    def __init__(self, database: Database, channels: Mapping[str, Channel], accept: Accept) -> None:
        self._database = database
        self._channels = channels
        self._accept = accept
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A sealed request was stored."""
        self._wake.set()

    async def run(self) -> None:
        """Open what is due until cancelled."""
        while True:
            rows = await self._database.write(partial(_claim, now_ms=real_now_ms()))
            for row in rows:
                await self._open(row)
            if rows:
                continue
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()

    async def _open(self, row: Any) -> None:
        channel = self._channels.get(row.channel)
        if channel is None:
            return  # the channel left the configuration; what is sealed waits for it to come back
        try:
            events = await channel.unseal(row.body)
        except SendError as error:
            if row.attempts < MOST_TRIES:
                log.warning("unseal.failed", channel=row.channel, kind=error.kind.value, code=error.code)
                await self._put_off(row)
                return
            events = [_given_up(row, error.kind.value)]
        except Exception as error:
            reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
            log.warning("unseal.unreadable", channel=row.channel, error=type(error).__name__)
            events = [_given_up(row, reason)]
        # Should this process die between these two, the events are recognised as seen the next time.
        try:
            await self._accept(row.channel, events)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.exception("unseal.not_storable", channel=row.channel)
            await self._accept(row.channel, [_given_up(row, type(error).__name__)])
        await self._database.write(partial(_delete, row_id=row.id))

    async def _put_off(self, row: Any) -> None:
        again_ms = real_now_ms() + back_off_ms(row.attempts)
        later = sa.update(_SEALED).where(_SEALED.c.id == row.id).values(next_attempt_at_ms=again_ms)
        await self._database.write(lambda connection: connection.execute(later).rowcount)


def _given_up(row: Any, reason: str) -> UnreadableEvent:
    return UnreadableEvent(f"unreadable:sealed:{row.id}", reason, row.body)


def _claim(connection: Connection, now_ms: int) -> list[Any]:
    """Each sender's oldest request that is due, leased: if this process dies, another opens it later."""
    due = (
        sa.select(_SEALED)
        .where(
            _SEALED.c.next_attempt_at_ms <= now_ms,
            ~sa.exists().where(
                _EARLIER.c.channel == _SEALED.c.channel,
                _EARLIER.c.sender == _SEALED.c.sender,
                _EARLIER.c.id < _SEALED.c.id,
            ),
        )
        .order_by(_SEALED.c.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = list(connection.execute(due))
    if rows:
        mine = _SEALED.c.id.in_([row.id for row in rows])
        lease = {"attempts": _SEALED.c.attempts + 1, "next_attempt_at_ms": now_ms + LEASE_MS}
        connection.execute(sa.update(_SEALED).where(mine).values(lease))
    return rows


def _delete(connection: Connection, row_id: int) -> int:
    return connection.execute(sa.delete(_SEALED).where(_SEALED.c.id == row_id)).rowcount
