"""What is kept for good: people, conversations, messages, and what still has to be sent.

Times are UTC epoch milliseconds. Ids come from `bot.ids`, are unique over all tables and fit a
JavaScript number. Each unique key says which promise it keeps.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

# SQLite keeps rows by INTEGER PRIMARY KEY only under exactly that name.
Id = BigInteger().with_variant(Integer, "sqlite")

# Looked up by key alone: SQLite then keeps rows in the key's own tree, one page to write instead of two.
_BY_KEY = {"sqlite_with_rowid": False}


def _key() -> Any:
    return Field(sa_column=Column(Id, primary_key=True, autoincrement=False))


def _belongs_to(column: str, *, primary_key: bool = False, unique: bool = False, index: bool = False) -> Any:
    # Deferred: one batch writes people, conversations and messages in whatever order suits it.
    reference = ForeignKey(column, deferrable=True, initially="DEFERRED")
    return Field(
        sa_column=Column(
            Id,
            reference,
            nullable=False,
            autoincrement=False,
            primary_key=primary_key,
            unique=unique,
            index=index,
        )
    )


def _time(*, required: bool = True) -> Any:
    return Field(default=None, sa_column=Column(BigInteger, nullable=not required))


def _json() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Contact(SQLModel, table=True):
    """A person."""

    id: int = _key()
    name: str = ""
    language: str | None = None  # chosen by the person
    language_hint: str | None = None  # as their messenger reports it
    stopped_at_ms: int | None = _time(required=False)  # said STOP: nothing but answers is sent
    created_at_ms: int = _time()


class Address(SQLModel, table=True):
    """How one channel reaches a person."""

    id: int = _key()
    contact_id: int = _belongs_to("contact.id", index=True)
    channel: str
    name: str = ""  # as the person calls themselves there
    reply_kind: str  # the identifier to answer to
    reply_value: str
    reachable: str = "yes"  # yes, blocked, undeliverable
    notice_version: str = ""  # the privacy notice that was shown
    created_at_ms: int = _time()


class AddressIdentifier(SQLModel, table=True):
    """One name of an address: chat id, phone number, business-scoped id, an alias spelling."""

    __tablename__ = "address_identifier"
    __table_args__ = _BY_KEY
    # One address per name, whichever process sees it first (R6).
    channel: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    address_id: int = _belongs_to("address.id", index=True)


class Conversation(SQLModel, table=True):
    """Everything said with one address."""

    id: int = _key()
    address_id: int = _belongs_to("address.id", unique=True)  # one conversation per address (R6)
    channel: str
    mode: str = "bot"  # bot, waiting, agent
    waiting_since_ms: int | None = _time(required=False)
    waiting_reason: str = ""
    urgent: bool = False
    last_position: int = 0
    last_inbound_at_ms: int | None = _time(required=False)
    last_bubble_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # our latest message
    memory: dict[str, Any] = _json()  # what the dialog's steps remember


class Message(SQLModel, table=True):
    """One thing said, in or out, with its delivery status."""

    # The order of a chat is one sequence of its own, whoever writes into it (R7).
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)

    id: int = _key()
    conversation_id: int = _belongs_to("conversation.id")
    position: int
    direction: str  # in, out
    author: str  # contact, bot, agent, broadcast
    kind: str = "text"
    text: str = ""
    extra: dict[str, Any] = _json()  # location, contact card, choices, reactions, earlier wordings
    provider_id: str = Field(default="", index=True)
    reply_to: str = ""  # provider id of the quoted message
    status: str = "received"  # see bot.outbox.STATUS_ORDER
    error_kind: str = ""
    error_code: str = ""
    said_at_ms: int = _time()  # in: by the provider's clock
    created_at_ms: int = _time()


class Media(SQLModel, table=True):
    """A file that came with a message; fetched after the provider has its 200."""

    id: int = _key()
    message_id: int = _belongs_to("message.id", index=True)
    channel: str
    kind: str
    reference: str  # what the channel needs to fetch it
    content_type: str = ""
    file_name: str = ""
    size_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    duration_s: int | None = None
    state: str = Field(default="pending", index=True)  # pending, stored, gone, failed
    path: str = ""  # below the media folder; a random name
    attempts: int = 0
    next_attempt_at_ms: int = _time()


class Question(SQLModel, table=True):
    """A question of ours; a tap, a quoted reply or a bare word answers it until it expires."""

    id: int = _key()
    conversation_id: int = _belongs_to("conversation.id")
    message_id: int = _belongs_to("message.id", index=True)
    code: str  # what a tap sends back: the id and a secret, see `bot.questions`
    purpose: str
    options: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    numbers: dict[str, str] = _json()
    asked_at_ms: int = _time()
    expires_at_ms: int = _time()
    closed_at_ms: int | None = _time(required=False)  # answered
    answer: str = ""


class Consent(SQLModel, table=True):
    """One recorded declaration. Rows are only ever added."""

    id: int = _key()
    contact_id: int = _belongs_to("contact.id", index=True)
    address_id: int = _belongs_to("address.id")
    message_id: int = _belongs_to("message.id")
    purpose: str
    given: bool
    wording: str
    language: str
    how: str
    declared_at_ms: int = _time()


class Outbox(SQLModel, table=True):
    """A message that still has to be sent; the row goes when its fate is known."""

    __table_args__ = (
        # One open send per conversation: nothing overtakes (R7), nothing is sent twice (R4).
        Index(
            "outbox_one_open_send",
            "conversation_id",
            unique=True,
            sqlite_where=text("state IN ('sending', 'unclear')"),
            postgresql_where=text("state IN ('sending', 'unclear')"),
        ),
        Index("outbox_due", "channel", "state", "priority", "not_before_ms"),
        Index("outbox_of_conversation", "conversation_id", "position"),
    )

    message_id: int = _belongs_to("message.id", primary_key=True)
    conversation_id: int = _belongs_to("conversation.id")
    channel: str
    position: int
    priority: int = 0  # 0 replies, 1 agents' follow-ups, 5 broadcasts
    state: str = "queued"  # queued -> sending -> gone, or unclear
    not_before_ms: int = _time()
    lease_until_ms: int = _time()  # real time: after this a "sending" row's process is dead
    owner: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))  # the gateway that sends it
    attempts: int = 0
    resent: bool = False  # an unclear send was repeated: never twice
    part_of: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))  # first part's message id
    expires_at_ms: int = _time()


class Seen(SQLModel, table=True):
    """Events already acted on; outlives the messages, so that erasing them resurrects nobody."""

    __table_args__ = _BY_KEY
    # A redelivery changes nothing, 180 days and any number of processes later (R4, R5, S3).
    channel: str = Field(primary_key=True)
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))  # HMAC of the dedupe key
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class Quarantine(SQLModel, table=True):
    """Authentic requests that could not be read, for a person to look at."""

    id: int = _key()
    channel: str
    received_at_ms: int = _time()
    reason: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Sealed(SQLModel, table=True):
    """Authentic requests that wait for their sender's public key."""

    __table_args__ = (Index("sealed_of_sender", "channel", "sender", "id"),)

    id: int = _key()
    channel: str
    sender: str
    received_at_ms: int = _time()
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    attempts: int = 0
    next_attempt_at_ms: int = _time()  # real time


