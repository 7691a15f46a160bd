"""What providers report of messages that they took: how far they got, and why they failed after all.

Reports come in any order, more than once, and sometimes before the answer to the send itself. A status
only moves forward; a failure is treated as if the send had been refused, by the same table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from bot.delivery import STATUS, earlier_than, give_up, remove
from bot.outbox import REPLY
from bot.pacing import giving_up
from bot.statements import run_many
from bot.tables import Conversation, Message, Outbox, table
from channels.errors import SendErrorKind
from channels.message import DeliveryState, DeliveryUpdate

log = structlog.get_logger(__name__)

_OUTBOX, _MESSAGE, _CONVERSATION = table(Outbox), table(Message), table(Conversation)

SEND_AGAIN_AFTER_MS = 30_000
STALE_MS = 10 * 60_000  # an answer later than this would only confuse
_PASSES = {SendErrorKind.RETRY_AFTER, SendErrorKind.RETRY_FEW}

_FOUND = (
    sa.select(
        _MESSAGE.c.id,
        _MESSAGE.c.conversation_id,
        _MESSAGE.c.position,
        _MESSAGE.c.author,
        _MESSAGE.c.status,
        _MESSAGE.c.provider_id,
        _MESSAGE.c.extra,
        _MESSAGE.c.created_at_ms,
        _OUTBOX.c.state,
    )
    .join(_CONVERSATION, _CONVERSATION.c.id == _MESSAGE.c.conversation_id)
    .outerjoin(_OUTBOX, _OUTBOX.c.message_id == _MESSAGE.c.id)
    # Our own id comes back from outside: it names no message of another channel.
    .where(_CONVERSATION.c.channel == sa.bindparam("channel"), _MESSAGE.c.direction == "out")
)
_BY_OUR_ID = _FOUND.where(_MESSAGE.c.id.in_(sa.bindparam("some", expanding=True)))
_BY_PROVIDER_ID = _FOUND.where(_MESSAGE.c.provider_id.in_(sa.bindparam("some", expanding=True)))
_SETTLE = (
    sa.update(_MESSAGE)
    .where(_MESSAGE.c.id == sa.bindparam("b_id"))
    .values(status=sa.bindparam("b_status"), provider_id=sa.bindparam("b_provider_id"))
)


@dataclass(slots=True)
class _Reported:
    """A message of ours that reports are about, as the running batch leaves it."""

    row: Any
    status: str
    provider_id: str
    moved: bool = False


def apply_updates(
    connection: Connection, channel: str, updates: Sequence[DeliveryUpdate], now_ms: int, real_now_ms: int
) -> bool:
    """Take the provider's delivery reports; they also settle unclear sends.

    Returns whether something has to be sent again.
    """
    ours, theirs = _find(connection, channel, updates)
    again = False
    for update in updates:
        found = ours.get(update.message_id or 0) if update.message_id else theirs.get(update.provider_id)
        if found is None or _is_of_an_earlier_try(found.row, update):
            continue
        if update.state is DeliveryState.FAILED:
            if found.status in earlier_than("failed"):
                found.status, found.moved = "failed", False  # written at once
                again |= _failed(connection, channel, found.row, update, now_ms, real_now_ms)
            continue
        # Whatever a provider reports of, it has.
        status = STATUS[max(update.state, DeliveryState.ACCEPTED)]
        if found.status in earlier_than(status):
            found.status, found.moved = status, True
            found.provider_id = update.provider_id or found.provider_id
    moved = {found.row.id: found for found in (*ours.values(), *theirs.values()) if found.moved}
    rows = [_settled_row(moved[message_id]) for message_id in sorted(moved)]
    run_many(connection, _SETTLE, rows)
    remove(connection, [message_id for message_id, found in sorted(moved.items()) if found.row.state])
    return again


def _settled_row(found: _Reported) -> dict[str, Any]:
    return {"b_id": found.row.id, "b_status": found.status, "b_provider_id": found.provider_id}


def _find(
    connection: Connection, channel: str, updates: Sequence[DeliveryUpdate]
) -> tuple[dict[int, _Reported], dict[str, _Reported]]:
    """The messages that are reported on, by our id and by the provider's."""
    ids = {update.message_id for update in updates if update.message_id}
    names = {update.provider_id for update in updates if not update.message_id}
    rows = {
        row.id: _Reported(row, row.status, row.provider_id)
        for query, some in ((_BY_OUR_ID, ids), (_BY_PROVIDER_ID, names))
        if some
        for row in connection.execute(query, {"channel": channel, "some": sorted(some)})
    }
    ours = {message_id: found for message_id, found in rows.items() if message_id in ids}
    theirs = {found.provider_id: found for found in rows.values() if found.provider_id in names}
    return ours, theirs


