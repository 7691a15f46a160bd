"""The page with the virtual phones: its calls, its guards, and how it feels in a browser."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bot.web.shell import HEADERS, LOOPBACK_HOSTS, pages_app
from zuruf.demo import phones
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.telegram_files import Upload

NORA, TOM = 99_000_000_001, 99_000_000_002
CHROMIUM = shutil.which("chromium")  # none: the one that Playwright installed
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
MENU = [[{"text": "Auszahlung", "callback_data": "payment"}, {"text": "Abfuhr", "callback_data": "lifting"}]]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


class ScriptedBot:
    """Answers as a gateway might: a menu to /start, a formatted text to a tap, the words back to a text."""

    def __init__(self, provider: FakeTelegram) -> None:
        self._provider = provider
        self._runner = web.AppRunner(web.Application())
        self._session = aiohttp.ClientSession()
        self._answers: set[asyncio.Task[None]] = set()
        self.updates: list[dict[str, Any]] = []

    async def start(self) -> None:
        self._runner.app.router.add_post("/hook", self._receive)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        await self.call("setWebhook", url=url)

    async def stop(self) -> None:
        await asyncio.gather(*self._answers)
        await self._session.close()
        await self._runner.cleanup()

    async def call(self, method: str, **parameters: Any) -> Any:
        url = f"{self._provider.url}/bot{self._provider.token}/{method}"
        async with self._session.post(url, json=parameters) as answer:
            return await answer.json()

    async def _receive(self, request: web.Request) -> web.Response:
        self.updates.append(await request.json())
        task = asyncio.create_task(self._answer(self.updates[-1]))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        return web.Response()

    async def _answer(self, update: dict[str, Any]) -> None:
        tap, message = update.get("callback_query"), update.get("message")
        if tap:
            await self.call("answerCallbackQuery", callback_query_id=tap["id"])
            chat = tap["from"]["id"]
            await self.call("sendMessage", chat_id=chat, text="<b>3. Dezember</b>", parse_mode="HTML")
        elif message and message.get("text") == "/start":
            markup = {"inline_keyboard": MENU}
            await self.call("sendMessage", chat_id=message["chat"]["id"], text="Womit?", reply_markup=markup)
        elif message:
            said = message.get("text", "Danke.")
            reply = {"message_id": message["message_id"]}
            await self.call("sendMessage", chat_id=message["chat"]["id"], text=said, reply_parameters=reply)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(time_scale=0.01) as provider:
        yield provider


@pytest.fixture
async def console(telegram: FakeTelegram) -> AsyncIterator[str]:
    """The address of a console that has the phones and one route that crashes."""

    async def crash(request: web.Request) -> web.Response:
        raise RuntimeError("on purpose")

    app = pages_app(LOOPBACK_HOSTS, [phones.PAGES])
    app.add_routes([*phones.routes(telegram), web.get("/crash", crash)])
    runner = web.AppRunner(app, shutdown_timeout=30)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with asyncio.timeout(10):  # open streams must not hold the end up
        await runner.cleanup()


@pytest.fixture
async def session(console: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(console) as opened:
        yield opened


@pytest.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[ScriptedBot]:
    scripted = ScriptedBot(telegram)
    await scripted.start()
    yield scripted
    await scripted.stop()


async def test_the_page_speaks_german_or_english(session: aiohttp.ClientSession) -> None:
    for query, accepted, title in (
        ("", "de-DE,de;q=0.9", "Virtuelle Telefone"),
        ("", "fr,en;q=0.5", "Virtual phones"),
        ("", "fr", "Virtuelle Telefone"),
        ("?lang=en", "de", "Virtual phones"),
    ):
        async with session.get(f"/phones{query}", headers={"Accept-Language": accepted}) as page:
            assert title in await page.text()


def test_both_languages_say_the_same_things(telegram: FakeTelegram) -> None:
    words = phones.Phones(telegram).words
    assert words["de"].keys() == words["en"].keys()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/phones", 200),
        ("/phones/events", 200),
        ("/phones/static/phones.js", 200),
        ("/assets/tokens.css", 200),
        ("/phones/files/unknown", 404),
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
    async with session.post(f"/phones/{NORA}/say", json={"text": "x"}, headers=headers) as answer:
        assert answer.status == 403
    assert telegram.chat(NORA).messages == {}


async def test_the_stream_begins_with_everything_and_goes_on_with_what_changes(
    session: aiohttp.ClientSession, telegram: FakeTelegram
) -> None:
    async with session.get("/phones/events") as stream:
        name, data = await _event(stream)
        assert name == "snapshot"
        assert [(chat["id"], chat["messages"]) for chat in data["chats"]] == [(NORA, []), (TOM, [])]
        async with session.post(f"/phones/{NORA}/say", json={"text": "Hallo"}) as answer:
            assert answer.status == 200
        name, data = await _event(stream)
        assert (name, data["chat"], data["message"]["text"]) == ("message", NORA, "Hallo")
        assert not data["message"]["accepted"]


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
        (f"{NORA}/say", {"text": " "}, 400),
        (f"{NORA}/say", {"text": "x" * 4097}, 400),
        (f"{NORA}/say", {}, 400),
        (f"{NORA}/say", ["text"], 400),
        (f"{NORA}/tap", {"message": 1, "button": "x"}, 400),
        (f"{NORA}/tap", {"message": [], "button": "x"}, 400),
        ("7/say", {"text": "x"}, 404),
        (f"{NORA}/fly", {}, 404),
        ("faults/fire", {"on": True}, 404),
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
        async with session.get(f"/phones/files/{sent.content['document']['file_id']}") as answer:
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"] == "attachment"


async def test_an_uploaded_picture_is_sent_as_photo_and_anything_else_as_file(
    session: aiohttp.ClientSession, telegram: FakeTelegram
) -> None:
    for name, kind in (("beet.png", "image/png"), ("Lieferschein.pdf", "application/pdf")):
        form = aiohttp.FormData()
        form.add_field("file", b"content", filename=name, content_type=kind)
        async with session.post(f"/phones/{TOM}/file", data=form) as answer:
            assert answer.status == 200
    assert [next(iter(message.content)) for message in telegram.chat(TOM).transcript] == ["photo", "document"]


async def _event(stream: aiohttp.ClientResponse) -> tuple[str, Any]:
    async with asyncio.timeout(10):
        name = (await stream.content.readline()).decode().removeprefix("event: ").strip()
        data = (await stream.content.readline()).decode().removeprefix("data: ")
        await stream.content.readline()
    return name, json.loads(data)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser: Browser, console: str, bot: ScriptedBot) -> AsyncIterator[Page]:
    """The page in German; whatever its console complains about fails the test."""
    opened = await browser.new_page(locale="de-DE")
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    await opened.goto(f"{console}/phones")
    await opened.locator("body[data-ready]").wait_for()
    yield opened
    await opened.close()
    assert complaints == []


def _phone(page: Page, chat: int) -> Locator:
    return page.locator(f".phone[data-chat='{chat}']")


@pytest.mark.browser
async def test_a_chat_from_start_to_answer(page: Page) -> None:
    nora = _phone(page, NORA)
    await nora.get_by_role("button", name="Starten").click()
    await nora.get_by_role("button", name="Auszahlung").click()
    await expect(nora.locator(".theirs strong")).to_have_text("3. Dezember")
    await expect(nora.locator("[aria-busy]")).to_have_count(0)
    await nora.get_by_label("Nachricht").last.fill("Wann ist Abfuhr?")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".theirs .quote")).to_contain_text("Wann ist Abfuhr?")
    await expect(nora.locator(".mine .tick.accepted")).to_have_count(2)
    await expect(_phone(page, TOM).get_by_role("button", name="Starten")).to_be_visible()


@pytest.mark.browser
async def test_everything_can_be_attached_and_is_shown(page: Page) -> None:
    tom = _phone(page, TOM)
    await tom.get_by_role("button", name="Starten").click()
    shown = (
        ("Foto vom Feld", ".photo img"),
        ("Sprachnachricht", ".voice .wave"),
        ("Standort", "svg.map"),
        ("Meine Nummer", ".card"),
    )
    for label, selector in shown:
        await tom.get_by_role("button", name="Anhängen").click()
        await tom.get_by_role("button", name=label, exact=True).click()
        await expect(tom.locator(selector)).to_be_visible()
    loaded = await tom.locator(".photo img").evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )
    assert loaded > 0
    duration = await page.evaluate(
        """() => new Promise((done) => {
             const sound = new Audio(document.querySelector(".voice") && "/phones/static/sample-voice.ogg");
             sound.onloadedmetadata = () => done(sound.duration);
           })"""
    )
    assert round(duration) == phones.SAMPLE_VOICE_S


@pytest.mark.browser
async def test_hostile_words_stay_words(page: Page, telegram: FakeTelegram, bot: ScriptedBot) -> None:
    nora = telegram.chat(NORA)
    telegram.say(nora, HOSTILE)
    await telegram.until(lambda: len(nora.from_bot) == 1)
    link = '<a href="javascript:document.title=3">da</a> <code>&lt;script&gt;</code>'
    await bot.call("sendMessage", chat_id=NORA, text=link, parse_mode="HTML")
    # Past the provider's own checks: the page must not rely on them.
    button = {"text": HOSTILE, "url": "javascript:document.title=4"}
    telegram.chats.write(nora, from_bot=True, text="?", keyboard=[[button]])
    telegram.send_document(nora, Upload(HOSTILE, "text/html", HOSTILE.encode()))
    phone = _phone(page, NORA)
    await expect(phone.locator(".document strong")).to_have_text(HOSTILE)
    await expect(phone.locator(".mine .said").first).to_contain_text(HOSTILE)
    await expect(phone.locator(".said code")).to_have_text("<script>")
    await phone.locator(".keyboard button").click()
    assert await phone.locator("a[href^=javascript]").count() == 0
    assert await phone.locator(".bubbles script, .bubbles img").count() == 0
    assert await page.title() == "Virtuelle Telefone · Zuruf"


@pytest.mark.browser
async def test_messages_wait_visibly_while_the_messenger_is_down(page: Page, telegram: FakeTelegram) -> None:
    nora = _phone(page, NORA)
    await nora.get_by_role("button", name="Starten").click()
    down = page.get_by_role("switch", name="der Messenger ausfällt")
    await down.click()
    await expect(down).to_have_attribute("aria-checked", "true")
    assert telegram.is_down
    await nora.get_by_label("Nachricht").last.fill("Hört mich jemand?")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".tick.waiting")).to_have_count(1)
    await down.click()
    await expect(nora.locator(".tick.waiting")).to_have_count(0)
    await expect(nora.locator(".theirs").last).to_contain_text("Hört mich jemand?")


@pytest.mark.browser
async def test_each_trouble_shows_its_state_and_does_what_it_says(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.say(telegram.chat(NORA), "/start")
    await telegram.until(lambda: len(telegram.chat(NORA).from_bot) == 1)
    flood = page.get_by_role("switch", name="wir zu schnell senden")
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "true")
    assert (await bot.call("sendMessage", chat_id=NORA, text="x"))["parameters"]["retry_after"] == 3
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "false")

    lost = page.get_by_role("switch", name="eine Antwort verloren geht")
    await lost.click()
    await expect(lost).to_have_attribute("aria-checked", "true")
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.call("sendMessage", chat_id=NORA, text="zweimal?")
    await expect(_phone(page, NORA).get_by_text("zweimal?")).to_be_visible()
    await expect(lost).to_have_attribute("aria-checked", "false")

    block = page.get_by_role("switch", name="Nora aus")
    await block.click()
    await expect(page.get_by_role("switch", name="Nora an")).to_have_attribute("aria-checked", "true")
    assert (await bot.call("sendMessage", chat_id=NORA, text="x"))["error_code"] == 403

    await telegram.until(lambda: "my_chat_member" in bot.updates[-1])
    seen = list(bot.updates)
    await page.get_by_role("button", name="Nora", exact=True).last.click()
    await expect(page.get_by_text("noch einmal zugestellt")).to_be_visible()
    await telegram.until(lambda: bot.updates == [*seen, seen[-1]])


@pytest.mark.browser
async def test_own_words_can_be_edited_answered_and_liked_by_keyboard(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    chat = telegram.chat(NORA)
    said = telegram.say(chat, "Mittwohc")
    await telegram.until(lambda: len(chat.from_bot) == 1)
    nora = _phone(page, NORA)
    await nora.locator(".mine .more").focus()
    await page.keyboard.press("Enter")
    await expect(nora.locator(".menu button").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(nora.locator(".mine .more")).to_be_focused()
    await page.keyboard.press("Enter")
    await nora.get_by_role("button", name="Bearbeiten").press("Enter")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Mittwoch")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".mine .said")).to_contain_text("Mittwoch")
    await expect(nora.locator(".mine .meta")).to_contain_text("bearbeitet")
    await nora.locator(".theirs .more").focus()
    await page.keyboard.press("Enter")
    await nora.get_by_role("button", name="Daumen hoch").press("Enter")
    await expect(nora.locator(".theirs .reaction")).to_be_visible()
    assert (said.text, chat.from_bot[0].reaction) == ("Mittwoch", "👍")


@pytest.mark.browser
async def test_what_the_bot_edits_or_deletes_changes_on_the_phone(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chat(NORA).started = True
    nora = _phone(page, NORA)
    sent = (await bot.call("sendMessage", chat_id=NORA, text="Mittwoch"))["result"]["message_id"]
    await expect(nora.locator(".theirs")).to_contain_text("Mittwoch")
    await bot.call("editMessageText", chat_id=NORA, message_id=sent, text="Donnerstag")
    await expect(nora.locator(".theirs")).to_contain_text("Donnerstag")
    await bot.call("sendChatAction", chat_id=NORA, action="typing")
    await expect(nora.locator(".presence")).to_have_text("schreibt …")
    await bot.call("deleteMessage", chat_id=NORA, message_id=sent)
    await expect(nora.locator(".theirs")).to_have_count(0)


@pytest.mark.browser
async def test_a_small_screen_shows_one_phone_at_a_time(page: Page, telegram: FakeTelegram) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    telegram.say(telegram.chat(TOM), "Hello, " + "x" * 300)
    await expect(_phone(page, NORA)).to_be_visible()
    await expect(_phone(page, TOM)).to_be_hidden()
    await page.get_by_role("button", name="Tom", exact=True).first.click()
    await expect(_phone(page, NORA)).to_be_hidden()
    await expect(_phone(page, TOM).locator(".mine")).to_contain_text("Hello")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    composer = await _phone(page, TOM).locator(".composer").bounding_box()
    assert composer is not None
    assert composer["y"] + composer["height"] <= 740


@pytest.mark.browser
async def test_the_page_comes_back_after_a_broken_connection(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chats.dismiss_watchers()
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_visible()
    telegram.say(telegram.chat(NORA), "inzwischen")
    await expect(_phone(page, NORA).locator(".mine")).to_contain_text("inzwischen", timeout=15_000)
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_hidden()
