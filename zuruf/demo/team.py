"""The team's part in the demo, until the console has one: to give a chat back to the bot."""

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.database import Database
from bot.tables import AddressIdentifier, Conversation, table

_CONVERSATION = table(Conversation)
_IDENTIFIER = table(AddressIdentifier)


async def give_back(database: Database, channel: str, address: str) -> bool:
    """Let the bot answer in this chat again; False where it does already."""
    addresses = sa.select(_IDENTIFIER.c.address_id).where(
        _IDENTIFIER.c.channel == channel, _IDENTIFIER.c.value == address
    )
    with_people = (_CONVERSATION.c.address_id.in_(addresses), _CONVERSATION.c.mode != "bot")
    back: dict[str, object] = {
        "mode": "bot",
        "waiting_since_ms": None,
        "waiting_reason": "",
        "urgent": False,
        "memory": {},
    }

    def work(connection: Connection) -> bool:
        return connection.execute(sa.update(_CONVERSATION).where(*with_people).values(back)).rowcount > 0

    return await database.write(work)
