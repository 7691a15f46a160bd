"""The rows that one batch of turns leads to, gathered and then written set-wise."""

from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.dialog import (
    ChooseLanguage,
    CloseQuestion,
    GiveMoveCode,
    NoticeShown,
    Question,
    RecordConsent,
    Remember,
    SetMode,
    SetStopped,
    Write,
)
from bot.ids import Ids
from bot.moves import Moves
from bot.parties import Party
from bot.statements import run_many
from bot.tables import Address, Consent, Contact, Conversation, Media, Message, Outbox, Sealed, table
from bot.tables import Question as QuestionRow
from channels.message import InboundMessage, SealedEvent
from channels.message import Media as IncomingMedia

_CONTACT, _ADDRESS, _CONVERSATION = table(Contact), table(Address), table(Conversation)
_MESSAGE, _MEDIA, _QUESTION, _OUTBOX = table(Message), table(Media), table(QuestionRow), table(Outbox)
_CONSENT, _SEALED = table(Consent), table(Sealed)

Row = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """What a batch will have written once it is flushed."""

    ids: Ids
    now_ms: int  # business clock
    real_now_ms: int  # leases and pacing run on the real one
    owner: int  # the gateway whose batch this is
    moves: Moves
    parties: dict[int, Party] = field(default_factory=dict)
    messages: list[Row] = field(default_factory=list)
    media: list[Row] = field(default_factory=list)
    questions: list[Row] = field(default_factory=list)
    closed: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    sealed: list[Row] = field(default_factory=list)
    # By contact, and only what was said: one contact may have several chats, here and in other processes.
    languages: dict[int, str] = field(default_factory=dict)
    stops: dict[int, int | None] = field(default_factory=dict)

    def add_inbound(self, party: Party, message: InboundMessage) -> int:
        """Store what a person said; returns our id of it."""
        message_id = self.ids.take()
        party.last_inbound_at_ms = max(party.last_inbound_at_ms or 0, message.sent_at_ms)
        if party.reachable != "yes":
            party.reachable, party.address_changed = "yes", True  # who writes can be written to
        if party.reply_to != message.sender.identifiers[0]:
            party.reply_to, party.address_changed = message.sender.identifiers[0], True
        self.messages.append(
            {
                "id": message_id,
                "conversation_id": party.conversation_id,
                "position": party.next_position(),
                "direction": "in",
                "author": "contact",
                "kind": message.kind,
                "text": message.text,
                "extra": describe(message),
                "provider_id": message.provider_id,
                "reply_to": message.reply_to or "",
                "status": "received",
                "error_kind": "",
                "error_code": "",
                "said_at_ms": message.sent_at_ms,
                "created_at_ms": self.now_ms,
            }
        )
        if message.media:
            self.media.append(self._media_row(party, message.media, message_id))
        return message_id

    def add_question(self, party: Party, question: Question, message_id: int) -> None:
        """Open a question, which stands in the bubble just said."""
        self.questions.append(
            {
                "id": question.id,
                "conversation_id": party.conversation_id,
                "message_id": message_id,
                "code": question.code,
                "purpose": question.purpose,
                "options": question.options,
                "numbers": dict(question.numbers),
                "asked_at_ms": question.asked_at_ms,
                "expires_at_ms": question.expires_at_ms,
                "answer": "",
            }
        )
        party.questions.append(question)

    def seal(self, channel: str, event: SealedEvent) -> None:
        """Keep a request that nobody can read yet."""
        self.sealed.append(
            {
                "id": self.ids.take(),
                "channel": channel,
                "sender": event.sender,
                "received_at_ms": self.now_ms,
                "body": event.body,
                "attempts": 0,
                "next_attempt_at_ms": self.real_now_ms,
            }
        )

    def apply(self, party: Party, write: Write, language: str, message_id: int) -> None:
        """Take one write of an outcome into the party and the rows."""
        match write:
            case SetMode():
                self._set_mode(party, write)
            case Remember(key, None):
                party.memory.pop(key, None)
            case Remember(key, value):
                party.memory[key] = value
            case ChooseLanguage(chosen):
                party.language = self.languages[party.contact_id] = chosen
            case SetStopped(stopped):
                # When it was said, not when it arrived: an older START must not lift it.
                said_at_ms = min(self.now_ms, party.last_inbound_at_ms or self.now_ms)
                party.stopped_at_ms = self.stops[party.contact_id] = said_at_ms if stopped else None
            case NoticeShown(version):
                party.notice_version, party.address_changed = version, True
            case CloseQuestion(question_id, answer):
                self._close(party, question_id, answer)
            case RecordConsent():
                self.consents.append(self._consent_row(party, write, language, message_id))
            case GiveMoveCode():
                self.moves.give(party, write, self.now_ms)

    def flush(self, connection: Connection) -> None:
        """Write everything, one statement per table."""
        self.flush_messages(connection)
        inserts = (
            (_QUESTION, self.questions),
            (_OUTBOX, self.outbox),
            (_CONSENT, self.consents),
            (_SEALED, self.sealed),
        )
        for target, rows in inserts:
            run_many(connection, _INSERT[target], rows)
        run_many(connection, _CLOSE, self.closed)
        run_many(connection, _WRITE_BACK, [_conversation_row(party) for party in self._in_order()])
        # Contacts are locked in the order of their ids, too.
        chosen = [{"b_id": key, "b_language": self.languages[key]} for key in sorted(self.languages)]
        run_many(connection, _SET_LANGUAGE, chosen)
        stops = [{"b_id": key, "b_stopped_at_ms": self.stops[key]} for key in sorted(self.stops)]
        run_many(connection, _SET_STOPPED, stops)
        changed = [party for party in self._in_order() if party.address_changed]
        run_many(connection, _WRITE_BACK_ADDRESS, [_address_row(party) for party in changed])
        self.moves.flush(connection, self.now_ms)

    def flush_messages(self, connection: Connection) -> None:
        """Write the messages so far, for an event of the same batch that changes one of them."""
        for target, rows in ((_MESSAGE, self.messages), (_MEDIA, self.media)):
            run_many(connection, _INSERT[target], rows)
            rows.clear()

    def _in_order(self) -> list[Party]:
        # Rows are locked in the order of their ids, so that processes queue instead of deadlocking.
        return [self.parties[key] for key in sorted(self.parties)]

    def _set_mode(self, party: Party, write: SetMode) -> None:
        if write.mode == "waiting" and party.mode != "waiting":
            party.waiting_since_ms = self.now_ms
        if write.mode == "bot":
            party.waiting_since_ms = None
        party.mode = write.mode
        party.waiting_reason = write.reason if write.mode == "waiting" else ""
        party.urgent = write.urgent or (party.urgent and write.mode == "waiting")

    def _close(self, party: Party, question_id: int, answer: str) -> None:
        party.questions = [question for question in party.questions if question.id != question_id]
        self.closed.append({"b_id": question_id, "b_now_ms": self.now_ms, "b_answer": answer})

    def _media_row(self, party: Party, media: IncomingMedia, message_id: int) -> Row:
        return {
            "id": self.ids.take(),
            "message_id": message_id,
            "channel": party.channel,
            "kind": media.kind,
            "reference": media.reference,
            "content_type": media.content_type,
            "file_name": media.file_name,
            "size_bytes": media.size_bytes,
            "duration_s": media.duration_s,
            "state": "pending",
            "path": "",
            "attempts": 0,
            "next_attempt_at_ms": self.real_now_ms,
        }

    def _consent_row(self, party: Party, write: RecordConsent, language: str, message_id: int) -> Row:
        return {
            "id": self.ids.take(),
            "contact_id": party.contact_id,
            "address_id": party.address_id,
            "message_id": message_id,
            "purpose": write.purpose,
            "given": write.given,
            "wording": write.wording,
            "language": language,
            "how": write.how,
            "declared_at_ms": self.now_ms,
        }


