"""Who a batch of events is about: each address with its contact, conversation and open questions.

A `Party` is the working copy of one conversation while its batch runs; what the turns of the batch
change in it is written back once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.dialog import Mode, Option, Question
from bot.ids import Ids
from bot.questions import question_id_in
from bot.statements import insert_new
from bot.tables import (
    Address,
    AddressIdentifier,
    Contact,
    Conversation,
    Message,
    Outbox,
    table,
)
from bot.tables import Question as QuestionRow
from channels.message import Identifier, InboundMessage, Sender

_CONTACT, _ADDRESS, _IDENTIFIER = table(Contact), table(Address), table(AddressIdentifier)
_CONVERSATION, _QUESTION, _MESSAGE, _OUTBOX = (
    table(Conversation),
    table(QuestionRow),
    table(Message),
    table(Outbox),
)

Name = tuple[str, str, str]  # channel, kind, value


@dataclass(slots=True)
class Party:
    """One address and its conversation, as the running batch leaves them."""

    contact_id: int
    address_id: int
    conversation_id: int
    channel: str
    reply_to: Identifier
    contact_name: str
    language: str | None
    language_hint: str | None
    stopped_at_ms: int | None
    reachable: str
    notice_version: str
    mode: Mode
    waiting_since_ms: int | None
    waiting_reason: str
    urgent: bool
    last_position: int
    last_inbound_at_ms: int | None
    last_bubble_id: int | None
    memory: dict[str, Any]
    questions: list[Question] = field(default_factory=list)  # open, and answered by this batch perhaps
    has_unsent: bool = False  # something of this conversation is still in the outbox
    address_changed: bool = False  # it has to be written back

    def next_position(self) -> int:
        """The place of the next message in this conversation."""
        self.last_position += 1
        return self.last_position

    def say_last(self, message_id: int) -> None:
        """Our latest bubble is this one: a bare answer no longer belongs to an earlier question."""
        self.last_bubble_id = message_id
        self.questions = [replace(question, latest=False) for question in self.questions]


def names_of(channel: str, sender: Sender) -> list[Name]:
    """The names under which the database may know a sender."""
    return [(channel, identifier.kind, identifier.value) for identifier in sender.identifiers]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a conversation's open questions a batch may answer, beside its latest one."""

    tapped: frozenset[int] = frozenset()  # their ids
    quoted: frozenset[str] = frozenset()  # provider ids of quoted bubbles

    @classmethod
    def by(cls, messages: Iterable[InboundMessage]) -> "Wanted":
        """What these messages refer to."""
        messages = list(messages)
        return cls(
            frozenset(id_ for message in messages if (id_ := question_id_in(message.choice or ""))),
            frozenset(message.reply_to for message in messages if message.reply_to and not message.choice),
        )


def load(connection: Connection, names: Iterable[Name], now_ms: int, wanted: Wanted) -> dict[Name, Party]:
    """The parties behind these names, their conversations locked in the order of their ids."""
    sought = sorted(set(names))
    if not sought:
        return {}
    if connection.dialect.name == "postgresql":
        # First the locks, then the reading: a statement that waits for another process still sees, of
        # all but the locked rows, what was so before. STOPs and merges would be missed.
        connection.execute(_LOCKED, {"names": sought})
    parties: dict[int, Party] = {}
    found: dict[Name, Party] = {}
    for row in connection.execute(_PARTIES, {"names": sought}):
        party = parties.get(row.conversation_id)
        if party is None:
            party = parties[row.conversation_id] = _party(row)
        found[row.channel, row.kind, row.value] = party
    if parties:
        _add_questions(connection, parties, now_ms, wanted)
    return found


def create(connection: Connection, ids: Ids, senders: Sequence[tuple[str, Sender]], now_ms: int) -> None:
    """Make contact, address and conversation for senders that nobody knows.

    Another process may be doing the same: whoever gets the identifier in first makes the rest.
    """
    addresses = {names_of(channel, sender)[0]: (ids.take(), channel, sender) for channel, sender in senders}
    identifiers = [
        {"channel": name[0], "kind": name[1], "value": name[2], "address_id": address_id}
        for address_id, channel, sender in addresses.values()
        for name in names_of(channel, sender)
    ]
    identifiers.sort(key=lambda row: (row["channel"], row["kind"], row["value"]))
    inserted = insert_new(connection, _IDENTIFIER, identifiers, _IDENTIFIER.c.address_id)
    ours = {row.address_id for row in inserted}
    rows = [
        (_contact_row(contact, sender, now_ms), _address_row(address, contact, channel, sender, now_ms))
        for address, channel, sender in addresses.values()
        if address in ours and (contact := ids.take())
    ]
    if rows:
        connection.execute(sa.insert(_CONTACT), [contact for contact, _ in rows])
        connection.execute(sa.insert(_ADDRESS), [address for _, address in rows])
        connection.execute(sa.insert(_CONVERSATION), [_conversation_row(ids, address) for _, address in rows])


def _contact_row(contact_id: int, sender: Sender, now_ms: int) -> dict[str, Any]:
    hint = (sender.language or "")[:2].lower() or None
    return {"id": contact_id, "name": sender.name, "language_hint": hint, "created_at_ms": now_ms}


