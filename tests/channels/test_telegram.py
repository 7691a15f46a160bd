"""Telegram, inbound: who may call, and what each update means."""

import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.channel import Channel
from channels.errors import Unreadable, WebhookRejected
from channels.http import make_session
from channels.message import (
    ContactCard,
    Event,
    Identifier,
    InboundMessage,
    Location,
    Media,
    MessageEdited,
    ReachabilityChanged,
    ReactionChanged,
)
from tests.channels.contract import ChannelContract, Sample, load_samples, make_channel, webhook_request

SAMPLES = load_samples("telegram")
TOKEN = "88000000001:AAtest_token-0000000000"
SECRET = "test_telegram_secret-token_01"
CONFIG = {"token": TOKEN, "webhook_secret": SECRET}
PERSON = {"id": 99000000001, "is_bot": False, "first_name": "Nora", "language_code": "de"}
PRIVATE = {"id": 99000000001, "type": "private"}
KINDS = {"message.button": "choice"}  # the samples' word -> ours, where they differ


class TestTelegramContract(ChannelContract):
    """What every adapter promises."""

    kind = "telegram"
    samples = SAMPLES
    config = CONFIG
    secrets: ClassVar = {"token": TOKEN, "webhook_secret": SECRET}
    without_authenticity: ClassVar = {"token": TOKEN}
    secret_header = "X-Telegram-Bot-Api-Secret-Token"
    body_is_signed = False


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    """A channel that expects the samples' secret."""
    async with make_session() as http:
        yield make_channel("telegram", CONFIG, http)


async def parsed(channel: Channel, update: dict[str, Any] | bytes) -> list[Event]:
    """The events of one update, given as JSON or as what should be JSON."""
    body = update if isinstance(update, bytes) else json.dumps({"update_id": 1, **update}).encode()
    return await channel.parse(webhook_request(SAMPLES["text"], body=body))


async def said(channel: Channel, **content: Any) -> InboundMessage:
    """What a message with this content becomes."""
    message = {"message_id": 7, "date": 1790000000, "chat": PRIVATE, "from": PERSON, **content}
    (event,) = await parsed(channel, {"message": message})
    assert isinstance(event, InboundMessage)
    return event


@pytest.mark.parametrize("case", sorted(SAMPLES))
async def test_a_sample_means_what_it_expects(channel: Channel, case: str) -> None:
    """Each recorded update becomes the event that its `expect` describes."""
    sample = SAMPLES[case]
    expect = sample["expect"]
    request = webhook_request(sample)
    if expect["auth"] != "ok":
        with pytest.raises(WebhookRejected):
            channel.verify(request)
        return
    channel.verify(request)
    if case == "malformed_json":
        with pytest.raises(Unreadable):
            await channel.parse(request)
        return
    events = await channel.parse(request)
    if expect["kind"] == "ignored":
        assert events == []
        return
    (event,) = events
    check_event(event, sample)


def check_event(event: Event, sample: Sample) -> None:
    """Compare with everything that the sample names."""
    expect, update = sample["expect"], json.loads(sample["request"]["body"])
    assert event.dedupe_key == str(update["update_id"]) == expect.get("dedupe_key", event.dedupe_key)
    if isinstance(event, InboundMessage):
        wanted = KINDS.get(expect["kind"], expect["kind"].removeprefix("message."))
        assert event.kind == ("text" if wanted == "duplicate" else wanted)
        check_message(event, expect)
    elif isinstance(event, MessageEdited):
        assert (expect["kind"], event.provider_id, event.text) == (
            "edit",
            str(expect["target"]),
            expect["text"],
        )
    elif isinstance(event, ReactionChanged):
        assert (event.provider_id, event.emoji) == (str(expect["target"]), expect["emoji"])
    else:
        assert isinstance(event, ReachabilityChanged)
        assert expect["kind"] == ("contact_unblocked" if event.reachable else "contact_blocked")


