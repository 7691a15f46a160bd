"""The Content objects behind buttons and lists: how they are remembered, and by how many processes."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from channels.http import make_session
from channels.message import Choice, OutboundMessage
from tests.channels.contract import DictMemory, load_answers
from tests.channels.twilio_fake import CONTENT, SEND, TO, Twilio, channel_at, running_twilio

ANSWERS = load_answers("twilio_whatsapp")
CREATED = (201, ANSWERS["created"]["body"])
GONE = (ANSWERS["error_21655"]["status"], ANSWERS["error_21655"]["body"])
YES_NO = (Choice("q1.1", "Ja"), Choice("q1.2", "Nein"))


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with running_twilio() as fake:
        fake.answer(SEND, CREATED)
        fake.answer(CONTENT, *((201, {"sid": f"HX{number:032x}"}) for number in range(1, 9)))
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as session:
        yield session


class CountingMemory(DictMemory):
    """A memory that knows how often it was asked."""

    asked = 0

    async def get(self, key: str) -> str | None:
        """The value, counted."""
        self.asked += 1
        return await super().get(key)


async def test_a_process_knows_its_latest_menus_by_heart_and_looks_the_others_up(
    twilio: Twilio, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there ever were: none is made twice for it."""
    monkeypatch.setattr("channels.twilio_content.MOST_KNOWN", 2)
    memory = CountingMemory()
    channel = channel_at(twilio, http, memory)
    menus = [(Choice("q", f"Menü {number}"),) for number in range(3)]
    for menu in (*menus, *menus[1:], menus[0]):
        await channel.send(OutboundMessage(1, TO, "Was?", menu))
    assert len(twilio.asked(CONTENT)) == 3
    assert memory.asked == 3 + 1, "the first menu alone had to make room"
    sent = [one["ContentSid"] for one in twilio.asked(SEND)]
    assert sent == [f"HX{number:032x}" for number in (1, 2, 3, 2, 3, 1)]


async def test_an_object_that_another_process_made_anew_is_taken_over(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """Else each would make its own, and forget the other's."""
    memory = DictMemory()
    one, other = (channel_at(twilio, http, memory) for _ in range(2))
    for channel in (one, other):
        await channel.send(OutboundMessage(1, TO, "Ja?", YES_NO))
    twilio.answer(SEND, GONE, CREATED, GONE, CREATED)
    for channel in (one, other):
        await channel.send(OutboundMessage(2, TO, "Ja?", YES_NO))
    assert len(twilio.asked(CONTENT)) == 2
    assert [sent["ContentSid"] for sent in twilio.asked(SEND)] == [
        f"HX{number:032x}" for number in (1, 1, 1, 2, 1, 2)
    ]


async def test_after_a_minute_a_refused_object_is_tried_again(
    twilio: Twilio, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twilio's limits pass; numbers are for the meantime."""
    twilio.answer(CONTENT, (429, {"code": 20429}), (201, {"sid": f"HX{1:032x}"}))
    channel = channel_at(twilio, http)
    monkeypatch.setattr("channels.twilio_content.PAUSE_S", 0.0)
    for _ in range(2):
        await channel.send(OutboundMessage(1, TO, "Ja?", YES_NO))
    assert ["ContentSid" in sent for sent in twilio.asked(SEND)] == [False, True]