def _address_row(
    address_id: int, contact_id: int, channel: str, sender: Sender, now_ms: int
) -> dict[str, Any]:
    answer_to = sender.identifiers[0]
    return {
        "id": address_id,
        "contact_id": contact_id,
        "channel": channel,
        "name": sender.name,
        "reply_kind": answer_to.kind,
        "reply_value": answer_to.value,
        "reachable": "yes",
        "notice_version": "",
        "created_at_ms": now_ms,
    }


def _conversation_row(ids: Ids, address: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ids.take(),
        "address_id": address["id"],
        "channel": address["channel"],
        "mode": "bot",
        "waiting_reason": "",
        "urgent": False,
        "last_position": 0,
        "memory": {},
    }


_PARTIES = (
    sa.select(
        _IDENTIFIER.c.channel,
        _IDENTIFIER.c.kind,
        _IDENTIFIER.c.value,
        _ADDRESS.c.id.label("address_id"),
        _ADDRESS.c.contact_id,
        _ADDRESS.c.reply_kind,
        _ADDRESS.c.reply_value,
        _ADDRESS.c.reachable,
        _ADDRESS.c.notice_version,
        _CONTACT.c.name,
        _CONTACT.c.language,
        _CONTACT.c.language_hint,
        _CONTACT.c.stopped_at_ms,
        _CONVERSATION.c.id.label("conversation_id"),
        _CONVERSATION.c.mode,
        _CONVERSATION.c.waiting_since_ms,
        _CONVERSATION.c.waiting_reason,
        _CONVERSATION.c.urgent,
        _CONVERSATION.c.last_position,
        _CONVERSATION.c.last_inbound_at_ms,
        _CONVERSATION.c.last_bubble_id,
        _CONVERSATION.c.memory,
        sa.exists().where(_OUTBOX.c.conversation_id == _CONVERSATION.c.id).label("has_unsent"),
    )
    .join_from(_IDENTIFIER, _ADDRESS, _IDENTIFIER.c.address_id == _ADDRESS.c.id)
    .join(_CONTACT, _CONTACT.c.id == _ADDRESS.c.contact_id)
    .join(_CONVERSATION, _CONVERSATION.c.address_id == _ADDRESS.c.id)
    .where(
        sa.tuple_(_IDENTIFIER.c.channel, _IDENTIFIER.c.kind, _IDENTIFIER.c.value).in_(
            sa.bindparam("names", expanding=True)
        )
    )
    .order_by(_CONVERSATION.c.id)
)
_LOCKED = _PARTIES.with_only_columns(_CONVERSATION.c.id).with_for_update(of=_CONVERSATION)
_OPEN_QUESTIONS = (
    sa.select(_QUESTION, _MESSAGE.c.provider_id)
    .join_from(_QUESTION, _MESSAGE, _MESSAGE.c.id == _QUESTION.c.message_id)
    .where(_QUESTION.c.closed_at_ms.is_(None), _QUESTION.c.expires_at_ms > sa.bindparam("now_ms"))
)
_IN_LATEST_BUBBLES = _OPEN_QUESTIONS.where(_QUESTION.c.message_id.in_(sa.bindparam("some", expanding=True)))
_TAPPED = _OPEN_QUESTIONS.where(_QUESTION.c.id.in_(sa.bindparam("some", expanding=True)))
_QUOTED = _OPEN_QUESTIONS.where(_MESSAGE.c.provider_id.in_(sa.bindparam("some", expanding=True)))


def _party(row: Any) -> Party:
    return Party(
        contact_id=row.contact_id,
        address_id=row.address_id,
        conversation_id=row.conversation_id,
        channel=row.channel,
        reply_to=Identifier(row.reply_kind, row.reply_value),
        contact_name=row.name,
        language=row.language,
        language_hint=row.language_hint,
        stopped_at_ms=row.stopped_at_ms,
        reachable=row.reachable,
        notice_version=row.notice_version,
        mode=row.mode,
        waiting_since_ms=row.waiting_since_ms,
        waiting_reason=row.waiting_reason,
        urgent=row.urgent,
        last_position=row.last_position,
        last_inbound_at_ms=row.last_inbound_at_ms,
        last_bubble_id=row.last_bubble_id,
        memory=dict(row.memory),
        has_unsent=bool(row.has_unsent),
    )


def _add_questions(connection: Connection, parties: dict[int, Party], now_ms: int, wanted: Wanted) -> None:
    bubbles = [party.last_bubble_id for party in parties.values() if party.last_bubble_id]
    for query, some in ((_IN_LATEST_BUBBLES, bubbles), (_TAPPED, wanted.tapped), (_QUOTED, wanted.quoted)):
        if not some:
            continue
        for row in connection.execute(query, {"some": list(some), "now_ms": now_ms}):
            # Ids come from outside: they open no question of another conversation.
            party = parties.get(row.conversation_id)
            if party and all(question.id != row.id for question in party.questions):
                party.questions.append(_question(row, latest=row.message_id == party.last_bubble_id))


def _question(row: Any, *, latest: bool) -> Question:
    return Question(
        id=row.id,
        code=row.code,
        purpose=row.purpose,
        options=tuple(Option(**option) for option in row.options),
        numbers=row.numbers,
        asked_at_ms=row.asked_at_ms,
        expires_at_ms=row.expires_at_ms,
        provider_id=row.provider_id,
        latest=latest,
    )
