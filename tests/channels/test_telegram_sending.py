"""Telegram, outbound: sending, set-up and the account check against a Bot API on loopback."""

import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import Choice, Identifier, Media, MediaKind, OutboundMessage, Receipt
from tests.channels.contract import load_answers, make_channel
from tests.channels.fakes import CUT, FakeBotApi

TOKEN = "88000000001:AAtest_token-0000000000"
SECRET = "test_telegram_secret-token_01"
ANSWERS = load_answers("telegram")
TO = Identifier("chat", "99000000001")
WORDS = "Guten Tag, Frau Beispiel"
SENT = ANSWERS["sent"]["body"]["result"]

K = SendErrorKind
OUTCOMES = {  # the samples' words -> what `send` raises; None: it counts as sent
    "accepted": None,
    "ok": None,
    "retry_after": (K.RETRY_AFTER, "recipient"),
    "permanent_blocked": (K.BLOCKED, "recipient"),
    "permanent_recipient": (K.PERMANENT_RECIPIENT, "recipient"),
    "address_changed": (K.ADDRESS_CHANGED, "recipient"),
    "permanent_content": (K.PERMANENT_CONTENT, "message"),
    "retry_plain_text": (K.RETRY_PLAIN_TEXT, "message"),
    "retry_upload": (K.RETRY_UPLOAD, "message"),
    "auth_stop_channel": (K.STOP_CHANNEL, "channel"),
    "config_stop_channel": (K.STOP_CHANNEL, "channel"),
    "retry_unknown": (K.RETRY_UNKNOWN, "message"),
}


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    """The fake, listening."""
    fake = FakeBotApi(TOKEN)
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(api: FakeBotApi) -> AsyncIterator[Channel]:
    """A channel that talks to the fake."""
    async with make_session() as http:
        yield channel_at(api.url, http)


def channel_at(api_url: str, http: aiohttp.ClientSession, **changes: Any) -> Channel:
    """A channel that talks to `api_url`."""
    config = {"token": TOKEN, "webhook_secret": SECRET, "api_url": api_url, **changes}
    return make_channel("telegram", config, http)


async def refused(channel: Channel, message: OutboundMessage | None = None) -> SendError:
    """The error that sending ends in, checked for what must never be in one."""
    with pytest.raises(SendError) as raised:
        await channel.send(message or OutboundMessage(1, TO, WORDS))
    shown = "".join(traceback.format_exception(raised.value))
    context = raised.value.__context__
    while context is not None:
        shown += f"{context!r} {context}"
        context = context.__context__
    assert TOKEN not in shown
    assert WORDS not in shown
    return raised.value


async def test_the_way_back_and_a_person_share_the_last_row(channel: Channel, api: FakeBotApi) -> None:
    """They are on every level, and a menu should fit on the screen."""
    api.answer("sendMessage", SENT)
    choices = (Choice("q1.1", "Preise"), Choice("q1.2", "Zurück", key="0"), Choice("q1.3", "Mensch", key="9"))
    await channel.send(OutboundMessage(1, TO, "Rüben", choices))
    (sent,) = api.asked("sendMessage")
    rows = [[button["text"] for button in row] for row in sent["reply_markup"]["inline_keyboard"]]
    assert rows == [["Preise"], ["Zurück", "Mensch"]]


async def test_a_text_arrives_as_html_with_its_menu(channel: Channel, api: FakeBotApi) -> None:
    """One button a row, with the choice's id as what a tap brings back."""
    api.answer("sendMessage", SENT)
    choices = (Choice("q1.1", "Preise & Termine"), Choice("q1.2", "Zurück", "zum Anfang"))
    receipt = await channel.send(OutboundMessage(1, TO, "*Rüben* <5 t & mehr", choices, reply_to="12"))
    assert receipt == Receipt("100")
    assert api.asked("sendMessage") == [
        {
            "chat_id": 99000000001,
            "text": "<b>Rüben</b> &lt;5 t &amp; mehr",
            "parse_mode": "HTML",
            "reply_markup": {
                "inline_keyboard": [
                    [{"text": "Preise & Termine", "callback_data": "q1.1"}],
                    [{"text": "Zurück", "callback_data": "q1.2"}],
                ]
            },
            "reply_parameters": {"message_id": 12, "allow_sending_without_reply": True},
        }
    ]


