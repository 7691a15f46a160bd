"""The demo as its visitors find it: the real gateway, the sample content, and the phones in a browser."""

import asyncio
import re
from collections.abc import AsyncIterator
from io import StringIO
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from rich.console import Console

from tests.bot.scripted import rows
from tests.zuruf.phones_stage import ANNAS, NORAS, TOMS
from zuruf.app import App
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.run import Messengers, demo_gateway, phones_and_gateway
from zuruf.demo.terminal import converse


@pytest.fixture
async def demo() -> AsyncIterator[App]:
    async with phones_and_gateway() as (_, app):
        yield app


@pytest.fixture
async def page(browser: Browser, demo: App) -> AsyncIterator[Page]:
    """The phones in German; complaints of the browser and calls to other hosts fail the test."""
    opened = await browser.new_page(locale="de-DE")
    troubles: list[str] = []
    home = f"127.0.0.1:{demo.console_port}"
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("request", lambda request: _note_stranger(request.url, home, troubles))
    await opened.goto(f"http://{home}/phones")
    await opened.locator("body[data-ready]").wait_for()
    yield opened
    await opened.close()
    assert troubles == []


def _note_stranger(url: str, home: str, troubles: list[str]) -> None:
    if urlsplit(url).netloc != home:
        troubles.append(f"a request to {url}")


def _phone(page: Page, name: str) -> Locator:
    return page.locator(f".phone[data-phone='{name}']")


async def _say(phone: Locator, text: str) -> None:
    await phone.locator("textarea").fill(text)
    await phone.locator("textarea").press("Enter")


async def _attach(phone: Locator, name: str) -> None:
    await phone.locator(".attach > button").click()
    await phone.locator(f"[data-attach={name}]").click()


@pytest.mark.browser
async def test_a_grower_finds_the_way_from_start_to_a_person_and_back(page: Page) -> None:
    nora = _phone(page, NORAS)
    bubbles = nora.locator(".theirs")
    await nora.locator(".start").click()
    await expect(bubbles).to_have_count(2)
    await expect(bubbles.first).to_contain_text("Guten Tag, hier ist der Rübenservice")
    await expect(bubbles.last).to_contain_text("Womit können wir helfen?")

    await nora.get_by_role("button", name="Abfuhr & Lieferung").click()
    await nora.get_by_role("button", name="Leitstand anrufen").click()
    await expect(bubbles.last).to_contain_text("erreichen Sie den Leitstand")
    await nora.get_by_role("button", name="Zurück").last.click()
    await expect(bubbles.last).to_contain_text("Abfuhr & Lieferung")

    await _say(nora, "wie hoch isst der rübenpreis")
    await expect(bubbles.last).to_contain_text("36,00 €/t")

    await _attach(nora, "photo")
    await expect(bubbles.last).to_contain_text("Foto erhalten, danke. Worum geht es?")
    await nora.get_by_role("button", name="Feld", exact=True).click()
    await expect(bubbles.last).to_contain_text("Das gebe ich an unser Team weiter.")

    seen = await bubbles.count()
    await _say(nora, "danke schön")
    await page.locator(f"[data-once=give_back][data-phone='{NORAS}']").click()
    await expect(page.get_by_text("der Bot antwortet wieder")).to_be_visible()
    await _say(nora, "hallo")
    await expect(bubbles.last).to_contain_text("Guten Tag! Was möchten Sie wissen?")
    assert await bubbles.count() == seen + 1, "beside the team the bot is silent"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("phone", "copies"),
    [(NORAS, 2), (TOMS, 1)],
    ids=["Telegram tells nothing: sent once more", "WhatsApp reports it: settled"],
)
async def test_an_answer_whose_receipt_was_lost_reaches_its_reader(
    page: Page, demo: App, phone: str, copies: int
) -> None:
    grower = _phone(page, phone)
    messenger = phone.partition("/")[0]
    if messenger == "telegram":
        await grower.locator(".start").click()
    else:
        await _say(grower, "hallo")
    await expect(grower.locator(".theirs")).to_have_count(2)
    lost = page.locator(f"[data-fault=lost][data-messenger={messenger}]")
    await lost.click()
    await expect(lost).to_have_attribute("aria-checked", "true")
    await _say(grower, "wie hoch ist der rübenpreis?")
    await expect(grower.locator(".theirs", has_text="36,00 €/t")).to_have_count(copies, timeout=15_000)
    await expect(lost).to_have_attribute("aria-checked", "false")
    await _say(grower, "menü")
    await expect(grower.locator(".theirs")).to_have_count(2 + copies + 1)  # nothing stands in its way


