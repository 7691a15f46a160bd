"""What people do to messages that were said before: edit, take back, react; and blocking us."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.delivery import cancel_unsent
from bot.parties import Party
from bot.tables import Media, Message, table
from channels.message import MessageDeleted, MessageEdited, ReachabilityChanged, ReactionChanged

_MESSAGE, _MEDIA = table(Message), table(Media)

Change = MessageEdited | MessageDeleted | ReactionChanged | ReachabilityChanged


def apply_change(connection: Connection, party: Party, change: Change) -> None:
    """Write a change down; what it refers to may be unknown here, then nothing happens."""
    match change:
        case ReachabilityChanged(reachable=reachable):
            party.reachable, party.address_changed = ("yes" if reachable else "blocked"), True
            if not reachable:
                cancel_unsent(connection, party.conversation_id)
        case MessageEdited(provider_id=provider_id, text=text):
            message = _find(connection, party, provider_id)
            if message:
                earlier = [*message.extra.get("earlier", ()), message.text]
                _update(connection, message, text=text, extra={**message.extra, "earlier": earlier})
        case MessageDeleted(provider_id=provider_id):
            message = _find(connection, party, provider_id)
            if message:
                # The person took it back: the words go, that something was said stays.
                _update(connection, message, text="", extra={"deleted": True})
                connection.execute(sa.delete(_MEDIA).where(_MEDIA.c.message_id == message.id))
        case ReactionChanged(provider_id=provider_id, emoji=emoji):
            message = _find(connection, party, provider_id)
            if message:
                _update(connection, message, extra={**message.extra, "reaction": emoji})


def _find(connection: Connection, party: Party, provider_id: str) -> Any:
    return connection.execute(
        sa.select(_MESSAGE.c.id, _MESSAGE.c.text, _MESSAGE.c.extra).where(
            _MESSAGE.c.provider_id == provider_id, _MESSAGE.c.conversation_id == party.conversation_id
        )
    ).first()


def _update(connection: Connection, message: Any, **values: Any) -> None:
    connection.execute(sa.update(_MESSAGE).where(_MESSAGE.c.id == message.id).values(values))
