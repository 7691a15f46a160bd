"""Several names of one messenger, a phone number and a business-scoped id: one person, or two after all."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.ids import Ids
from bot.merging import merge_contacts
from bot.parties import Name, Party, create, names_of
from bot.statements import insert_new
from bot.tables import AddressIdentifier, Conversation, table
from channels.message import Sender

_IDENTIFIER, _CONVERSATION = table(AddressIdentifier), table(Conversation)
PERSONAL = "bsuid"  # the kind of name that is one person's for good


def link(
    connection: Connection,
    ids: Ids,
    known: Mapping[Name, Party],
    channel: str,
    sender: Sender,
    now_ms: int,
) -> bool:
    """Let an address have all the names that the provider attests for it; true: load the parties anew.

    Where the names belong to two addresses so far, these turn out to be one person: from now on that is
    one contact, and what is said arrives in the conversation of the name that we answer to.
    """
    names = names_of(channel, sender)
    parties = [known[name] for name in names if name in known]
    if not parties or (len(parties) == len(names) and len({party.address_id for party in parties}) == 1):
        return False
    home = parties[0]
    if _has_a_new_owner(connection, home, channel, sender):
        theirs = sa.tuple_(_IDENTIFIER.c.channel, _IDENTIFIER.c.kind, _IDENTIFIER.c.value).in_(names)
        connection.execute(sa.delete(_IDENTIFIER).where(theirs))
        create(connection, ids, [(channel, sender)], now_ms)
        return True
    missing = [
        {"channel": name[0], "kind": name[1], "value": name[2], "address_id": home.address_id}
        for name in sorted(names)
        if name not in known
    ]
    insert_new(connection, _IDENTIFIER, missing, _IDENTIFIER.c.address_id)
    for contact_id in sorted({party.contact_id for party in parties} - {home.contact_id}):
        merge_contacts(connection, home.contact_id, contact_id, now_ms)
    _keep_waiting(connection, home, parties, now_ms)
    theirs = sa.tuple_(_IDENTIFIER.c.channel, _IDENTIFIER.c.kind, _IDENTIFIER.c.value).in_(names)
    connection.execute(sa.update(_IDENTIFIER).where(theirs).values(address_id=home.address_id))
    return True


def _has_a_new_owner(connection: Connection, home: Party, channel: str, sender: Sender) -> bool:
    """Whether a number now belongs to somebody else, who must inherit neither chat nor consent.

    A business-scoped id is a person's, and changes with their number (WhatsApp, 2026): a number that comes
    with another id than before was given away.
    """
    ids = {name.value for name in sender.identifiers if name.kind == PERSONAL}
    if not ids:
        return False
    known = set(
        connection.scalars(
            sa.select(_IDENTIFIER.c.value).where(
                _IDENTIFIER.c.address_id == home.address_id,
                _IDENTIFIER.c.channel == channel,
                _IDENTIFIER.c.kind == PERSONAL,
            )
        )
    )
    return bool(known) and not known & ids


def _keep_waiting(connection: Connection, home: Party, parties: Iterable[Party], now_ms: int) -> None:
    """Nothing more arrives in the other chats: whoever waits for a person in one of them waits at home."""
    beside = next((party for party in parties if party.mode != "bot"), None)
    if home.mode != "bot" or beside is None:
        return
    waiting = {
        "mode": "waiting",
        "waiting_since_ms": beside.waiting_since_ms or now_ms,
        "waiting_reason": beside.waiting_reason or "asked",
        "urgent": beside.urgent,
    }
    is_home = _CONVERSATION.c.id == home.conversation_id
    connection.execute(sa.update(_CONVERSATION).where(is_home).values(waiting))
    if beside.mode == "waiting":  # an agent's chat is the agent's to close
        done = {"mode": "bot", "waiting_since_ms": None, "waiting_reason": "", "urgent": False}
        is_beside = _CONVERSATION.c.id == beside.conversation_id
        connection.execute(sa.update(_CONVERSATION).where(is_beside).values(done))