@pytest.mark.browser
async def test_whatsapp_shows_a_list_and_buttons_and_ticks_twice(page: Page) -> None:
    tom = _phone(page, TOMS)
    await _say(tom, "menü")
    bubbles = tom.locator(".theirs")
    await expect(bubbles).to_have_count(2)
    await expect(tom.locator(".mine .tick.accepted use")).to_have_attribute("href", re.compile("#ticks"))
    await tom.get_by_role("button", name="Menü / Menu").click()
    sheet = tom.get_by_role("dialog")
    await expect(sheet.get_by_role("button", name="Senden")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(tom.locator(".picker")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sheet.locator("label")).to_have_count(8)
    await sheet.get_by_text("Preise & Auszahlung").click()
    await sheet.get_by_role("button", name="Senden").click()
    await expect(bubbles.last).to_contain_text("Preise & Auszahlung")
    await expect(tom.locator(".mine").last).to_contain_text("Preise & Auszahlung")
    await _say(tom, "Löschen Sie meine Daten")
    await tom.locator(".keyboard").get_by_role("button", name="Nein").click()
    await expect(tom.locator(".mine").last).to_contain_text("Nein")
    await expect(bubbles.last).to_contain_text("wir unternehmen nichts")
    await expect(tom.locator(".window")).to_contain_text("24 h bis")


@pytest.mark.browser
async def test_threema_is_answered_by_number_word_title_or_a_slip_in_it(page: Page) -> None:
    anna = _phone(page, ANNAS)
    bubbles = anna.locator(".theirs")
    await _say(anna, "Menü")
    await expect(bubbles.last).to_contain_text("2 Preise & Auszahlung")
    for said, answer in (
        ("2", "1 Rübenpreis"),
        ("zwei", "Zehntel Prozent"),
        ("0", "Womit können wir helfen?"),
        ("Schnitzl & Kalk", "1 Schnitzel bestellen"),
    ):
        await _say(anna, said)
        await expect(bubbles.last).to_contain_text(answer)
    assert await anna.locator(".keyboard, .picker").count() == 0
    await expect(bubbles.last.locator("strong")).to_have_text("Schnitzel & Kalk")


@pytest.mark.browser
@pytest.mark.parametrize("messenger", ["whatsapp", "threema"])
async def test_late_and_doubled_reports_end_in_the_same_state(page: Page, demo: App, messenger: str) -> None:
    grower = _phone(page, TOMS if messenger == "whatsapp" else ANNAS)
    late = page.locator(f"[data-fault=late][data-messenger={messenger}]")
    await late.click()
    await expect(late).to_have_attribute("aria-checked", "true")
    await _say(grower, "hallo")
    await expect(grower.locator(".theirs")).to_have_count(2)
    async with asyncio.timeout(15):
        while await statuses(demo, messenger) != {"read"}:
            await asyncio.sleep(0.1)


@pytest.mark.browser
async def test_an_answer_after_the_window_closed_is_kept_and_named(page: Page, demo: App) -> None:
    tom = _phone(page, TOMS)
    await _say(tom, "hallo")
    await expect(tom.locator(".theirs")).to_have_count(2)
    await page.locator("[data-fault=slow][data-messenger=whatsapp]").click()
    await _say(tom, "menü")
    await expect(tom.locator(".mine .tick.accepted")).to_have_count(2)
    await page.locator("[data-once=close_window]").click()
    await expect(tom.locator(".window")).to_have_text("24 h vorbei")
    async with asyncio.timeout(15):
        while ("failed", "needs_template", "63016") not in await outcomes(demo, "whatsapp"):
            await asyncio.sleep(0.1)
    await expect(tom.locator(".theirs")).to_have_count(2)


async def outcomes(demo: App, channel: str) -> set[tuple[str, str, str]]:
    """What became of the bot's messages."""
    found = await rows(
        demo.database,
        "SELECT m.status, m.error_kind, m.error_code FROM message m JOIN conversation c"
        f" ON c.id = m.conversation_id WHERE c.channel = '{channel}' AND m.direction = 'out'",
    )
    return {(status, kind, code) for status, kind, code in found}


async def statuses(demo: App, channel: str) -> set[str]:
    """How far the bot's messages got."""
    return {status for status, _, _ in await outcomes(demo, channel)}


@pytest.mark.browser
async def test_opening_hours_go_by_the_clock_beside_the_phones(page: Page, demo: App) -> None:
    nora = _phone(page, NORAS)
    await nora.locator(".start").click()
    before_ms = demo.clock.now_ms()
    await page.locator("[data-advance=week]").click()
    await _say(nora, "Mitarbeiter")
    await expect(nora.locator(".theirs").last).to_contain_text("Das gebe ich an unser Team weiter.")
    await expect(nora.locator(".day").last).to_have_text("Heute")
    assert demo.clock.now_ms() - before_ms >= 7 * 24 * 3600 * 1000


async def test_the_bot_can_be_talked_to_in_a_terminal() -> None:
    shown = StringIO()
    async with FakeTelegram() as provider, demo_gateway(Messengers(provider)):
        await converse(provider, "en", StringIO("menu\n1\nwhat is the beet price?\n"), Console(file=shown))
    assert "1 Lifting & delivery" in shown.getvalue()
    assert "1 My lifting date" in shown.getvalue()
    assert "€36.00/t" in shown.getvalue()
