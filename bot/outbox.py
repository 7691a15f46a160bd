"""Messages that still have to be sent, and what became of them.

A row is `queued`, then `sending` (committed before the provider is called; only this can become
`unclear`), then it goes: its message is sent, failed, cancelled or expired. Within a conversation
nothing is sent while anything before it is open, so nothing overtakes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.dialog import Ask, Question, Reply
from bot.draft import Draft
from bot.parties import Party
from bot.questions import make_code
from bot.tables import Address, Conversation, Message, Outbox, table
from channels.message import Capabilities, Choice, Identifier, OutboundMessage, TemplateUse
from channels.text import fit

_OUTBOX, _MESSAGE = table(Outbox), table(Message)
_CONVERSATION, _ADDRESS = table(Conversation), table(Address)

REPLY, BULK = 0, 5  # priorities
LEASE_MS = 30_000  # longer than any provider's time-out: after it the sending process is dead
REPLY_LIVES_MS = 24 * 3600 * 1000  # an answer to yesterday's question would only confuse


@dataclass(frozen=True, slots=True)
class SendJob:
    """One message whose row says `sending`: the provider may be called now, and only now."""

    message: OutboundMessage
    conversation_id: int
    priority: int = REPLY
    attempts: int = 0
    last_inbound_at_ms: int | None = None  # when the person last wrote: opens the reply window


TakeSlot = Callable[[str], bool]


def say(
    draft: Draft, party: Party, reply: Reply, capabilities: Capabilities, take_slot: TakeSlot
) -> list[SendJob]:
    """Put a reply into the outbox, split and fitted to the channel.

    Returns the first part as a job when nothing is ahead of it and the channel has a slot free: its
    row is then written as `sending`, which saves a commit.
    """
    question = _question(draft, reply.ask) if reply.ask else None
    choices = _choices(question) if question else ()
    jobs: list[SendJob] = []
    first_part = 0
    for bubble in fit(reply.text, choices, capabilities):
        message_id = draft.ids.take()
        first_part = first_part or message_id
        at_once = not party.has_unsent and take_slot(party.channel)
        party.has_unsent = True
        party.say_last(message_id)
        row = _message_row(draft, party, message_id, bubble.text, bubble.choices)
        draft.messages.append(row | {"status": "sending" if at_once else "queued"})
        draft.outbox.append(_outbox_row(draft, party, row, first_part, at_once=at_once))
        if at_once:
            message = OutboundMessage(message_id, party.reply_to, bubble.text, bubble.choices)
            jobs.append(SendJob(message, party.conversation_id, last_inbound_at_ms=party.last_inbound_at_ms))
    if question and party.last_bubble_id:
        draft.add_question(party, question, party.last_bubble_id)
    return jobs


def _question(draft: Draft, ask: Ask) -> Question:
    question_id = draft.ids.take()
    return Question(
        id=question_id,
        code=make_code(question_id),
        purpose=ask.purpose,
        options=ask.options,
        numbers=ask.numbers,
        asked_at_ms=draft.now_ms,
        expires_at_ms=draft.now_ms + ask.lives_ms,
        latest=True,
    )


def _choices(question: Question) -> tuple[Choice, ...]:
    return tuple(
        Choice(f"{question.code}.{number}", option.title, option.description, option.key)
        for number, option in enumerate(question.options, start=1)
    )


def _message_row(
    draft: Draft, party: Party, message_id: int, text: str, choices: Sequence[Choice]
) -> dict[str, Any]:
    return {
        "id": message_id,
        "conversation_id": party.conversation_id,
        "position": party.next_position(),
        "direction": "out",
        "author": "bot",
        "kind": "text",
        "text": text,
        "extra": {"choices": choices} if choices else {},
        "provider_id": "",
        "reply_to": "",
        "error_kind": "",
        "error_code": "",
        "said_at_ms": draft.now_ms,
        "created_at_ms": draft.now_ms,
    }


def _outbox_row(
    draft: Draft, party: Party, message: dict[str, Any], first_part: int, *, at_once: bool
) -> dict[str, Any]:
    return {
        "message_id": message["id"],
        "conversation_id": party.conversation_id,
        "channel": party.channel,
        "position": message["position"],
        "priority": REPLY,
        "state": "sending" if at_once else "queued",
        "not_before_ms": draft.real_now_ms,
        "lease_until_ms": draft.real_now_ms + LEASE_MS,
        "owner": draft.owner,
        "attempts": 0,
        "resent": False,
        "part_of": first_part,
        "expires_at_ms": draft.real_now_ms + REPLY_LIVES_MS,
    }


_EARLIER = _OUTBOX.alias("earlier")
_DUE = (
    sa.select(_OUTBOX.c.message_id)
    .where(
        _OUTBOX.c.channel == sa.bindparam("channel"),
        _OUTBOX.c.state == "queued",
        _OUTBOX.c.not_before_ms <= sa.bindparam("now_ms"),
        ~sa.exists().where(
            _EARLIER.c.conversation_id == _OUTBOX.c.conversation_id,
            _EARLIER.c.position < _OUTBOX.c.position,
        ),
    )
    .order_by(_OUTBOX.c.priority, _OUTBOX.c.not_before_ms, _OUTBOX.c.message_id)
    .limit(sa.bindparam("most"))
)
# Whoever locks a conversation's head has the conversation: the rows behind it are not due yet.
_CLAIMABLE = _DUE.with_for_update(skip_locked=True)
_JOBS = (
    sa.select(
        _OUTBOX.c.message_id,
        _OUTBOX.c.conversation_id,
        _OUTBOX.c.priority,
        _OUTBOX.c.attempts,
        _MESSAGE.c.text,
        _MESSAGE.c.extra,
        _MESSAGE.c.reply_to,
        _CONVERSATION.c.last_inbound_at_ms,
        _ADDRESS.c.reply_kind,
        _ADDRESS.c.reply_value,
    )
    .join_from(_OUTBOX, _MESSAGE, _MESSAGE.c.id == _OUTBOX.c.message_id)
    .join(_CONVERSATION, _CONVERSATION.c.id == _OUTBOX.c.conversation_id)
    .join(_ADDRESS, _ADDRESS.c.id == _CONVERSATION.c.address_id)
    .where(_OUTBOX.c.message_id.in_(sa.bindparam("messages", expanding=True)))
    .order_by(_OUTBOX.c.priority, _OUTBOX.c.message_id)
)


def next_due_ms(connection: Connection, channel: str) -> int | None:
    """When the next queued message of a channel may be sent, in real time; None: nothing is queued."""
    due: int | None = connection.scalar(
        sa.select(sa.func.min(_OUTBOX.c.not_before_ms)).where(
            _OUTBOX.c.channel == channel, _OUTBOX.c.state == "queued"
        )
    )
    return due


def claim(connection: Connection, channel: str, now_ms: int, most: int, owner: int) -> list[SendJob]:
    """Up to `most` due messages, replies first, one per conversation; `owner` is sending them now."""
    due = list(connection.scalars(_CLAIMABLE, {"channel": channel, "now_ms": now_ms, "most": most}))
    if not due:
        return []
    mine = _OUTBOX.c.message_id.in_(due)
    connection.execute(
        sa.update(_OUTBOX).where(mine).values(state="sending", lease_until_ms=now_ms + LEASE_MS, owner=owner)
    )
    connection.execute(sa.update(_MESSAGE).where(_MESSAGE.c.id.in_(due)).values(status="sending"))
    return jobs_of(connection, due)


def jobs_of(connection: Connection, message_ids: Sequence[int]) -> list[SendJob]:
    """These messages of the outbox as they are sent, replies first."""
    return [_job(row) for row in connection.execute(_JOBS, {"messages": message_ids})]


def _job(row: Any) -> SendJob:
    message = OutboundMessage(
        message_id=row.message_id,
        to=Identifier(row.reply_kind, row.reply_value),
        text=row.text,
        choices=tuple(Choice(**choice) for choice in row.extra.get("choices", ())),
        reply_to=row.reply_to or None,
        template=TemplateUse(**row.extra["template"]) if "template" in row.extra else None,
    )
    return SendJob(message, row.conversation_id, row.priority, row.attempts, row.last_inbound_at_ms)
