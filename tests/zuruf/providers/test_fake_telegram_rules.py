"""The fake Telegram refuses what the real one refuses, in its words."""

from typing import Any

import aiohttp
import pytest

from tests.zuruf.providers.receiver import NORA, TOM, Call, Gateway
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.telegram.rules import parse_html


@pytest.mark.parametrize(
    ("parameters", "code", "description"),
    [
        ({"text": "  \n"}, 400, "message text is empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, 400, "message text is empty"),
        ({"text": "x" * 4097}, 400, "message is too long"),
        ({"text": "👋" * 2049}, 400, "message is too long"),
        ({"text": "<x>y</x>", "parse_mode": "HTML"}, 400, "can't parse entities: Unsupported start tag"),
        ({"text": "ä<b>y", "parse_mode": "html"}, 400, "can't parse entities: Can't find end tag"),
        ({"text": "<b>x</i>", "parse_mode": "HTML"}, 400, "can't parse entities: Unmatched end tag at byte"),
        ({"text": "x</b>", "parse_mode": "HTML"}, 400, "can't parse entities: Unexpected end tag at byte"),
        ({"text": "1 < 2", "parse_mode": "HTML"}, 400, "can't parse entities: Unclosed start tag"),
        ({"text": "x", "chat_id": 1}, 400, "chat not found"),
        ({"text": "x", "chat_id": "nobody"}, 400, "chat_id must be an integer"),
        ({"text": "x", "reply_parameters": {"message_id": 77}}, 400, "message to be replied not found"),
    ],
)
async def test_a_message_that_telegram_would_refuse_is_refused_in_its_words(
    telegram: FakeTelegram, call: Call, parameters: dict[str, Any], code: int, description: str
) -> None:
    nora = telegram.chat(NORA)
    answer = await call("sendMessage", **{"chat_id": NORA, **parameters})
    assert answer["error_code"] == code
    assert description in answer["description"]
    assert nora.from_bot == []


@pytest.mark.parametrize(
    ("rows", "description"),
    [
        ([[{"text": "Ja", "callback_data": "ü" * 33}]], "BUTTON_DATA_INVALID"),
        ([[{"text": "Ja", "callback_data": ""}]], "BUTTON_DATA_INVALID"),
        ([[{"text": "", "callback_data": "a"}]], "button text must be non-empty"),
        ([[{"text": "Ja", "url": "javascript:alert(1)"}]], "Unsupported URL protocol"),
        ([[{"text": "Ja"}]], "text buttons are unallowed"),
        ([[{"text": "Ja", "callback_data": "a"}]] * 101, "reply markup is too long"),
    ],
)
async def test_a_keyboard_beyond_the_limits_is_refused(
    telegram: FakeTelegram, call: Call, rows: list[list[dict[str, str]]], description: str
) -> None:
    telegram.chat(NORA)
    markup = {"inline_keyboard": rows}
    answer = await call("sendMessage", chat_id=NORA, text="?", reply_markup=markup)
    assert description in answer["description"]


async def test_the_longest_text_counts_after_its_markup_was_read(telegram: FakeTelegram, call: Call) -> None:
    nora = telegram.chat(NORA)
    await call("sendMessage", chat_id=NORA, text=f"<b>{'&amp;' * 4096}</b>", parse_mode="HTML")
    assert nora.from_bot[0].text == "&" * 4096


def test_formatting_is_placed_in_utf16_units() -> None:
    text, entities = parse_html(
        '👋 <b>fett <i>&lt;schräg&gt;</i></b> <a href="https://example.org/?a&amp;b">da</a>'
    )
    assert text == "👋 fett <schräg> da"
    assert entities == [
        {"type": "bold", "offset": 3, "length": 13},
        {"type": "italic", "offset": 8, "length": 8},
        {"type": "text_link", "offset": 17, "length": 2, "url": "https://example.org/?a&b"},
    ]


def test_a_link_that_could_run_code_stays_text() -> None:
    assert parse_html('<a href="javascript:alert(1)">da</a>') == ("da", [])


async def test_a_person_who_blocked_left_or_never_started_cannot_be_reached(
    telegram: FakeTelegram, gateway: Gateway, call: Call
) -> None:
    nora = telegram.chat(NORA)
    telegram.block(nora)
    telegram.chat(TOM, started=False)
    telegram.chat(3).deactivated = True
    answers = [await call("sendMessage", chat_id=chat, text="x") for chat in (NORA, TOM, 3)]
    assert [answer["error_code"] for answer in answers] == [403, 403, 403]
    assert [answer["description"].split(": ")[1] for answer in answers] == [
        "bot was blocked by the user",
        "bot can't initiate conversation with a user",
        "user is deactivated",
    ]
    telegram.say(nora, "wieder da")
    await telegram.until(lambda: telegram.updates.pending == 0)
    statuses = [
        update["my_chat_member"]["new_chat_member"]["status"]
        for update in gateway.updates
        if "my_chat_member" in update
    ]
    assert statuses == ["kicked", "member"]
    assert (await call("sendMessage", chat_id=NORA, text="x"))["ok"]


async def test_a_wrong_token_is_unauthorised_and_no_token_is_not_found(
    telegram: FakeTelegram, session: aiohttp.ClientSession
) -> None:
    for token, status in (("88000000001:wrong", 401), ("nonsense", 404)):
        async with session.get(f"{telegram.url}/bot{token}/getMe") as answer:
            assert answer.status == status
