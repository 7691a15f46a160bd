"""WhatsApp through Twilio, outbound: what is sent, and what its answers mean, at a Twilio on loopback."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import encode_basic_auth

from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import (
    Choice,
    DeliveryState,
    Identifier,
    Media,
    OutboundMessage,
    Receipt,
    TemplateUse,
)
from tests.channels.contract import DictMemory, load_answers
from tests.channels.twilio_fake import (
    ACCOUNT,
    CONTENT,
    SEND,
    SENDER,
    TO,
    TOKEN,
    WORDS,
    Twilio,
    channel_at,
    running_twilio,
)

ANSWERS = load_answers("twilio_whatsapp")
CREATED = ANSWERS["created"]["body"]
K = SendErrorKind
OUTCOMES = {
    "accepted": None,
    "auth_stop_channel": (K.STOP_CHANNEL, "channel"),
    "config_stop_channel": (K.STOP_CHANNEL, "channel"),
    "retry_after": (K.RETRY_AFTER, None),
    "retry_unknown": (K.RETRY_UNKNOWN, None),
    "retry_tomorrow": (K.RETRY_TOMORROW, "channel"),
    "permanent_recipient": (K.PERMANENT_RECIPIENT, "recipient"),
    "permanent_opt_out": (K.OPT_OUT, "recipient"),
    "permanent_content": (K.PERMANENT_CONTENT, "message"),
    "permanent_template": (K.PERMANENT_TEMPLATE, "template"),
    "needs_template": (K.NEEDS_TEMPLATE, "recipient"),
}
YES_NO = (Choice("q1.1", "Ja"), Choice("q1.2", "Nein"))
ROWS = tuple(Choice(f"q2.{number}", f"Zeile {number}", f"Was {number} ist") for number in range(1, 6))


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with running_twilio() as fake:
        fake.answer(SEND, (201, CREATED))
        fake.answer(CONTENT, (201, {"sid": f"HX{1:032x}"}))
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as session:
        yield session


@pytest.fixture
def channel(twilio: Twilio, http: aiohttp.ClientSession) -> Channel:
    return channel_at(twilio, http)


async def refused(channel: Channel, message: OutboundMessage | None = None) -> SendError:
    """The error that sending ends in, checked for what must never be in one."""
    with pytest.raises(SendError) as raised:
        await channel.send(message or OutboundMessage(1, TO, WORDS))
    shown = "".join(traceback.format_exception(raised.value))
    assert not any(secret in shown for secret in (TOKEN, WORDS, TO.value))
    assert raised.value.__context__ is None
    return raised.value


async def test_a_text_goes_out_with_its_marks_and_our_own_id(channel: Channel, twilio: Twilio) -> None:
    receipt = await channel.send(OutboundMessage(4711, TO, "*Fett* und _kursiv_, 3*4 und snake_case"))
    assert receipt == Receipt(CREATED["sid"], DeliveryState.ACCEPTED)
    assert twilio.asked(SEND) == [
        {
            "To": "whatsapp:+12025550123",
            "From": SENDER,
            "StatusCallback": "https://gw.example.org/webhooks/whatsapp/status?message=4711",
            "Body": "*Fett* und _kursiv_, 3*4 und snake_case",
        }
    ]
    assert twilio.proofs == {encode_basic_auth(ACCOUNT, TOKEN)}


async def test_a_person_without_a_number_is_written_to_by_their_id(channel: Channel, twilio: Twilio) -> None:
    await channel.send(OutboundMessage(1, Identifier("bsuid", "DE.100000000000000000002"), "Hallo"))
    assert twilio.asked(SEND)[0]["To"] == "whatsapp:DE.100000000000000000002"


async def test_a_messaging_service_and_an_api_key_take_the_place_of_number_and_token(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    keyed = channel_at(
        twilio,
        http,
        messaging_service_sid=f"MG{1:032x}",
        api_key_sid=f"SK{1:032x}",
        api_key_secret="its-secret",
    )
    await keyed.send(OutboundMessage(1, TO, WORDS))
    assert twilio.asked(SEND)[0]["MessagingServiceSid"] == f"MG{1:032x}"
    assert "From" not in twilio.asked(SEND)[0]
    assert twilio.proofs == {encode_basic_auth(f"SK{1:032x}", "its-secret")}


async def test_buttons_are_a_content_object_that_is_made_once_for_all_texts_and_people(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    memory = DictMemory()
    channel = channel_at(twilio, http, memory)
    again = tuple(Choice(f"q9.{number}", choice.title) for number, choice in enumerate(YES_NO, 1))
    await asyncio.gather(*(channel.send(OutboundMessage(n, TO, "Ja?", YES_NO)) for n in range(5)))
    await channel.send(OutboundMessage(9, TO, "Oder *nein*?", again))
    await channel_at(twilio, http, memory).send(OutboundMessage(10, TO, "Nach dem Neustart?", again))
    [content] = twilio.asked(CONTENT)
    assert content["types"] == {
        "twilio/quick-reply": {
            "body": "{{1}}",
            "actions": [{"title": "Ja", "id": "{{2}}"}, {"title": "Nein", "id": "{{3}}"}],
        }
    }
    assert content["variables"].keys() == {"1", "2", "3"}
    sent = twilio.asked(SEND)
    assert {one["ContentSid"] for one in sent} == {f"HX{1:032x}"}
    assert json.loads(sent[5]["ContentVariables"]) == {"1": "Oder *nein*?", "2": "q9.1", "3": "q9.2"}
    assert not any("Body" in one for one in sent)


async def test_each_line_of_the_text_is_a_variable_since_none_may_hold_a_line_break(
    channel: Channel, twilio: Twilio
) -> None:
    """Nor a tab, nor more than four spaces in a row: Twilio refuses the message for it (21656)."""
    await channel.send(OutboundMessage(1, TO, " *Preise*\n\nWas\tgenau      denn?\n", YES_NO))
    await channel.send(OutboundMessage(2, TO, "Gut.\n\nUnd dann?", YES_NO))
    [content] = twilio.asked(CONTENT)
    shape = content["types"]["twilio/quick-reply"]
    assert shape["body"] == "{{1}}\n\n{{2}}"
    assert [action["id"] for action in shape["actions"]] == ["{{3}}", "{{4}}"]
    first, second = (json.loads(one["ContentVariables"]) for one in twilio.asked(SEND))
    assert first == {"1": "*Preise*", "2": "Was genau denn?", "3": "q1.1", "4": "q1.2"}
    assert (second["1"], second["2"]) == ("Gut.", "Und dann?")


@pytest.mark.parametrize("text", ["", " \n", "Zeile\n" * 99])
async def test_a_text_that_fills_no_form_goes_with_numbers(
    channel: Channel, twilio: Twilio, text: str
) -> None:
    """No variable may be empty, and there are at most a hundred."""
    await channel.send(OutboundMessage(1, TO, text, YES_NO))
    assert twilio.asked(CONTENT) == []
    lines = twilio.asked(SEND)[0]["Body"].splitlines()
    assert (lines[0], lines[-2:]) == (text.strip()[:5] or "1 Ja", ["1 Ja", "2 Nein"])


async def test_more_choices_are_a_list(channel: Channel, twilio: Twilio) -> None:
    await channel.send(OutboundMessage(1, TO, "Was?", ROWS))
    [content] = twilio.asked(CONTENT)
    picker = content["types"]["twilio/list-picker"]
    assert (picker["body"], picker["button"], len(picker["items"])) == ("{{1}}", "Menü / Menu", 5)
    assert picker["items"][0] == {"item": "Zeile 1", "id": "{{2}}", "description": "Was 1 ist"}


@pytest.mark.parametrize("trouble", [(429, {"code": 20429}), (400, {"code": 60223}), (0, {}), (200, {})])
async def test_where_no_content_object_can_be_had_choices_are_numbers(
    channel: Channel, twilio: Twilio, trouble: Any
) -> None:
    twilio.answer(CONTENT, trouble)
    for _ in range(2):
        await channel.send(OutboundMessage(1, TO, "Was?", (*ROWS, Choice("q2.6", "Zurück", key="0"))))
    first = twilio.asked(SEND)[0]["Body"]
    assert first.startswith("Was?\n\n1 Zeile 1 – Was 1 ist\n2 Zeile 2")
    assert first.endswith("\n0 Zurück")
    assert len(twilio.asked(CONTENT)) == 1, "a refusal is not asked for again with every message"


async def test_a_refusal_answers_all_who_wait_for_the_same_menu(channel: Channel, twilio: Twilio) -> None:
    """Not one after the other, each with a call of its own."""
    twilio.answer(CONTENT, (500, {}))
    await asyncio.gather(*(channel.send(OutboundMessage(n, TO, "Ja?", YES_NO)) for n in range(20)))
    assert len(twilio.asked(CONTENT)) == 1
    assert [one["Body"] for one in twilio.asked(SEND)] == ["Ja?\n\n1 Ja\n2 Nein"] * 20


async def test_numbered_choices_that_are_too_long_go_without_their_descriptions(
    channel: Channel, twilio: Twilio
) -> None:
    twilio.answer(CONTENT, (500, {}))
    rows = tuple(Choice(f"q.{n}", f"Zeile {n}", "x" * 72) for n in range(10))
    await channel.send(OutboundMessage(1, TO, "y" * 1000, rows))
    assert twilio.asked(SEND)[0]["Body"].endswith("\n10 Zeile 9")


async def test_a_content_object_that_somebody_deleted_is_made_anew(channel: Channel, twilio: Twilio) -> None:
    await channel.send(OutboundMessage(1, TO, "Ja?", YES_NO))
    gone = ANSWERS["error_21655"]
    twilio.answer(SEND, (gone["status"], gone["body"]), (201, CREATED))
    twilio.answer(CONTENT, (201, {"sid": f"HX{2:032x}"}))
    await channel.send(OutboundMessage(2, TO, "Ja?", YES_NO))
    assert [one["ContentSid"] for one in twilio.asked(SEND)] == [f"HX{n:032x}" for n in (1, 1, 2)]


@pytest.mark.parametrize(("code", "objects"), [("error_21655", 2), ("error_21656", 1)])
async def test_where_buttons_are_refused_the_answer_still_arrives(
    channel: Channel, twilio: Twilio, code: str, objects: int
) -> None:
    """A new object is tried where the old one is gone, and nowhere else: there would be one a message."""
    refusal = (ANSWERS[code]["status"], ANSWERS[code]["body"])
    twilio.answer(SEND, *[refusal] * objects, (201, CREATED))
    await channel.send(OutboundMessage(1, TO, "Ja?", YES_NO))
    assert len(twilio.asked(CONTENT)) == objects
    assert twilio.asked(SEND)[-1]["Body"] == "Ja?\n\n1 Ja\n2 Nein"


async def test_marks_never_push_a_text_over_the_limit(channel: Channel, twilio: Twilio) -> None:
    """What keeps stray marks from showing adds to the text, here beside buttons and alone."""
    for limit, choices in ((1600, ()), (1024, YES_NO)):
        text = ("~x" * 800)[:limit]
        await channel.send(OutboundMessage(1, TO, text, choices))
        sent = twilio.asked(SEND)[-1]
        assert (sent.get("Body") or json.loads(sent["ContentVariables"])["1"]) == text


async def test_a_template_goes_out_with_its_variables(channel: Channel, twilio: Twilio) -> None:
    use = TemplateUse(f"HX{7:032x}", {"1": "Nora", "2": "Döblitz"})
    await channel.send(OutboundMessage(1, TO, "what we show of it", template=use))
    sent = twilio.asked(SEND)[0]
    assert sent["ContentSid"] == f"HX{7:032x}"
    assert json.loads(sent["ContentVariables"]) == {"1": "Nora", "2": "Döblitz"}
    assert "Body" not in sent


async def test_a_template_that_is_refused_is_not_taken_for_a_menu(channel: Channel, twilio: Twilio) -> None:
    gone = ANSWERS["error_21655"]
    twilio.answer(SEND, (gone["status"], gone["body"]))
    error = await refused(channel, OutboundMessage(1, TO, "", template=TemplateUse("HX1")))
    assert error.kind is K.PERMANENT_TEMPLATE
    assert len(twilio.asked(SEND)) == 1


@pytest.mark.parametrize(
    ("kind", "has_caption"), [("image", True), ("video", True), ("document", False), ("voice", False)]
)
async def test_a_file_goes_out_as_a_signed_address(
    channel: Channel, twilio: Twilio, kind: Any, has_caption: bool
) -> None:
    """With its text where Twilio carries one; elsewhere it would lose it without a word."""
    media = Media(kind, "token-of-the-file", "application/x", "Plan.pdf")
    captioned = OutboundMessage(1, TO, "Der *Plan*", media=media)
    if has_caption:
        await channel.send(captioned)
    else:
        assert (await refused(channel, captioned)).kind is K.PERMANENT_CONTENT
    await channel.send(OutboundMessage(2, TO, media=media))
    *first, alone = twilio.asked(SEND)
    assert [one["Body"] for one in first] == ["Der *Plan*"] * has_caption
    assert all(one["MediaUrl"].endswith("/media/token-of-the-file") for one in (*first, alone))
    assert "Body" not in alone


async def test_a_file_with_choices_has_them_as_numbers_below_it(channel: Channel, twilio: Twilio) -> None:
    """Buttons are a kind of message of their own; neither they nor the file may get lost."""
    photo = Media("image", "token-of-the-file", "image/jpeg")
    for text in ("Ist das Ihre?", ""):
        await channel.send(OutboundMessage(1, TO, text, YES_NO, media=photo))
    assert [one["Body"] for one in twilio.asked(SEND)] == ["Ist das Ihre?\n\n1 Ja\n2 Nein", "1 Ja\n2 Nein"]
    assert all(one["MediaUrl"].endswith("/media/token-of-the-file") for one in twilio.asked(SEND))


@pytest.mark.parametrize("name", [name for name in ANSWERS if ANSWERS[name]["outcome"] in OUTCOMES])
async def test_every_recorded_answer_means_what_the_samples_say(
    channel: Channel, twilio: Twilio, name: str
) -> None:
    answer = ANSWERS[name]
    twilio.answer(SEND, (answer["status"], answer["body"], answer["headers"]))
    expected = OUTCOMES[answer["outcome"]]
    if expected is None:
        await channel.send(OutboundMessage(1, TO, WORDS))
        return
    error = await refused(channel)
    assert error.kind is expected[0]
    assert expected[1] is None or error.scope == expected[1]
    assert error.maybe_sent == (error.kind is K.RETRY_UNKNOWN)


def test_no_recorded_answer_is_left_out() -> None:
    assert {answer["outcome"] for answer in ANSWERS.values()} <= OUTCOMES.keys() | {"info"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "maybe_sent"),
    [
        (500, "", K.RETRY_UNKNOWN, True),
        (502, "<html>", K.RETRY_UNKNOWN, True),
        (201, "<html>", K.RETRY_UNKNOWN, True),
        (201, {"sid": None}, K.RETRY_UNKNOWN, True),
        (0, "", K.RETRY_UNKNOWN, True),
        (403, {"code": 99999}, K.STOP_CHANNEL, False),
        (400, {"code": 99999}, K.PERMANENT_CONTENT, False),
        (400, [1], K.PERMANENT_CONTENT, False),
        (302, "", K.STOP_CHANNEL, False),
    ],
)
async def test_answers_that_nobody_recorded_have_a_meaning_too(
    channel: Channel, twilio: Twilio, status: int, body: Any, kind: SendErrorKind, maybe_sent: bool
) -> None:
    twilio.answer(SEND, (status, body))
    error = await refused(channel)
    assert (error.kind, error.maybe_sent) == (kind, maybe_sent)


async def test_twilios_wish_for_a_pause_is_heard(channel: Channel, twilio: Twilio) -> None:
    twilio.answer(SEND, (429, {"code": 20429}, {"Retry-After": "7"}))
    assert (await refused(channel)).retry_after_s == 7
