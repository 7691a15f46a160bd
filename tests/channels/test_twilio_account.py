"""WhatsApp through Twilio: its list of messages, its templates, and the account itself."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest

from channels.channel import Channel
from channels.errors import SendError
from channels.http import make_session
from channels.message import (
    DeliveryState,
    Event,
    InboundMessage,
    OutboundMessage,
    Receipt,
)
from tests.channels.contract import DictMemory
from tests.channels.twilio_fake import (
    ACCOUNT,
    NOW_MS,
    SEND,
    SENDER,
    TO,
    WORDS,
    Twilio,
    channel_at,
    running_twilio,
)


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with running_twilio() as fake:
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as session:
        yield session


@pytest.fixture
def channel(twilio: Twilio, http: aiohttp.ClientSession) -> Channel:
    return channel_at(twilio, http)


def listed(name: str, **changes: Any) -> dict[str, Any]:
    when = "Mon, 21 Sep 2026 14:13:25 +0000"
    return {
        "sid": name,
        "direction": "outbound-api",
        "to": "whatsapp:+12025550123",
        "from": SENDER,
        "body": WORDS,
        "status": "delivered",
        "num_media": "0",
        "date_created": when,
        "date_sent": when,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"body": "etwas anderes"}, False),
        ({"to": "whatsapp:+12025550124"}, False),
        ({"direction": "inbound"}, False),
        ({"status": "failed"}, False),
        ({"date_created": "Mon, 21 Sep 2026 12:33:25 +0000", "date_sent": None}, False),
        ({"sid": "SM-of-another-message"}, False),
    ],
)
async def test_a_lost_send_is_found_by_person_words_and_time(
    channel: Channel, twilio: Twilio, changes: dict[str, Any], found: bool
) -> None:
    twilio.answer(SEND, (200, {"messages": [listed("SM1", **changes)], "next_page_uri": None}))
    message = OutboundMessage(1, TO, WORDS)
    receipt = await channel.look_up(message, NOW_MS, {"SM-of-another-message"})
    assert receipt == (Receipt("SM1", DeliveryState.ACCEPTED) if found else None)
    [asked] = twilio.asked(SEND)
    assert (asked["To"], asked["DateSent>"]) == ("whatsapp:+12025550123", "2026-09-21")


async def caught_up(channel: Channel) -> list[InboundMessage]:
    stored: list[InboundMessage] = []

    async def store(events: Sequence[Event]) -> None:
        stored.extend(event for event in events if isinstance(event, InboundMessage))

    assert await channel.catch_up(store) is None
    return stored


async def test_the_first_time_there_is_nothing_to_catch_up_with(channel: Channel, twilio: Twilio) -> None:
    assert await caught_up(channel) == []
    assert twilio.calls == []


async def test_what_the_webhook_missed_comes_from_the_list_the_oldest_first(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    memory = DictMemory()
    memory.values["caught up until"] = str(NOW_MS)
    channel = channel_at(twilio, http, memory)

    def written(sid: str, minute: int, **changes: Any) -> dict[str, Any]:
        when = f"Mon, 21 Sep 2026 14:{minute:02}:00 +0000"
        inbound = {"direction": "inbound", "from": "whatsapp:+12025550123", "to": SENDER}
        return listed(sid, date_created=when, date_sent=when, **{**inbound, **changes})

    second = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"
    twilio.answer(
        SEND,
        (200, {"messages": [written("SM3", 30, body="drei"), written("SM-sms", 29, **{"from": "+1202"})],
               "next_page_uri": second}),
        (200, {"messages": [written("MM2", 25, body="plan.pdf", num_media="1"),
                            written("SM1", 20, body=" "),
                            written("SM-old", 1),
                            listed("SM-ours")]}),
    )  # fmt: skip
    twilio.answer("/Messages/MM2/Media.json", (200, {"media_list": [
        {"sid": "ME1", "content_type": "application/pdf"}]}))  # fmt: skip
    stored = await caught_up(channel)
    assert [(one.dedupe_key, one.kind, one.text) for one in stored] == [
        ("SM1", "unsupported", ""),
        ("MM2", "document", ""),
        ("SM3", "text", "drei"),
    ]
    assert stored[1].media
    assert stored[1].media.file_name == "plan.pdf"
    assert stored[1].media.reference.endswith("/Messages/MM2/Media/ME1")
    assert stored[2].sent_at_ms == 1_790_001_000_000
    assert memory.values["caught up until"] == str(NOW_MS)


async def test_a_list_that_cannot_be_had_moves_no_mark(twilio: Twilio, http: aiohttp.ClientSession) -> None:
    memory = DictMemory()
    memory.values["caught up until"] = "1"
    twilio.answer(SEND, (503, ""))
    with pytest.raises(SendError):
        await caught_up(channel_at(twilio, http, memory))
    assert memory.values["caught up until"] == "1"


async def test_only_approved_templates_are_listed_page_by_page(channel: Channel, twilio: Twilio) -> None:
    def content(name: str, status: str) -> dict[str, Any]:
        return {
            "sid": f"HX-{name}",
            "friendly_name": name,
            "language": "de",
            "variables": {"10": "x", "2": "x", "1": "x"},
            "types": {"twilio/quick-reply": {"body": "Guten Tag {{1}}"}},
            "approval_requests": {"name": name, "status": status, "category": "UTILITY"},
        }

    path = "/v1/ContentAndApprovals"
    following = "https://content.twilio.com/v1/ContentAndApprovals?PageSize=100&Page=1"
    twilio.answer(
        path,
        (200, {"contents": [content("eins", "approved"), content("zwei", "rejected")],
               "meta": {"next_page_url": following}}),
        (200, {"contents": [content("drei", "approved")], "meta": {}}),
    )  # fmt: skip
    templates = await channel.templates()
    assert [(one.id, one.name, one.language, one.category) for one in templates] == [
        ("HX-eins", "eins", "de", "utility"),
        ("HX-drei", "drei", "de", "utility"),
    ]
    assert (templates[0].text, templates[0].variables) == ("Guten Tag {{1}}", ("1", "2", "10"))
    assert twilio.asked(path)[1]["Page"] == "1"


@pytest.mark.parametrize(
    ("status", "balance", "warning"),
    [
        ("active", "42.0", ""),
        ("active", "4.20", "4.20 EUR are left at Twilio"),
        ("active", None, ""),
        ("suspended", "42.0", "Twilio says that the account is suspended"),
    ],
)
async def test_an_account_that_runs_dry_or_is_stopped_is_told(
    channel: Channel, twilio: Twilio, status: str, balance: str | None, warning: str
) -> None:
    twilio.answer(".json", (200, {"friendly_name": "Muster", "status": status}))
    twilio.answer("/Balance.json", (200, {"balance": balance, "currency": "EUR"}))
    assert await channel.account_warning() == warning
    assert await channel.check() == f"account Muster, {status}, sends as {SENDER}"