@pytest.mark.parametrize("name", sorted(ANSWERS))
async def test_every_recorded_answer_has_its_outcome(channel: Channel, api: FakeBotApi, name: str) -> None:
    """Chapter and verse for the error table: what Telegram says, and what it means for the message."""
    answer = ANSWERS[name]
    api.answer("sendMessage", answer)
    outcome = OUTCOMES[answer["outcome"]]
    if outcome is None:
        receipt = await channel.send(OutboundMessage(1, TO, "x"))
        assert receipt.provider_id == ("100" if name == "sent" else "")
        return
    error = await refused(channel)
    assert (error.kind, error.scope) == outcome
    assert error.maybe_sent == (error.kind is K.RETRY_UNKNOWN)
    assert error.retry_after_s == (7 if name == "flood" else None)


async def test_markup_that_telegram_rejects_goes_out_plain(channel: Channel, api: FakeBotApi) -> None:
    """Once, without the marks; the person gets the words in any case."""
    api.answer("sendMessage", ANSWERS["parse_error"], SENT)
    receipt = await channel.send(OutboundMessage(1, TO, "*fett* & <x>", (Choice("a", "A"),)))
    first, second = api.asked("sendMessage")
    assert receipt == Receipt("100")
    assert first["parse_mode"] == "HTML"
    assert "parse_mode" not in second
    assert second["text"] == "fett & <x>"
    assert second["reply_markup"] == first["reply_markup"]


async def test_a_chat_that_moved_is_followed_once(channel: Channel, api: FakeBotApi) -> None:
    """And the receipt says where it lives now."""
    api.answer("sendMessage", ANSWERS["migrated"], SENT)
    receipt = await channel.send(OutboundMessage(1, TO, "x"))
    assert receipt == Receipt("100", new_address=Identifier("chat", "-1009900000003"))
    assert [call["chat_id"] for call in api.asked("sendMessage")] == [99000000001, -1009900000003]


async def test_a_refused_connection_sent_nothing() -> None:
    """So it may simply be tried again."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        async with make_session() as http:
            error = await refused(channel_at(f"http://127.0.0.1:{unused.getsockname()[1]}", http))
    assert (error.kind, error.maybe_sent) == (K.RETRY_FEW, False)


async def test_a_connection_cut_after_the_request_may_have_sent(channel: Channel, api: FakeBotApi) -> None:
    """Nobody knows: the caller has to decide."""
    api.answer("sendMessage", CUT)
    error = await refused(channel)
    assert (error.kind, error.maybe_sent) == (K.RETRY_UNKNOWN, True)
    assert len(api.calls) == 1


@pytest.mark.parametrize("answer", ["<html>", {"status": 200, "body": "<html>hello</html>"}])
async def test_an_answer_that_makes_no_sense_never_passes_for_a_refusal(
    channel: Channel, api: FakeBotApi, answer: Any
) -> None:
    """Ok is ok, with or without an id; anything else is unknown."""
    api.answer("sendMessage", answer)
    if isinstance(answer, str):
        assert await channel.send(OutboundMessage(1, TO, "x")) == Receipt("")
        return
    assert (await refused(channel)).kind is K.RETRY_UNKNOWN


async def test_half_a_surrogate_pair_can_be_sent(channel: Channel, api: FakeBotApi) -> None:
    """An agent's browser can produce one; the message goes out all the same."""
    api.answer("sendMessage", SENT)
    await channel.send(OutboundMessage(1, TO, "a\ud83d"))
    assert api.asked("sendMessage")[0]["text"] == "a?"


@pytest.mark.parametrize(
    ("kind", "content_type", "method", "field"),
    [
        ("image", "image/jpeg", "sendPhoto", "photo"),
        ("image", "image/tiff", "sendDocument", "document"),
        ("video", "video/mp4", "sendVideo", "video"),
        ("voice", "audio/ogg", "sendVoice", "voice"),
        ("audio", "audio/mpeg", "sendAudio", "audio"),
        ("document", "application/pdf", "sendDocument", "document"),
    ],
)
async def test_a_local_file_is_uploaded(
    channel: Channel,
    api: FakeBotApi,
    tmp_path: Path,
    kind: MediaKind,
    content_type: str,
    method: str,
    field: str,
) -> None:
    """By the method of its kind, with caption and buttons."""
    path = tmp_path / "4711"
    path.write_bytes(b"\x00\xffinhalt")
    api.answer(method, SENT)
    media = Media(kind, str(path), content_type, file_name='Liefer\r\nschein Ü "7".pdf')
    receipt = await channel.send(OutboundMessage(1, TO, "*Ihr* Beleg", (Choice("a", "A"),), media))
    (call,) = api.calls
    assert receipt == Receipt("100")
    assert call.method == method
    assert call.files == {field: ('Lieferschein Ü "7".pdf', b"\x00\xffinhalt")}
    assert call.parameters["caption"] == "<b>Ihr</b> Beleg"
    assert call.parameters["parse_mode"] == "HTML"
    assert json.loads(call.parameters["reply_markup"]) == {
        "inline_keyboard": [[{"text": "A", "callback_data": "a"}]]
    }


