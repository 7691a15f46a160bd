"""WhatsApp through Twilio: its list of messages, its templates, and the account itself."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import encode_basic_auth

from channels.channel import Channel
from channels.errors import SendError
from channels.http import make_session
from channels.message import (
    Choice,
    DeliveryState,
    Event,
    InboundMessage,
    OutboundMessage,
    Receipt,
    TemplateUse,
)
from tests.channels.contract import DictMemory
from tests.channels.twilio_fake import (
    ACCOUNT,
    NOW_MS,
    SEND,
    SENDER,
    TO,
    TOKEN,
    WORDS,
    Twilio,
    channel_at,
    running_twilio,
)

MINUTE_MS = 60_000
KEY = f"SK{1:032x}"


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


async def test_of_two_like_sends_the_older_one_is_it_and_clocks_may_differ(
    channel: Channel, twilio: Twilio
) -> None:
    """The younger is a copy that was sent meanwhile; and the list's clock may be behind ours."""
    earlier = "Mon, 21 Sep 2026 14:13:15 +0000"
    twilio.answer(SEND, one_page(listed("SM2"), listed("SM1", date_created=earlier, date_sent=earlier)))
    assert await channel.look_up(OutboundMessage(1, TO, WORDS), NOW_MS, set()) == Receipt(
        "SM1", DeliveryState.ACCEPTED
    )


async def test_a_template_is_found_by_its_words_as_they_are(channel: Channel, twilio: Twilio) -> None:
    """They are WhatsApp's own, and not ours to mark."""
    text = "~Nur heute~: 5*6* Tonnen"
    twilio.answer(SEND, one_page(listed("SM1", body=text)))
    message = OutboundMessage(1, TO, text, template=TemplateUse("HX1"))
    assert await channel.look_up(message, NOW_MS, set()) == Receipt("SM1", DeliveryState.ACCEPTED)


def written(sid: str, minutes_ago: float, **changes: Any) -> dict[str, Any]:
    """What the list shows of something that a person wrote."""
    when = format_datetime(datetime.fromtimestamp(NOW_MS / 1000 - minutes_ago * 60, UTC))
    inbound = {"direction": "inbound", "from": "whatsapp:+12025550123", "to": SENDER}
    return listed(sid, date_created=when, date_sent=when, **{**inbound, **changes})


