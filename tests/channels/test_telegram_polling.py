"""Telegram's long polling: nothing is acknowledged before it is stored, and nothing stops it but a stop."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import Event, InboundMessage, UnreadableEvent
from channels.telegram_polling import pause_s
from tests.channels.contract import load_answers, load_samples, make_channel
from tests.channels.fakes import CUT, HANG, FakeBotApi

TOKEN = "88000000001:AAtest_token-0000000000"
ANSWERS = load_answers("telegram")
UPDATE = json.loads(load_samples("telegram")["text"]["request"]["body"])


def update(number: int, **changes: Any) -> dict[str, Any]:
    """An update with a text, under another number."""
    return {**UPDATE, "update_id": number, **changes}


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    """The fake, listening."""
    fake = FakeBotApi(TOKEN)
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(api: FakeBotApi) -> AsyncIterator[Channel]:
    """A polled channel."""
    async with make_session() as http:
        yield make_channel("telegram", {"token": TOKEN, "mode": "polling", "api_url": api.url}, http)


class Store:
    """Takes events, until it has as many as the test waits for."""

    def __init__(self, api: FakeBotApi) -> None:
        self.api = api
        self.events: list[Event] = []
        self.asked_when_stored: list[int] = []

    async def __call__(self, events: Sequence[Event]) -> None:
        """Note how often Telegram had been asked by then."""
        await asyncio.sleep(0.01)  # a disk takes its time
        self.events += events
        self.asked_when_stored.append(len(self.api.calls))

    async def polled(self, channel: Channel, calls: int) -> None:
        """Poll until Telegram has been asked so often."""
        task = asyncio.create_task(channel.poll(self))
        async with asyncio.timeout(20), self.api.called:
            await self.api.called.wait_for(lambda: len(self.api.calls) >= calls)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def offsets(api: FakeBotApi) -> list[int]:
    """What each question acknowledged."""
    return [call["offset"] for call in api.asked("getUpdates")]


async def test_updates_are_acknowledged_only_after_they_are_stored(channel: Channel, api: FakeBotApi) -> None:
    """The next question's offset is the acknowledgement."""
    api.answer("getUpdates", [update(5), update(6)], [], [update(9)], HANG)
    store = Store(api)
    await store.polled(channel, calls=4)
    assert [event.dedupe_key for event in store.events] == ["5", "6", "9"]
    assert store.asked_when_stored == [1, 3]  # stored before it was asked again
    assert offsets(api) == [0, 7, 7, 10]


async def test_what_could_not_be_stored_is_not_acknowledged(channel: Channel, api: FakeBotApi) -> None:
    """Whoever runs the poll sees why, and starts it again."""
    api.answer("getUpdates", [update(5)], HANG)

    async def full(events: Sequence[Event]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await channel.poll(full)
    assert offsets(api) == [0]


async def test_an_unreadable_update_is_handed_over_and_passed(channel: Channel, api: FakeBotApi) -> None:
    """It goes to the quarantine; the people behind it in the queue get their answers."""
    api.answer(
        "getUpdates",
        [update(5, message=[]), update(6), update(7, message={"x": "\ud83d", "message_id": 1})],
        HANG,
    )
    store = Store(api)
    await store.polled(channel, calls=2)
    broken, good, half = store.events
    assert isinstance(broken, UnreadableEvent)
    assert json.loads(broken.body) == update(5, message=[])
    assert "message" in broken.reason
    assert isinstance(good, InboundMessage)
    assert isinstance(half, UnreadableEvent)
    assert offsets(api) == [0, 8]


async def test_what_is_not_for_us_is_passed_without_storing(channel: Channel, api: FakeBotApi) -> None:
    """Group chatter needs no transaction."""
    api.answer("getUpdates", [update(5, message=None)], HANG)
    store = Store(api)
    await store.polled(channel, calls=2)
    assert store.events == []
    assert offsets(api) == [0, 6]


@pytest.mark.parametrize("trouble", [CUT, ANSWERS["bad_gateway_html"], "no list", [{"no": "number"}]])
async def test_polling_goes_on_after_trouble(channel: Channel, api: FakeBotApi, trouble: Any) -> None:
    """A network's bad minute is not the channel's end."""
    api.answer("getUpdates", trouble, [update(5)], HANG)
    store = Store(api)
    await store.polled(channel, calls=3)
    assert [event.dedupe_key for event in store.events] == ["5"]


@pytest.mark.parametrize(("name", "code"), [("conflict", "409"), ("bad_token", "401")])
async def test_polling_ends_where_asking_again_cannot_help(
    channel: Channel, api: FakeBotApi, name: str, code: str
) -> None:
    """A second poller or a webhook; a revoked token."""
    api.answer("getUpdates", ANSWERS[name])
    with pytest.raises(SendError) as raised:
        await channel.poll(Store(api))
    assert (raised.value.kind, raised.value.code) == (SendErrorKind.STOP_CHANNEL, code)


def test_pauses_grow_to_a_minute_and_keep_out_of_step() -> None:
    """A thousand gateways must not come back in the same second."""
    for failures in range(1, 40):
        longest = min(60.0, 0.5 * 2**failures)
        pauses = {pause_s(failures) for _ in range(50)}
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(pauses) > 1
    assert pause_s(1, retry_after_s=300) == 300
