"""Asks the provider what became of sends whose answer was lost, where it keeps a list of messages.

A status report settles most of them by itself. Looking up is for the rest: soon after the send, and once
more before the time is up at which a reply would be sent again.
"""

import asyncio
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from bot.database import Database
from bot.delivery import Sent
from bot.outbox import LEASE_MS, SendJob, jobs_of
from bot.pacing import UNCLEAR_HOLD_MS
from bot.tables import Message, Outbox, table
from channels.channel import Channel
from channels.errors import SendError

log = structlog.get_logger(__name__)

_OUTBOX, _MESSAGE = table(Outbox), table(Message)

LOOKS_LEFT_MS = (55_000, 30_000, 5_000)  # before the hold ends: reports are quicker than any of these
LOOK_TIMEOUT_S = 5.0
MOST_AT_ONCE = 20
MOST_TAKEN = 200


class Settler:
    """The look-ups of one channel in this process."""

    def __init__(self, channel: Channel, database: Database) -> None:
        self._channel = channel
        self._database = database
        self._looks: dict[int, int] = {}  # message id -> how often it was looked for

    async def look(self, now_ms: int) -> list[Sent]:
        """Those unclear sends that the provider turns out to have; now is the time to look for each."""
        if not self._channel.capabilities.looks_up:
            return []
        unclear = await self._database.read(partial(_unclear, channel=self._channel.name))
        self._looks = {row.message_id: self._looks.get(row.message_id, 0) for row in unclear}
        due = [row for row in unclear if self._is_due(row, now_ms)][:MOST_AT_ONCE]
        found = [await self._look_for(row) for row in due]
        return [sent for sent in found if sent]

    def _is_due(self, row: Any, now_ms: int) -> bool:
        looks = self._looks[row.message_id]
        return looks < len(LOOKS_LEFT_MS) and row.lease_until_ms - now_ms <= LOOKS_LEFT_MS[looks]

    async def _look_for(self, row: Any) -> Sent | None:
        self._looks[row.message_id] += 1
        since_ms = row.lease_until_ms - UNCLEAR_HOLD_MS - LEASE_MS  # the send began within the lease
        read = self._database.read
        jobs: list[SendJob] = await read(partial(jobs_of, message_ids=[row.message_id]))
        taken = await read(partial(_taken, conversation_id=row.conversation_id))
        try:
            for job in jobs:
                async with asyncio.timeout(LOOK_TIMEOUT_S):
                    receipt = await self._channel.look_up(job.message, since_ms, taken)
                if receipt:
                    return Sent(job, receipt)
        except TimeoutError:
            log.warning("send.not_looked_up", channel=self._channel.name, kind="time-out")
        except SendError as error:
            log.warning("send.not_looked_up", channel=self._channel.name, kind=error.kind.value)
        return None


def _unclear(connection: Connection, channel: str) -> list[Any]:
    mine = (_OUTBOX.c.channel == channel, _OUTBOX.c.state == "unclear")
    columns = (_OUTBOX.c.message_id, _OUTBOX.c.conversation_id, _OUTBOX.c.lease_until_ms)
    return list(connection.execute(sa.select(*columns).where(*mine).order_by(_OUTBOX.c.lease_until_ms)))


def _taken(connection: Connection, conversation_id: int) -> frozenset[str]:
    """Provider ids that are other messages of this conversation."""
    latest = (
        sa.select(_MESSAGE.c.provider_id)
        .where(_MESSAGE.c.conversation_id == conversation_id, _MESSAGE.c.provider_id != "")
        .order_by(_MESSAGE.c.position.desc())
        .limit(MOST_TAKEN)
    )
    return frozenset(connection.scalars(latest))