def check_message(event: InboundMessage, expect: dict[str, Any]) -> None:
    """The values that samples name of messages."""
    actual = {
        "text": event.text,
        "caption": event.text,
        "payload": event.choice,
        "album": event.album,
        "file_id": event.media and event.media.reference,
        "reply_to": event.reply_to and int(event.reply_to),
        "name": event.location and event.location.name,
        "chat": int(event.sender.identifiers[0].value),
        "dedupe_key": event.dedupe_key,
    }
    named = {key: value for key, value in expect.items() if key not in {"auth", "http", "kind"}}
    assert named == {key: actual[key] for key in named}


async def test_a_sender_is_known_by_the_chat(channel: Channel) -> None:
    """Name and language are what Telegram tells of the person."""
    (event,) = await channel.parse(webhook_request(SAMPLES["text"]))
    assert isinstance(event, InboundMessage)
    assert event.sender.identifiers == (Identifier("chat", "99000000001"),)
    assert (event.sender.name, event.sender.language) == ("Nora Beispiel", "de")
    assert event.sent_at_ms == 1790000001000


async def test_a_deep_link_brings_its_code(channel: Channel) -> None:
    """`/start CODE` is what pressing START behind a link sends."""
    event = await said(channel, text="/start newsletter_2026-KW48")
    assert (event.text, event.start_code) == ("/start", "newsletter_2026-KW48")


@pytest.mark.parametrize("text", ["/start", "/startle", "/start two words", "/start ÄÖÜ", "say /start x"])
async def test_other_words_bring_no_code(channel: Channel, text: str) -> None:
    """Only what Telegram lets through as a payload is one."""
    event = await said(channel, text=text)
    assert (event.text, event.start_code) == (text, None)


async def test_a_tap_names_its_question(channel: Channel) -> None:
    """Also of a message so old that Telegram keeps only its id."""
    old = {"message_id": 100, "chat": PRIVATE, "date": 0}
    (event,) = await parsed(
        channel, {"callback_query": {"id": "42", "from": PERSON, "message": old, "data": "q7.2"}}
    )
    assert isinstance(event, InboundMessage)
    assert (event.choice, event.tap_id, event.reply_to) == ("q7.2", "42", "100")
    assert event.sent_at_ms > 1_700_000_000_000  # the tap's time, not the old message's


@pytest.mark.parametrize(("user_id", "own"), [(PERSON["id"], True), (5, False), (None, False)])
async def test_a_card_is_own_only_if_telegram_says_so(
    channel: Channel, user_id: int | None, own: bool
) -> None:
    """Anybody can share anybody's card."""
    card = {"phone_number": "+493023125001", "first_name": "Max", "last_name": "Muster"}
    event = await said(channel, contact=card | ({"user_id": user_id} if user_id else {}))
    assert event.contact_card == ContactCard("Max Muster", ("+493023125001",), own)


async def test_the_largest_photo_is_taken(channel: Channel) -> None:
    """Whatever the order."""
    sizes = [{"file_id": f"F{width}", "width": width, "height": width} for width in (90, 1280, 320)]
    event = await said(channel, photo=sizes, caption="Blattflecken")
    assert event.media == Media("image", "F1280", "image/jpeg")
    assert (event.kind, event.text) == ("image", "Blattflecken")


@pytest.mark.parametrize(
    ("content", "kind", "content_type"),
    [
        ("voice", "voice", "audio/ogg"),
        ("audio", "audio", "audio/mpeg"),
        ("video", "video", "video/mp4"),
        ("video_note", "video", "video/mp4"),
        ("document", "document", "application/octet-stream"),
        ("sticker", "sticker", "image/webp"),
    ],
)
async def test_each_kind_of_file_is_known(
    channel: Channel, content: str, kind: str, content_type: str
) -> None:
    """With its usual type, where Telegram leaves it out."""
    event = await said(channel, **{content: {"file_id": "F", "file_size": 9, "duration": 4}})
    assert event.media == Media(kind, "F", content_type, "", 9, 4)  # type: ignore[arg-type]  # parametrised


async def test_an_animation_is_a_film_although_it_is_a_document_too(channel: Channel) -> None:
    """Telegram sends both, for clients that know no animations."""
    file = {"file_id": "F", "mime_type": "video/mp4"}
    event = await said(channel, animation=file, document=file)
    assert event.kind == "video"