@pytest.mark.parametrize("name", ["blocked", "flood", "bad_token", "bad_gateway_html"])
async def test_a_refused_upload_has_the_same_outcome_as_a_text(
    channel: Channel, api: FakeBotApi, tmp_path: Path, name: str
) -> None:
    """The library in between changes nothing."""
    (tmp_path / "x.pdf").write_bytes(b"x")
    api.answer("sendDocument", ANSWERS[name])
    media = Media("document", str(tmp_path / "x.pdf"))
    error = await refused(channel, OutboundMessage(1, TO, WORDS, media=media))
    assert (error.kind, error.scope) == OUTCOMES[ANSWERS[name]["outcome"]]


async def test_a_file_that_is_gone_is_not_retried(channel: Channel, tmp_path: Path) -> None:
    """Retention may have taken it."""
    media = Media("document", str(tmp_path / "gone.pdf"))
    error = await refused(channel, OutboundMessage(1, TO, "x", media=media))
    assert (error.kind, error.code) == (K.PERMANENT_CONTENT, "file missing")


async def test_nothing_of_a_message_reaches_the_log(
    channel: Channel, api: FakeBotApi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG the library would write down words, chat ids and answers."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "x.pdf").write_bytes(b"x")
    api.answer("sendMessage", SENT)
    api.answer("sendDocument", ANSWERS["bad_gateway_html"])
    await channel.send(OutboundMessage(1, TO, WORDS))
    media = Media("document", str(tmp_path / "x.pdf"))
    await refused(channel, OutboundMessage(1, TO, WORDS, media=media))
    for secret in (TOKEN, WORDS, TO.value):
        assert secret not in caplog.text


async def test_a_tap_is_acknowledged_even_if_it_is_too_late(channel: Channel, api: FakeBotApi) -> None:
    """An old query is nobody's fault."""
    api.answer("answerCallbackQuery", True, ANSWERS["old_query"])
    await channel.acknowledge_tap("4250000000000000001")
    await channel.acknowledge_tap("1")
    assert api.asked("answerCallbackQuery") == [
        {"callback_query_id": "4250000000000000001"},
        {"callback_query_id": "1"},
    ]


async def test_set_up_registers_the_webhook_with_its_secret(channel: Channel, api: FakeBotApi) -> None:
    """And asks for reactions, which Telegram leaves out by itself."""
    await channel.set_up()
    (call,) = api.asked("setWebhook")
    assert call["url"] == "https://gw.example.org/webhooks/test"
    assert call["secret_token"] == SECRET
    assert call["max_connections"] == "100"
    assert json.loads(call["allowed_updates"]) == [
        "message",
        "edited_message",
        "callback_query",
        "message_reaction",
        "my_chat_member",
    ]


async def test_set_up_of_a_polled_channel_removes_the_webhook_but_no_updates(api: FakeBotApi) -> None:
    """What waits there is still to be fetched."""
    async with make_session() as http:
        await channel_at(api.url, http, mode="polling").set_up()
    assert [call.method for call in api.calls] == ["deleteWebhook"]
    assert api.calls[0].parameters.get("drop_pending_updates", "false") == "false"


async def test_check_says_what_telegram_sees(channel: Channel, api: FakeBotApi) -> None:
    """For the administrator, in one line."""
    api.answer("getMe", {"id": 1, "is_bot": True, "first_name": "G", "username": "example_bot"})
    webhook = {"url": "https://gw.example.org/webhooks/test", "has_custom_certificate": False}
    api.answer(
        "getWebhookInfo",
        {**webhook, "pending_update_count": 0},
        {
            **webhook,
            "url": "",
            "pending_update_count": 3,
            "last_error_date": 1790000000,
            "last_error_message": "Connection timed out",
        },
    )
    assert await channel.check() == "@example_bot, called by webhook, 0 updates waiting"
    assert await channel.check() == (
        "@example_bot, called by webhook, 3 updates waiting, "
        "the webhook is not set to this installation: restart Zuruf to set it, "
        "last error when calling us, 2026-09-21 14:13 UTC: Connection timed out"
    )


async def test_check_of_a_revoked_token_stops_the_channel(channel: Channel, api: FakeBotApi) -> None:
    """Without showing the token."""
    api.answer("getMe", ANSWERS["bad_token"])
    with pytest.raises(SendError) as raised:
        await channel.check()
    assert (raised.value.kind, raised.value.code) == (K.STOP_CHANNEL, "401")
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