def describe(message: InboundMessage) -> Row:
    """What a message carries beside its text, as JSON."""
    parts = {
        "location": message.location and asdict(message.location),
        "contact_card": message.contact_card and asdict(message.contact_card),
        "choice": message.choice,
        "album": message.album,
        "start_code": message.start_code,
        "unsupported": message.unsupported,
        "context": dict(message.context),
    }
    return {name: value for name, value in parts.items() if value}


def _bound(target: sa.Table, *names: str) -> sa.Update:
    values: dict[str, Any] = {name: sa.bindparam(f"b_{name}") for name in names}
    return sa.update(target).where(target.c.id == sa.bindparam("b_id")).values(values)


_INSERT = {target: sa.insert(target) for target in (_MESSAGE, _MEDIA, _QUESTION, _OUTBOX, _CONSENT, _SEALED)}
_CLOSE = (
    sa.update(_QUESTION)
    .where(_QUESTION.c.id == sa.bindparam("b_id"))
    .values(closed_at_ms=sa.bindparam("b_now_ms"), answer=sa.bindparam("b_answer"))
)
_WRITE_BACK = _bound(
    _CONVERSATION,
    "mode",
    "waiting_since_ms",
    "waiting_reason",
    "urgent",
    "last_position",
    "last_inbound_at_ms",
    "last_bubble_id",
    "memory",
)
_SET_LANGUAGE, _SET_STOPPED = _bound(_CONTACT, "language"), _bound(_CONTACT, "stopped_at_ms")
_WRITE_BACK_ADDRESS = _bound(_ADDRESS, "reachable", "notice_version", "reply_kind", "reply_value")


def _conversation_row(party: Party) -> Row:
    return {
        "b_id": party.conversation_id,
        "b_mode": party.mode,
        "b_waiting_since_ms": party.waiting_since_ms,
        "b_waiting_reason": party.waiting_reason,
        "b_urgent": party.urgent,
        "b_last_position": party.last_position,
        "b_last_inbound_at_ms": party.last_inbound_at_ms,
        "b_last_bubble_id": party.last_bubble_id,
        "b_memory": party.memory,
    }


def _address_row(party: Party) -> Row:
    return {
        "b_id": party.address_id,
        "b_reachable": party.reachable,
        "b_notice_version": party.notice_version,
        "b_reply_kind": party.reply_to.kind,
        "b_reply_value": party.reply_to.value,
    }
