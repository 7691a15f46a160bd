"""Sends whose answer was lost: looked up at the provider, and settled without a second copy (R3)."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from bot.database import Database
from channels.errors import SendError, SendErrorKind
from channels.message import OutboundMessage, Receipt
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, settled, until

LOST = SendError(SendErrorKind.RETRY_UNKNOWN, code="time-out", maybe_sent=True)


class ListingChannel(ScriptedChannel):
    """A provider that keeps a list of what it took."""

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(reports=True, looks_up=True, **capabilities)
        self.listed: dict[str, str] = {}  # text -> provider id
        self.asked: list[Collection[str]] = []
        self.is_down = False

    async def look_up(
        self, message: OutboundMessage, since_ms: int, taken: Collection[str]
    ) -> Receipt | None:
        self.asked.append(taken)
        if self.is_down:
            raise SendError(SendErrorKind.RETRY_FEW, code="refused")
        found = self.listed.get(message.text)
        return Receipt(found) if found and found not in taken else None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold of a second instead of a minute, looked at three times."""
    monkeypatch.setattr("bot.pacing.UNCLEAR_HOLD_MS", 1000)
    monkeypatch.setattr("bot.settling.LOOKS_LEFT_MS", (1000, 600, 300))
    monkeypatch.setattr("bot.sender.SWEEP_S", 0.1)


@pytest.mark.usefixtures("quick")
async def test_a_send_that_the_provider_has_is_settled_and_not_sent_again(
    database: Database, tmp_path: Path
) -> None:
    channel = ListingChannel()

    def take_but_lose_the_answer(message: OutboundMessage) -> SendError:
        channel.listed[message.text] = f"SM-{message.text}"
        return LOST

    channel.answer = take_but_lose_the_answer
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await settled(database)
    assert [message.text for message in channel.tries] == ["Guten Tag!", "echo hallo"]
    assert await rows(
        database, "SELECT status, provider_id FROM message WHERE direction = 'out' ORDER BY position"
    ) == [("sent", "SM-Guten Tag!"), ("sent", "SM-echo hallo")]
    assert "SM-Guten Tag!" in channel.asked[-1], "what is another message's is not found again"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("is_down", [False, True])
async def test_a_reply_that_the_provider_does_not_show_is_sent_once_more(
    database: Database, tmp_path: Path, is_down: bool
) -> None:
    channel = ListingChannel()
    channel.is_down = is_down
    channel.answer = lambda message: LOST if len(channel.tries) == 1 else None
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await until(lambda: len(channel.sent) == 2)
        await settled(database)
    assert [message.text for message in channel.tries] == ["Guten Tag!", "Guten Tag!", "echo hallo"]
    assert len(channel.asked) >= 2, "it was looked for before"