def one_page(*messages: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, {"messages": list(messages), "next_page_uri": None}


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
    memory.values["caught up until"] = str(NOW_MS - 20 * MINUTE_MS)
    channel = channel_at(twilio, http, memory)
    second = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"
    twilio.answer(
        SEND,
        (200, {"messages": [written("SM3", 10, body="drei"), written("SM-sms", 11, **{"from": "+1202"})],
               "next_page_uri": second}),
        (200, {"messages": [written("MM2", 15, body="plan.pdf", num_media="1"),
                            written("SM1", 29, body=" "),
                            written("SM-old", 31),
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
    assert stored[2].sent_at_ms == NOW_MS - 10 * MINUTE_MS
    assert memory.values["caught up until"] == str(NOW_MS)


async def test_what_a_webhook_may_still_bring_is_left_to_it(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """The list does not say what was tapped; if it came first, the webhook would be its copy."""
    now_ms, memory = NOW_MS - 60 * MINUTE_MS, DictMemory()
    memory.values["caught up until"] = str(now_ms)
    channel = channel_at(twilio, http, memory, now_ms=lambda: now_ms)
    now_ms = NOW_MS
    twilio.answer(SEND, one_page(written("SM2", 1.5, body="Ja"), written("SM1", 2.5, body="Ja")))
    assert [one.dedupe_key for one in await caught_up(channel)] == ["SM1"]
    now_ms += 5 * MINUTE_MS
    assert [one.dedupe_key for one in await caught_up(channel)] == ["SM1", "SM2"]


async def test_what_came_before_the_start_is_made_up_for_at_once(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """Nobody was there to take its webhook."""
    memory = DictMemory()
    memory.values["caught up until"] = str(NOW_MS - 20 * MINUTE_MS)
    twilio.answer(SEND, one_page(written("SM1", 0.1)))
    assert [one.dedupe_key for one in await caught_up(channel_at(twilio, http, memory))] == ["SM1"]


async def test_the_list_is_read_no_further_than_needed(twilio: Twilio, http: aiohttp.ClientSession) -> None:
    """It is the whole day's, and is looked at every five minutes."""
    memory = DictMemory()
    memory.values["caught up until"] = str(NOW_MS)
    page = {"messages": [written("SM2", 1), written("SM1", 60)]}
    following = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"
    twilio.answer(SEND, (200, {**page, "next_page_uri": following}))
    assert [one.dedupe_key for one in await caught_up(channel_at(twilio, http, memory))] == ["SM2"]
    assert len(twilio.asked(SEND)) == 1


async def test_a_file_that_was_deleted_meanwhile_holds_nothing_up(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """Its message is stored without it, once and for all."""
    memory = DictMemory()
    memory.values["caught up until"] = str(NOW_MS)
    twilio.answer(SEND, one_page(written("SM2", 1), written("MM1", 2, body="", num_media="1")))
    stored = await caught_up(channel_at(twilio, http, memory))
    assert [(one.dedupe_key, one.kind) for one in stored] == [("MM1", "unsupported"), ("SM2", "text")]
    assert twilio.asked("/Messages/MM1/Media.json")


async def test_a_file_that_cannot_be_asked_about_now_is_waited_for(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """Its message comes with it the next time."""
    memory = DictMemory()
    memory.values["caught up until"] = str(NOW_MS - MINUTE_MS)
    twilio.answer(SEND, one_page(written("MM1", 1, body="", num_media="1")))
    twilio.answer("/Messages/MM1/Media.json", (503, ""))
    with pytest.raises(SendError):
        await caught_up(channel_at(twilio, http, memory))
    assert memory.values["caught up until"] == str(NOW_MS - MINUTE_MS)


async def test_a_messaging_service_makes_up_for_its_own_messages_alone(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """The account may have other numbers, with channels of their own."""
    memory, service = DictMemory(), f"MG{1:032x}"
    memory.values["caught up until"] = str(NOW_MS)
    mine, other = written("SM1", 1, messaging_service_sid=service), written("SM2", 1)
    twilio.answer(SEND, one_page(mine, other))
    channel = channel_at(twilio, http, memory, sender="", messaging_service_sid=service)
    assert [one.dedupe_key for one in await caught_up(channel)] == ["SM1"]
    assert "To" not in twilio.asked(SEND)[0]


async def test_a_menu_is_found_by_its_words_however_its_lines_are_set(
    channel: Channel, twilio: Twilio
) -> None:
    """Also where it went out as numbers."""
    menu = OutboundMessage(1, TO, "Was?\n\n*Bitte*   wählen.", (Choice("q.1", "Ja"), Choice("q.2", "Nein")))
    for body in ("Was?\n\n*Bitte* wählen.", "Was?\n\n*Bitte*   wählen.\n\n1 Ja\n2 Nein"):
        twilio.answer(SEND, one_page(listed("SM1", body=body)))
        assert await channel.look_up(menu, NOW_MS, set()) == Receipt("SM1", DeliveryState.ACCEPTED)


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


async def test_a_list_of_templates_without_end_is_read_to_a_thousand(
    channel: Channel, twilio: Twilio
) -> None:
    """And at the host that we know, whatever the answer names."""
    path, elsewhere = "/v1/ContentAndApprovals", "https://evil.example/v1/ContentAndApprovals?Page=1"
    twilio.answer(path, (200, {"contents": [], "meta": {"next_page_url": elsewhere}}))
    assert await channel.templates() == []
    assert [asked.get("Page") for asked in twilio.asked(path)] == [None, *["1"] * 9]


async def test_the_account_is_asked_about_with_its_token_and_a_key_tried_for_what_it_is_for(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    """Twilio lets a standard key see no account, which would look like a wrong one."""
    proofs = {ACCOUNT: encode_basic_auth(ACCOUNT, TOKEN), "key": encode_basic_auth(KEY, "its-secret")}
    channel = channel_at(twilio, http, api_key_sid=KEY, api_key_secret="its-secret")
    twilio.answer(".json", (200, {"friendly_name": "Muster", "status": "active"}))
    twilio.answer("/Balance.json", (200, {"balance": "42", "currency": "EUR"}))
    assert await channel.account_warning() == ""
    assert twilio.proofs == {proofs[ACCOUNT]}
    twilio.answer(SEND, (401, {"code": 20003}))
    with pytest.raises(SendError, match="20003"):
        await channel.check()
    assert twilio.proofs == set(proofs.values())


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
