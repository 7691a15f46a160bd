"""Moves between messengers as a batch carries them out: codes given, codes written, contacts merged."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.dialog import GiveMoveCode
from bot.merging import merge_contacts
from bot.moving import code_in
from bot.parties import Name, Party
from bot.statements import insert_new
from bot.tables import AddressIdentifier, MoveCode, table
from channels.message import InboundMessage

_CODE, _IDENTIFIER = table(MoveCode), table(AddressIdentifier)
_GOOD = (
    sa.select(_CODE.c.code, _IDENTIFIER.c.channel, _IDENTIFIER.c.kind, _IDENTIFIER.c.value)
    .join_from(_CODE, _IDENTIFIER, _IDENTIFIER.c.address_id == _CODE.c.address_id)
    .where(
        _CODE.c.code.in_(sa.bindparam("codes", expanding=True)),
        _CODE.c.expires_at_ms > sa.bindparam("now_ms"),
    )
)


class Moves:
    """The moves of one batch. `hash_text` is keyed: what is kept of a code opens nothing."""

    def __init__(self, hash_text: Callable[[str], bytes]) -> None:
        self._hash_text = hash_text
        self._written: dict[bytes, str] = {}  # codes in this batch's messages, by what is kept of them
        self._origins: dict[str, Party] = {}  # the chats whose good codes these are
        self._given: list[dict[str, Any]] = []
        self._merged: dict[int, int] = {}  # a contact, and the one that it becomes a part of

    def look_up(self, connection: Connection, messages: Iterable[InboundMessage], now_ms: int) -> list[Name]:
        """The chats whose codes are written in `messages`; without any code, nothing is asked."""
        codes = {code for message in messages if (code := code_in(message))}
        self._written = {self._hash(code): code for code in codes}
        return list(self._good(connection, now_ms).values())

    def begin(self, connection: Connection, known: Mapping[Name, Party], now_ms: int) -> None:
        """Look again, now that the chats are locked: another process may have used a code meanwhile."""
        good = self._good(connection, now_ms)
        self._origins = {code: known[name] for code, name in good.items() if name in known}

    def origin(self, message: InboundMessage) -> Party | None:
        """The chat whose good code the message is."""
        return self._origins.get(code_in(message) or "") if self._origins else None

    def are_one(self, one: Party, other: Party) -> bool:
        """Whether both are the same contact's, or will be when this batch is written."""
        return self._kept(one.contact_id) == self._kept(other.contact_id)

    def give(self, party: Party, write: GiveMoveCode, now_ms: int) -> None:
        """Let a code lead to the party's contact."""
        self._given.append(
            {
                "contact_id": party.contact_id,
                "code": self._hash(write.code),
                "address_id": party.address_id,
                "expires_at_ms": now_ms + write.lives_ms,
            }
        )

    def move(self, party: Party, code: str, now_ms: int) -> Party:
        """Use a good code up: the party will be the contact's whose chat is returned.

        Both conversations remember it, for a person who has to take it back.
        """
        origin = self._origins.pop(code)
        self._merged[self._kept(party.contact_id)] = self._kept(origin.contact_id)
        party.memory["moved"] = {"from": origin.conversation_id, "at_ms": now_ms}
        origin.memory["moved"] = {"to": party.conversation_id, "at_ms": now_ms}
        return origin

    def flush(self, connection: Connection, now_ms: int) -> None:
        """Merge, when all else of the batch is written: what it says of either contact then counts."""
        for drop, keep in self._merged.items():
            merge_contacts(connection, keep, drop, now_ms)
        for row in self._given:
            row["contact_id"] = self._kept(row["contact_id"])
            if not insert_new(connection, _CODE, [row], _CODE.c.contact_id):
                mine = _CODE.c.contact_id == row["contact_id"]
                connection.execute(sa.update(_CODE).where(mine).values(row))

    def _hash(self, code: str) -> bytes:
        return self._hash_text(f"move:{code}")

    def _good(self, connection: Connection, now_ms: int) -> dict[str, Name]:
        if not self._written:
            return {}
        rows = connection.execute(_GOOD, {"codes": list(self._written), "now_ms": now_ms})
        return {self._written[bytes(row.code)]: (row.channel, row.kind, row.value) for row in rows}

    def _kept(self, contact_id: int) -> int:
        while contact_id in self._merged:
            contact_id = self._merged[contact_id]
        return contact_id
