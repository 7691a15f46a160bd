"""A gateway with three messengers, with the hall's own dialog, on whatever database a test has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.core import core
from bot.database import Database
from bot.dialog import Outcome, Place, RecordConsent, Turn
from bot.feature import Feature, build_dialog
from bot.gateway import Gateway
from channels.message import Capabilities, Identifier, InboundMessage, Sender
from tests.bot.scripted import ScriptedChannel, running, settled
from tests.bot.talk import TARGETS, content

CONTENT = content()
CONTACTS = "SELECT name, language, stopped_at_ms IS NOT NULL FROM contact ORDER BY id"
OWNERS = "SELECT channel, contact_id FROM address ORDER BY channel"


def sign_up(turn: Turn) -> Outcome | None:
    if turn.text != "ich will den Rübenbrief":
        return None
    return Outcome(writes=(RecordConsent("marketing", given=True, wording=turn.text, how="word"),))


class Roomy(ScriptedChannel):
    """A messenger on which every answer is one bubble."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, text_limit=4000)


class House:
    """A gateway with three messengers, and what people are told on them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.clock = database, Clock()
        self.channels = {name: Roomy(name) for name in ("telegram", "threema", "whatsapp")}
        dialog = build_dialog([core(), TARGETS, Feature("test", steps=((Place.FAQ, sign_up),))])
        self.gateway = Gateway(
            database, self.channels, dialog, lambda: CONTENT, self.clock, b"key", folder / "media"
        )
        self._said = 0

    def message(self, channel: str, text: str, **fields: Any) -> InboundMessage:
        self._said += 1
        key = str(self._said)
        sender = Sender((Identifier("chat", f"anna@{channel}"),), f"Anna on {channel}", "de")
        return replace(InboundMessage(key, sender, f"in-{key}", self.clock.now_ms(), text=text), **fields)

    async def say(self, channel: str, *texts: str) -> list[str]:
        """What is sent on this messenger after these words, which arrive together."""
        before = len(self.channels[channel].sent)
        messages = [self.message(channel, text) for text in texts]
        await self.gateway.inbox.accept(channel, messages)
        await settled(self.database)
        return [message.text for message in self.channels[channel].sent[before:]]

    async def code(self, channel: str = "whatsapp") -> str:
        """A code from the chat on this messenger."""
        return (await self.say(channel, "Umzug"))[-1].split()[-1]

    def text(self, key: str, language: str = "de", **values: str) -> str:
        return CONTENT.say(key, language, **values)


@asynccontextmanager
async def open_house(database: Database, folder: Path) -> AsyncIterator[House]:
    house = House(database, folder)
    async with running(house.gateway):
        yield house
