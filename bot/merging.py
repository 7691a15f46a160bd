"""Two contacts that turn out to be one person: everything of one becomes the other's."""

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.tables import Address, Consent, Contact, Conversation, MoveCode, Question, table

_CONTACT, _ADDRESS, _CONSENT, _CODE = table(Contact), table(Address), table(Consent), table(MoveCode)
_CONVERSATION, _QUESTION = table(Conversation), table(Question)
_CHATS = (
    sa.select(_CONVERSATION.c.id)
    .join_from(_CONVERSATION, _ADDRESS, _ADDRESS.c.id == _CONVERSATION.c.address_id)
    .where(_ADDRESS.c.contact_id.in_(sa.bindparam("contacts", expanding=True)))
    .order_by(_CONVERSATION.c.id)
    .with_for_update(of=_CONVERSATION)
)
_PEOPLE = (
    sa.select(_CONTACT)
    .where(_CONTACT.c.id.in_(sa.bindparam("contacts", expanding=True)))
    .order_by(_CONTACT.c.id)
    .with_for_update()
)


def merge_contacts(connection: Connection, keep: int, drop: int, now_ms: int) -> None:
    """Let the contact `keep` have all that `drop` had; `drop` is gone afterwards.

    Consents stay with the address they were given on. A STOP of either is a STOP of both.
    """
    both = {"contacts": sorted({keep, drop})}
    # Whoever has one of these chats knows its contact, and may be about to write STOP into it.
    chats = list(connection.scalars(_CHATS, both))
    people = {row.id: row for row in connection.execute(_PEOPLE, both)}
    if len(people) < 2:
        return
    ours, theirs = people[keep], people[drop]
    stops = [row.stopped_at_ms for row in (ours, theirs) if row.stopped_at_ms is not None]
    merged = {
        "name": ours.name or theirs.name,
        "language": ours.language or theirs.language,
        "language_hint": ours.language_hint or theirs.language_hint,
        "stopped_at_ms": max(stops, default=None),  # no older START lifts the newer one
    }
    connection.execute(sa.update(_CONTACT).where(_CONTACT.c.id == keep).values(merged))
    if len(stops) == 2:
        _close_objections(connection, chats, now_ms)
    # A code leads to one contact as it was when it was asked for.
    connection.execute(sa.delete(_CODE).where(_CODE.c.contact_id.in_((keep, drop))))
    for owned in (_ADDRESS, _CONSENT):
        connection.execute(sa.update(owned).where(owned.c.contact_id == drop).values(contact_id=keep))
    connection.execute(sa.delete(_CONTACT).where(_CONTACT.c.id == drop))


def _close_objections(connection: Connection, chats: list[int], now_ms: int) -> None:
    """Nobody is asked any more whether their objection meant STOP: a No would lift the other one's STOP."""
    asked = (
        _QUESTION.c.conversation_id.in_(chats),
        _QUESTION.c.purpose == "objection",
        _QUESTION.c.closed_at_ms.is_(None),
    )
    connection.execute(sa.update(_QUESTION).where(*asked).values(closed_at_ms=now_ms))
