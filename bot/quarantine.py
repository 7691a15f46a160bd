"""Authentic requests that could not be read: kept a week for a person to look at, then gone."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.ids import Ids
from bot.tables import Quarantine, table

MOST_ROWS = 200
KEPT_MS = 7 * 24 * 3600 * 1000
MOST_BYTES = 64 * 1024
_QUARANTINE = table(Quarantine)


def keep(connection: Connection, ids: Ids, channel: str, reason: str, body: bytes, now_ms: int) -> None:
    """Put a request aside, and let go of those that are too old or too many."""
    row = {
        "id": ids.take(),
        "channel": channel,
        "received_at_ms": now_ms,
        "reason": reason,
        "body": body[:MOST_BYTES],
    }
    connection.execute(sa.insert(_QUARANTINE), [row])
    newest = sa.select(_QUARANTINE.c.id).order_by(_QUARANTINE.c.id.desc()).limit(MOST_ROWS)
    too_old = _QUARANTINE.c.received_at_ms < now_ms - KEPT_MS
    connection.execute(sa.delete(_QUARANTINE).where(too_old | _QUARANTINE.c.id.not_in(newest)))


def kept(connection: Connection) -> list[sa.Row[Any]]:
    """The requests that wait to be looked at, oldest first."""
    return list(connection.execute(sa.select(_QUARANTINE).order_by(_QUARANTINE.c.id)))


def let_go(connection: Connection, ids: Sequence[int]) -> None:
    """Forget requests that have been dealt with."""
    connection.execute(sa.delete(_QUARANTINE).where(_QUARANTINE.c.id.in_(ids)))