class MoveCode(SQLModel, table=True):
    """A code by which a person takes their contact along to another messenger; only its HMAC is kept."""

    __tablename__ = "move_code"
    contact_id: int = _belongs_to("contact.id", primary_key=True)  # a newer code replaces an older one
    code: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    address_id: int = _belongs_to("address.id")  # where it was asked for
    expires_at_ms: int = _time()


class ContentRow(SQLModel, table=True):
    """One item of content as it is live."""

    __tablename__ = "content_item"
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    position: int = 0
    body: dict[str, Any] = _json()
    imported_digest: str = ""  # of the body as last imported: differs once somebody edits it
    changed_at_ms: int = _time()


class Revision(SQLModel, table=True):
    """A number that rises with each change, so that every process notices."""

    name: str = Field(primary_key=True)
    value: int


class IdBlock(SQLModel, table=True):
    """Where the next block of ids begins; a process takes a block at a time."""

    __tablename__ = "id_block"
    name: str = Field(primary_key=True)
    next_id: int = Field(sa_column=Column(BigInteger, nullable=False))


class ChannelMemoryRow(SQLModel, table=True):
    """What an adapter remembers across restarts."""

    __tablename__ = "channel_memory"
    channel: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str
    expires_at_ms: int | None = _time(required=False)


class ChannelState(SQLModel, table=True):
    """A channel that pauses or was stopped, seen by every process."""

    __tablename__ = "channel_state"
    channel: str = Field(primary_key=True)
    paused_until_ms: int = _time()
    stopped_reason: str = ""


def table(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a model, for the set-wise statements of the hot path."""
    return model.__table__  # type: ignore[attr-defined,no-any-return]  # SQLModel adds it unseen by types
