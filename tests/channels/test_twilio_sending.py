"""WhatsApp through Twilio, outbound: what is sent, and what its answers mean, at a Twilio on loopback."""

import asyncio
import json
import traceback
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer

from channels.channel import Channel, ChannelPorts
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import (
    Choice,
    DeliveryState,
    Event,
    Identifier,
    InboundMessage,
    Media,
    OutboundMessage,
    Receipt,
    TemplateUse,
)
from channels.registry import CHANNEL_KINDS
from channels.twilio_errors import meaning
from tests.channels.contract import DictMemory, load_answers

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "test-twilio-auth-token-0000000000"
SENDER = "whatsapp:+12025550100"
TO = Identifier("phone", "+12025550123")
WORDS = "Guten Tag, Frau Beispiel"
ANSWERS = load_answers("twilio_whatsapp")
CREATED = ANSWERS["created"]["body"]
NOW_MS = 1_790_000_000_000
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


@dataclass
class Twilio:
    """Answers each path from its queue (the last answer stays), and remembers what it was asked."""

    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=dict)
    proofs: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, path: str, *answers: Any) -> None:
        self.answers[path] = deque(answers)

    def asked(self, path: str) -> list[Any]:
        return [what for _, asked, what in self.calls if asked == path]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        what: Any = dict(request.query)
        if body and request.content_type == "application/json":
            what = json.loads(body)
        elif body:
            what = dict(parse_qsl(body.decode(), keep_blank_values=True))
        path = request.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}")
        self.calls.append((request.method, path, what))
        self.proofs.add(request.headers.get("Authorization", ""))
        queue = self.answers.get(path) or deque([(404, {"code": 20404})])
        status, answer, *headers = queue[0] if len(queue) == 1 else queue.popleft()
        if status == 0:
            assert request.transport
            request.transport.close()
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=status or 200, text=text, headers=headers[0] if headers else None)


SEND, CONTENT = "/Messages.json", "/v1/Content"


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    fake = Twilio()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    server = TestServer(app)
    await server.start_server(access_log=None)
    fake.url = str(server.make_url("")).rstrip("/")
    fake.answer(SEND, (201, CREATED))
    fake.answer(CONTENT, (201, {"sid": f"HX{1:032x}"}))
    yield fake
    await server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as session:
        yield session


def channel_at(twilio: Twilio, http: aiohttp.ClientSession, memory: Any = None, **changes: Any) -> Channel:
    adapter = CHANNEL_KINDS["twilio-whatsapp"]
    config = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER, "api_url": twilio.url, **changes}
    ports = ChannelPorts(
        "whatsapp",
        http,
        memory or DictMemory(),
        "https://gw.example.org/webhooks/whatsapp",
        media_url=lambda media: f"https://gw.example.org/media/{media.reference}",
        now_ms=lambda: NOW_MS,
    )
    return adapter(adapter.Config.model_validate({"kind": "twilio-whatsapp", **config}), ports)


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
    media = Media(kind, "token-of-the-file", "application/x", "Plan.pdf")
    await channel.send(OutboundMessage(1, TO, "Der Plan", media=media))
    sent = twilio.asked(SEND)[0]
    assert sent["MediaUrl"] == "https://gw.example.org/media/token-of-the-file"
    assert ("Body" in sent) == has_caption


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


@pytest.mark.parametrize("code", [63009, 63013, 63014, 63018, 63019, 63038, 63042, 63049])
def test_a_code_means_the_same_in_an_answer_and_in_a_report(code: int) -> None:
    from channels.twilio_errors import reported_kind

    assert reported_kind(str(code)) == meaning(code, 400).kind.value


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