def _is_of_an_earlier_try(found: Any, update: DeliveryUpdate) -> bool:
    """A message that was sent again after a reported failure listens to its new send alone."""
    if not update.provider_id:
        return False
    is_known = update.provider_id == found.provider_id
    if "sent_again" in found.extra:
        return is_known if found.state else not is_known
    # After an unclear send both tries may be real; but the failure of one says nothing of the other.
    return update.state is DeliveryState.FAILED and bool(found.provider_id) and not is_known


def _failed(
    connection: Connection, channel: str, found: Any, update: DeliveryUpdate, now_ms: int, real_now_ms: int
) -> bool:
    kind = SendErrorKind(update.error_kind) if update.error_kind else SendErrorKind.PERMANENT_CONTENT
    log.warning("delivery.failed", channel=channel, kind=kind.value, code=update.error_code)
    if kind in _PASSES and _may_send_again(connection, found, now_ms):
        _send_again(connection, channel, found, update, real_now_ms)
        return True
    error = {"error_kind": update.error_kind, "error_code": update.error_code}
    _write(connection, found, update, status="failed", **error)
    if kind is SendErrorKind.NEEDS_TEMPLATE:
        _close_window(connection, found)
    give_up(connection, found.id, found.conversation_id, giving_up(kind))
    return False


def _may_send_again(connection: Connection, found: Any, now_ms: int) -> bool:
    """Once, soon, and only where it overtakes nothing: an answer of the bot's that is still the latest."""
    if found.author != "bot" or "sent_again" in found.extra or now_ms - found.created_at_ms > STALE_MS:
        return False
    later = sa.exists().where(
        _MESSAGE.c.conversation_id == found.conversation_id,
        _MESSAGE.c.direction == "out",
        _MESSAGE.c.position > found.position,
    )
    return not connection.scalar(sa.select(later))


def _send_again(
    connection: Connection, channel: str, found: Any, update: DeliveryUpdate, real_now_ms: int
) -> None:
    extra = {**found.extra, "sent_again": update.error_code}
    _write(connection, found, update, status="queued", extra=extra)
    remove(connection, [found.id])
    row = {
        "message_id": found.id,
        "conversation_id": found.conversation_id,
        "channel": channel,
        "position": found.position,
        "priority": REPLY,
        "state": "queued",
        "not_before_ms": real_now_ms + SEND_AGAIN_AFTER_MS,
        "lease_until_ms": real_now_ms,
        "owner": 0,
        "attempts": 1,
        "resent": True,
        "part_of": found.id,
        "expires_at_ms": real_now_ms + STALE_MS,
    }
    connection.execute(sa.insert(_OUTBOX), [row])


def _close_window(connection: Connection, found: Any) -> None:
    """The provider knows better than our count of hours: until the person writes, nothing goes out freely.

    Unless they have written since the message that it refused.
    """
    mine = (
        _CONVERSATION.c.id == found.conversation_id,
        _CONVERSATION.c.last_inbound_at_ms <= found.created_at_ms,
    )
    connection.execute(sa.update(_CONVERSATION).where(*mine).values(last_inbound_at_ms=None))


def _write(connection: Connection, found: Any, update: DeliveryUpdate, **values: Any) -> None:
    if update.provider_id:
        values["provider_id"] = update.provider_id
    connection.execute(sa.update(_MESSAGE).where(_MESSAGE.c.id == found.id).values(values))
