"""What became of sends: recorded as the provider answers, or cleaned up when nobody did."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.outbox import LEASE_MS, REPLY, SendJob
from bot.pacing import GiveUp, Retry, Unclear, Verdict
from bot.statements import run_many
from bot.tables import Address, Contact, Conversation, Message, Outbox, table
from channels.errors import SendError
from channels.message import DeliveryState, Receipt

_OUTBOX, _MESSAGE = table(Outbox), table(Message)
_CONVERSATION, _ADDRESS, _CONTACT = table(Conversation), table(Address), table(Contact)

# A delivery status only moves to the right; "failed" ends it from anywhere left of "delivered".
STATUS_ORDER = ("queued", "sending", "unclear", "accepted", "sent", "delivered", "read")
_BEFORE_DELIVERED = STATUS_ORDER[: STATUS_ORDER.index("delivered")]
FORGOTTEN_MS = 5_000  # a commit that succeeds is known to its process long before
STATUS = {
    DeliveryState.QUEUED: "queued",
    DeliveryState.ACCEPTED: "accepted",
    DeliveryState.SENT: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.READ: "read",
    DeliveryState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message."""

    job: SendJob
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NotSent:
    """The provider did not surely take it; `verdict` says what happens to it."""

    job: SendJob
    error: SendError
    verdict: Verdict


SendResult = Sent | NotSent


def earlier_than(status: str) -> tuple[str, ...]:
    """The statuses that may still become `status`."""
    return _BEFORE_DELIVERED if status == "failed" else STATUS_ORDER[: STATUS_ORDER.index(status)]


def record(connection: Connection, results: Sequence[SendResult]) -> None:
    """Write down what became of sends: their rows leave the outbox, or go back to the queue."""
    sent = [result for result in results if isinstance(result, Sent)]
    if sent:
        run_many(connection, _MARK_SENT, [_sent_row(result) for result in sent])
        run_many(connection, _DELETE_TRIED, [{"b_id": result.job.message.message_id} for result in sent])
        _follow_moves(connection, sent)
    for result in results:
        if isinstance(result, NotSent):
            _record_failure(connection, result)


def sweep(connection: Connection, channel: str, now_ms: int, hold_ms: int) -> int:
    """Settle what nobody answered for: dead processes' sends, unclear ones, stale answers.

    Returns how many messages may be sent again now. A reply whose fate is unclear is sent again once;
    anything else that is unclear stays so, for a person to decide.
    """
    dead = connection.scalars(
        sa.update(_OUTBOX)
        .where(_OUTBOX.c.channel == channel, _OUTBOX.c.state == "sending", _OUTBOX.c.lease_until_ms <= now_ms)
        .values(state="unclear", lease_until_ms=now_ms + hold_ms)
        .returning(_OUTBOX.c.message_id)
    ).all()
    _set_status(connection, dead, "unclear")
    over = (
        _OUTBOX.c.channel == channel,
        _OUTBOX.c.state == "unclear",
        _OUTBOX.c.lease_until_ms <= now_ms,
    )
    again = connection.scalars(
        sa.update(_OUTBOX)
        .where(*over, _OUTBOX.c.priority == REPLY, ~_OUTBOX.c.resent)
        .values(state="queued", resent=True, not_before_ms=now_ms, attempts=_OUTBOX.c.attempts + 1)
        .returning(_OUTBOX.c.message_id)
    ).all()
    connection.execute(sa.delete(_OUTBOX).where(*over))
    stale = connection.scalars(
        sa.delete(_OUTBOX)
        .where(_OUTBOX.c.channel == channel, _OUTBOX.c.state == "queued", _OUTBOX.c.expires_at_ms <= now_ms)
        .returning(_OUTBOX.c.message_id)
    ).all()
    _set_status(connection, stale, "expired")
    return len(again)


def take_back(
    connection: Connection, channel: str, now_ms: int, owner: int, under_way: Collection[int]
) -> int:
    """Put back into the queue what `owner` was to send but never began to; returns how many.

    That happens when a commit succeeds but its answer is lost with the connection: the rows say
    `sending`, and nobody knows that they are to be sent. `under_way` are the messages that somebody does.
    """
    forgotten = connection.scalars(
        sa.update(_OUTBOX)
        .where(
            _OUTBOX.c.channel == channel,
            _OUTBOX.c.state == "sending",
            _OUTBOX.c.owner == owner,
            _OUTBOX.c.lease_until_ms <= now_ms + LEASE_MS - FORGOTTEN_MS,
            _OUTBOX.c.message_id.not_in(under_way),
        )
        .values(state="queued", not_before_ms=now_ms)
        .returning(_OUTBOX.c.message_id)
    ).all()
    _set_status(connection, forgotten, "queued")
    return len(forgotten)


def abandon_sends(connection: Connection) -> None:
    """End every lease: the one process that may hold them has only just started."""
    connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.state == "sending").values(lease_until_ms=0))


def cancel_unsent(connection: Connection, conversation_id: int, status: str = "cancelled") -> None:
    """Take back what a conversation still has in the queue."""
    cancelled = connection.scalars(
        sa.delete(_OUTBOX)
        .where(_OUTBOX.c.conversation_id == conversation_id, _OUTBOX.c.state == "queued")
        .returning(_OUTBOX.c.message_id)
    ).all()
    _set_status(connection, cancelled, status)