async def test_a_venue_has_a_name_and_a_plain_pin_has_none(channel: Channel) -> None:
    """A venue also sets `location`."""
    pin = {"latitude": 49.66, "longitude": 10.06}
    venue = await said(channel, location=pin, venue={"location": pin, "title": "Hof", "address": "Weg 1"})
    assert venue.location == Location(49.66, 10.06, "Hof", "Weg 1")
    assert (await said(channel, location=pin)).location == Location(49.66, 10.06)


async def test_what_we_cannot_show_is_named(channel: Channel) -> None:
    """So that the bot can say so, and does not stay silent."""
    event = await said(channel, poll={"id": "1", "question": "?"})
    assert (event.kind, event.unsupported) == ("unsupported", "poll")


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"message_id": 1, "date": 1, "chat": PRIVATE, "from": PERSON, "pinned_message": {}}},
        {"message": {"message_id": 1, "date": 1, "chat": PRIVATE, "text": "nobody"}},
        {
            "message": {
                "message_id": 1,
                "date": 1,
                "chat": PRIVATE,
                "from": {**PERSON, "is_bot": True},
                "text": "x",
            }
        },
        {"callback_query": {"id": "1", "from": PERSON, "inline_message_id": "5", "data": "x"}},
        {"callback_query": {"id": "1", "from": PERSON, "game_short_name": "chess"}},
        {
            "edited_message": {
                "message_id": 1,
                "date": 1,
                "chat": PRIVATE,
                "from": PERSON,
                "location": {"latitude": 1, "longitude": 2},
            }
        },
        {"message_reaction": {"chat": {"id": -1, "type": "group"}, "message_id": 1, "new_reaction": []}},
        {"something_of_2031": {"chat": "unheard of"}},
        {},
    ],
)
async def test_what_is_not_for_us_is_no_event(channel: Channel, update: dict[str, Any]) -> None:
    """Service notes, bots, inline results, live locations, and whatever Telegram invents next."""
    assert await parsed(channel, update) == []


@pytest.mark.parametrize(
    ("reactions", "emoji"),
    [
        ([], ""),
        ([{"type": "emoji", "emoji": "👍"}], "👍"),
        ([{"type": "custom_emoji", "custom_emoji_id": "5"}], "⭐"),
    ],
)
async def test_a_reaction_is_its_emoji(channel: Channel, reactions: list[dict[str, str]], emoji: str) -> None:
    """None means that it was taken back."""
    changed = {"chat": PRIVATE, "message_id": 100, "user": PERSON, "new_reaction": reactions}
    (event,) = await parsed(channel, {"message_reaction": changed})
    assert isinstance(event, ReactionChanged)
    assert event.emoji == emoji


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"update_id": "7"}',
        b'{"update_id": -7}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": 1, "message": []}',
        b'{"update_id": 1, "message": {"message_id": 1, "date": 1}}',
        b'{"update_id": 1, "x": NaN}',
        b"[" * 100_000,
    ],
)
async def test_what_cannot_be_understood_is_unreadable(channel: Channel, body: bytes) -> None:
    """Never any other error: the door keeps the body aside and answers 200."""
    with pytest.raises(Unreadable):
        await parsed(channel, body)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_value_of_a_wrong_type_is_read_over_or_unreadable(
    channel: Channel, data: st.DataObject
) -> None:
    """Any one value of any sample replaced by anything that JSON, or Python's idea of it, can hold."""
    sample = data.draw(
        st.sampled_from([SAMPLES[case] for case in sorted(SAMPLES) if case != "malformed_json"])
    )
    update = json.loads(sample["request"]["body"])
    node: Any = update
    while True:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not (isinstance(node[key], dict | list) and node[key]) or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(JSON_VALUES)
    try:
        await parsed(channel, json.dumps(update).encode())
    except Unreadable:
        return


async def test_half_a_surrogate_pair_and_nul_are_read(channel: Channel) -> None:
    """JSON allows both; NUL is for whoever stores the text to remove."""
    event = await said(channel, text="a\ud83d\x00b")
    assert event.text == "a?\x00b"
