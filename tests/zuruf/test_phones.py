"""The calls of the page with the virtual phones, and its guards."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.clock import Clock
from bot.web.shell import HEADERS
from tests.zuruf.phones_stage import ANNAS, HOSTILE, NORA, NORAS, TOM, TOMS, nobody_has_it
from zuruf.demo import phones
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.twilio import FakeTwilio


@pytest.fixture
async def session(console: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(console) as opened:
        yield opened


async def test_the_ports_first_page_leads_to_the_phones(session: aiohttp.ClientSession) -> None:
    async with session.get("/") as answer:
        assert (answer.status, answer.url.path) == (200, "/phones")


async def test_the_page_speaks_german_or_english(session: aiohttp.ClientSession) -> None:
    for query, accepted, title in (
        ("", "de-DE,de;q=0.9", "Virtuelle Telefone"),
        ("", "fr,en;q=0.5", "Virtual phones"),
        ("", "fr", "Virtuelle Telefone"),
        ("?lang=en", "de", "Virtual phones"),
    ):
        async with session.get(f"/phones{query}", headers={"Accept-Language": accepted}) as page:
            assert title in await page.text()


async def test_the_page_is_light(session: aiohttp.ClientSession) -> None:
    async with session.get("/phones") as page:
        html = await page.text()
    linked = set(re.findall(r'(?:href|src)="(/(?:assets|phones/static)/[^"#]+)', html))
    scripts = {f"/phones/static/{path.name}" for path in (phones.STATIC).glob("*.js")}
    weight = len(html.encode())
    for path in linked | scripts:
        async with session.get(path) as answer:
            assert answer.status == 200, path
            weight += len(await answer.read())
    assert {path for path in linked if path.endswith(".css")} >= {
        f"/phones/static/{messenger}.css" for messenger in ("telegram", "whatsapp", "threema")
    }
    assert weight < 150_000


def test_both_languages_say_the_same_things() -> None:
    words = phones.Phones({}, Clock(), nobody_has_it).words
    assert words["de"].keys() == words["en"].keys()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/phones", 200),
        ("/phones/events", 200),
        ("/phones/static/phones.js", 200),
        ("/assets/tokens.css", 200),
        ("/phones/files/telegram/unknown", 404),
        ("/nowhere", 404),
        ("/crash", 500),
    ],
)
async def test_every_answer_carries_the_guarding_headers(
    session: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with session.get(path) as answer:
        assert answer.status == status
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "["])
async def test_other_host_names_get_no_answer(session: aiohttp.ClientSession, host: str) -> None:
    async with session.get("/phones", headers={"Host": host}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_peoples_pages_change_nothing(
    session: aiohttp.ClientSession, telegram: FakeTelegram, headers: dict[str, str]
) -> None:
    async with session.post(f"/phones/{NORAS}/say", json={"text": "x"}, headers=headers) as answer:
        assert answer.status == 403
    assert telegram.chat(NORA).messages == {}


async def test_the_stream_begins_with_everything_and_goes_on_with_what_changes(
    session: aiohttp.ClientSession, telegram: FakeTelegram
) -> None:
    async with session.get("/phones/events") as stream:
        name, data = await _event(stream)
        assert name == "snapshot"
        assert [(one["phone"], one["messages"]) for one in data["phones"]] == [
            (NORAS, []),
            (TOMS, []),
            (ANNAS, []),
        ]
        assert data["faults"]["threema"] == dict.fromkeys(("flood", "slow", "down", "lost", "late"), False)
        async with session.post(f"/phones/{NORAS}/say", json={"text": "Hallo"}) as answer:
            assert answer.status == 200
        name, data = await _event(stream)
        assert (name, data["phone"], data["message"]["text"]) == ("message", NORAS, "Hallo")
        assert not data["message"]["accepted"]


async def test_half_a_letter_does_not_keep_the_page_from_opening(session: aiohttp.ClientSession) -> None:
    async with session.post(f"/phones/{NORAS}/say", json={"text": "\ud800"}) as answer:
        assert answer.status == 200
    async with session.get("/phones/events") as stream:
        assert (await _event(stream))[0] == "snapshot"


async def test_a_page_that_goes_away_is_no_error(
    session: aiohttp.ClientSession, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    async with session.get("/phones/events") as stream:
        await _event(stream)
    async with session.get("/phones") as page:
        assert page.status == 200
    async with asyncio.timeout(10):
        while telegram.chats.watched:
            telegram.say(telegram.chat(NORA), "Ist da jemand?")
            await asyncio.sleep(0.01)
    assert [record.message for record in caplog.records] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{NORAS}/say", {"text": " "}, 400),
        (f"{NORAS}/say", {"text": "x" * 4097}, 400),
        (f"{NORAS}/say", {}, 400),
        (f"{NORAS}/say", ["text"], 400),
        (f"{NORAS}/say", {"text": "x", "reply_to": "a"}, 400),
        (f"{NORAS}/file", {"text": "x"}, 400),
        (f"{NORAS}/tap", {"message": 1, "button": "x"}, 400),
        (f"{NORAS}/tap", {"message": [], "button": "x"}, 400),
        ("telegram/7/say", {"text": "x"}, 404),
        ("telegram/" + "9" * 5000 + "/say", {"text": "x"}, 404),
        (f"{NORAS}/fly", {}, 404),
        ("clock/year", {}, 404),
        ("telegram/7/give_back", {}, 404),
        (f"signal/{NORA}/say", {"text": "x"}, 404),
        (f"{TOMS}/edit", {"message": 1, "text": "x"}, 400),
        (f"{TOMS}/react", {"message": 1, "emoji": "x"}, 400),
        (f"{NORAS}/delete", {"message": 1}, 400),
        (f"{NORAS}/close_window", {}, 400),
        (f"{ANNAS}/contact", {}, 400),
        ("telegram/faults/fire", {"on": True}, 404),
    ],
)
async def test_what_a_phone_cannot_do_is_refused(
    session: aiohttp.ClientSession, path: str, body: object, status: int
) -> None:
    async with session.post(f"/phones/{path}", json=body) as answer:
        assert answer.status == status


async def test_a_hostile_file_is_never_shown_as_a_page(
    session: aiohttp.ClientSession, telegram: FakeTelegram
) -> None:
    nora = telegram.chat(NORA)
    for kind in ("text/html", "image/svg+xml", "application/xhtml+xml"):
        sent = telegram.send_document(nora, Upload("x.html", kind, HOSTILE.encode()))
        async with session.get(f"/phones/files/telegram/{sent.content['document']['file_id']}") as answer:
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"] == "attachment"


async def test_an_uploaded_picture_is_sent_as_photo_and_anything_else_as_file(
    session: aiohttp.ClientSession, telegram: FakeTelegram
) -> None:
    for name, kind in (("beet.png", "image/png"), ("Lieferschein.pdf", "application/pdf")):
        form = aiohttp.FormData()
        form.add_field("file", b"content", filename=name, content_type=kind)
        async with session.post(f"/phones/{NORAS}/file", data=form) as answer:
            assert answer.status == 200
    assert [next(iter(message.content)) for message in telegram.chat(NORA).transcript] == [
        "photo",
        "document",
    ]


@pytest.mark.parametrize("phone", [NORAS, TOMS, ANNAS])
@pytest.mark.parametrize("act", ["photo", "voice", "location"])
async def test_every_phone_can_send_what_people_send(
    session: aiohttp.ClientSession, phone: str, act: str
) -> None:
    async with session.post(f"/phones/{phone}/{act}", json={}) as answer:
        assert answer.status == 200
    async with session.get("/phones/events") as stream:
        _, data = await _event(stream)
    shown = {one["phone"]: one["messages"] for one in data["phones"]}
    assert [message["content"]["kind"] for message in shown[phone]] == [act]
    if "url" in shown[phone][0]["content"]:
        async with session.get(shown[phone][0]["content"]["url"]) as file:
            assert file.content_type in {"image/jpeg", "audio/ogg"}


async def test_a_closed_window_is_told_and_opens_when_its_owner_writes(
    session: aiohttp.ClientSession, whatsapp: FakeTwilio
) -> None:
    tom = whatsapp.chat(f"+{TOM}")
    whatsapp.say(tom, "Hello")
    async with session.post(f"/phones/{TOMS}/close_window", json={}) as answer:
        assert await answer.json() == {"done": True}
    assert tom.window_closes_at_s == 0
    whatsapp.say(tom, "Still there?")
    assert tom.window_closes_at_s - whatsapp.chats.now_s() == 24 * 3600


async def _event(stream: aiohttp.ClientResponse) -> tuple[str, Any]:
    async with asyncio.timeout(10):
        name = (await stream.content.readline()).decode().removeprefix("event: ").strip()
        data = (await stream.content.readline()).decode().removeprefix("data: ")
        await stream.content.readline()
    return name, json.loads(data)
