"""Two contacts that turn out to be one person: everything of one becomes the other's."""

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.tables import Address, Consent, Contact, table

_CONTACT, _ADDRESS, _CONSENT = table(Contact), table(Address), table(Consent)


def merge_contacts(connection: Connection, keep: int, drop: int, now_ms: int) -> None:
    """Let the contact `keep` have all that `drop` had; `drop` is gone afterwards.

    Consents stay with the address they were given on. A STOP of either is a STOP of both.
    """
    ids = sorted({keep, drop})
    rows = {
        row.id: row
        for row in connection.execute(
            sa.select(_CONTACT).where(_CONTACT.c.id.in_(ids)).order_by(_CONTACT.c.id).with_for_update()
        )
    }
    if len(rows) < 2:
        return
    ours, theirs = rows[keep], rows[drop]
    stops = [row.stopped_at_ms for row in (ours, theirs) if row.stopped_at_ms is not None]
    merged = {
        "name": ours.name or theirs.name,
        "language": ours.language or theirs.language,
        "language_hint": ours.language_hint or theirs.language_hint,
        "stopped_at_ms": min(stops, default=None),
    }
    connection.execute(sa.update(_CONTACT).where(_CONTACT.c.id == keep).values(merged))
    for owned in (_ADDRESS, _CONSENT):
        connection.execute(sa.update(owned).where(owned.c.contact_id == drop).values(contact_id=keep))
    connection.execute(sa.delete(_CONTACT).where(_CONTACT.c.id == drop))