_MARK_SENT = (
    sa.update(_MESSAGE)
    .where(
        _MESSAGE.c.id == sa.bindparam("b_id"),
        # A report was quicker than the answer, said that it failed, and the message waits to go out again.
        ~sa.exists().where(_OUTBOX.c.message_id == _MESSAGE.c.id, _OUTBOX.c.state == "queued"),
    )
    .values(
        provider_id=sa.bindparam("b_provider_id"),
        # Spelled out: one statement for many rows cannot hold an IN list.
        status=sa.case(
            *((_MESSAGE.c.status == before, sa.bindparam("b_status")) for before in earlier_than("sent")),
            else_=_MESSAGE.c.status,
        ),
    )
)


_DELETE = sa.delete(_OUTBOX).where(_OUTBOX.c.message_id == sa.bindparam("b_id"))
_DELETE_TRIED = _DELETE.where(_OUTBOX.c.state != "queued")


def _sent_row(result: Sent) -> dict[str, Any]:
    return {
        "b_id": result.job.message.message_id,
        "b_provider_id": result.receipt.provider_id,
        "b_status": STATUS[result.receipt.state],
    }


def _follow_moves(connection: Connection, sent: Sequence[Sent]) -> None:
    for result in sent:
        moved = result.receipt.new_address
        if moved:
            connection.execute(
                sa.update(_ADDRESS)
                .where(_ADDRESS.c.id == _address_of(result.job.conversation_id))
                .values(reply_kind=moved.kind, reply_value=moved.value)
            )


def _record_failure(connection: Connection, result: NotSent) -> None:
    job, message_id = result.job, result.job.message.message_id
    state = connection.scalar(sa.select(_OUTBOX.c.state).where(_OUTBOX.c.message_id == message_id))
    if state in {None, "queued"}:
        return  # a report was quicker than our time-out, and has settled what becomes of the message
    error = {"error_kind": result.error.kind.value, "error_code": result.error.code}
    match result.verdict:
        case Retry(at_ms):
            back = {"state": "queued", "not_before_ms": at_ms, "attempts": job.attempts + 1}
            connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.message_id == message_id).values(back))
            _set_status(connection, [message_id], "queued", **error)
        case Unclear(until_ms):
            held = {"state": "unclear", "lease_until_ms": until_ms}
            connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.message_id == message_id).values(held))
            _set_status(connection, [message_id], "unclear", **error)
        case GiveUp() as given_up:
            _set_status(connection, [message_id], "failed", **error)
            give_up(connection, message_id, job.conversation_id, given_up)


def give_up(connection: Connection, message_id: int, conversation_id: int, verdict: GiveUp) -> None:
    """Draw the consequences of a message that failed: for its later parts, the address, the contact."""
    part_of = connection.scalar(sa.select(_OUTBOX.c.part_of).where(_OUTBOX.c.message_id == message_id))
    remove(connection, [message_id])
    rest = connection.scalars(
        sa.delete(_OUTBOX)
        .where(_OUTBOX.c.conversation_id == conversation_id, _OUTBOX.c.part_of == part_of)
        .returning(_OUTBOX.c.message_id)
    ).all()
    _set_status(connection, rest, "cancelled")
    address_id = _address_of(conversation_id)
    if verdict.address:
        reached = sa.update(_ADDRESS).where(_ADDRESS.c.id == address_id).values(reachable=verdict.address)
        connection.execute(reached)
        cancel_unsent(connection, conversation_id)
    if verdict.opted_out:
        # The chat is locked before it is read whose it is: a merge may be moving it to another contact.
        connection.execute(_LOCK, {"id": conversation_id})
        contact_id = connection.scalar(sa.select(_ADDRESS.c.contact_id).where(_ADDRESS.c.id == address_id))
        stopped = sa.update(_CONTACT).where(_CONTACT.c.id == contact_id, _CONTACT.c.stopped_at_ms.is_(None))
        now_ms = sa.select(_MESSAGE.c.created_at_ms).where(_MESSAGE.c.id == message_id).scalar_subquery()
        connection.execute(stopped.values(stopped_at_ms=now_ms))


_LOCK = sa.select(_CONVERSATION.c.id).where(_CONVERSATION.c.id == sa.bindparam("id")).with_for_update()


def _address_of(conversation_id: int) -> sa.ScalarSelect[Any]:
    return (
        sa.select(_CONVERSATION.c.address_id).where(_CONVERSATION.c.id == conversation_id).scalar_subquery()
    )


def remove(connection: Connection, message_ids: Sequence[int]) -> None:
    """Take messages out of the outbox: their fate is known."""
    run_many(connection, _DELETE, [{"b_id": message_id} for message_id in message_ids])


def _set_status(connection: Connection, message_ids: Sequence[int], status: str, **error: str) -> None:
    if message_ids:
        mine = (_MESSAGE.c.id.in_(message_ids), _MESSAGE.c.status.in_(_BEFORE_DELIVERED))
        connection.execute(sa.update(_MESSAGE).where(*mine).values(status=status, **error))
