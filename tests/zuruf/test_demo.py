"""The demo as its visitors find it: the real gateway, the sample content, and the phones in a browser."""

from collections.abc import AsyncIterator
from io import StringIO
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from rich.console import Console

from tests.zuruf.phones_stage import NORA, TOM
from zuruf.app import App
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.run import demo_gateway, phones_and_gateway
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


def _phone(page: Page, chat: int) -> Locator:
    return page.locator(f".phone[data-chat='{chat}']")


async def _say(phone: Locator, text: str) -> None:
    await phone.locator("textarea").fill(text)
    await phone.locator("textarea").press("Enter")


async def _attach(phone: Locator, name: str) -> None:
    await phone.locator(".attach > button").click()
    await phone.locator(f"[data-attach={name}]").click()


@pytest.mark.browser
async def test_a_grower_finds_the_way_from_start_to_a_person_and_back(page: Page) -> None:
    nora = _phone(page, NORA)
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
    await page.locator(f"[data-once=give_back][data-chat='{NORA}']").click()
    await expect(page.get_by_text("der Bot antwortet wieder")).to_be_visible()
    await _say(nora, "hallo")
    await expect(bubbles.last).to_contain_text("Guten Tag! Was möchten Sie wissen?")
    assert await bubbles.count() == seen + 1, "beside the team the bot is silent"


@pytest.mark.browser
async def test_an_answer_whose_receipt_was_lost_comes_a_second_time(page: Page) -> None:
    tom = _phone(page, TOM)
    await tom.locator(".start").click()
    await expect(tom.locator(".theirs")).to_have_count(2)
    lost = page.locator("[data-fault=lost]")
    await lost.click()
    await expect(lost).to_have_attribute("aria-checked", "true")
    await _say(tom, "what is the beet price?")
    await expect(tom.locator(".theirs", has_text="€36.00/t")).to_have_count(2, timeout=15_000)
    await expect(lost).to_have_attribute("aria-checked", "false")


@pytest.mark.browser
async def test_opening_hours_go_by_the_clock_beside_the_phones(page: Page, demo: App) -> None:
    nora = _phone(page, NORA)
    await nora.locator(".start").click()
    before_ms = demo.clock.now_ms()
    await page.locator("[data-advance=week]").click()
    await _say(nora, "Mitarbeiter")
    await expect(nora.locator(".theirs").last).to_contain_text("Das gebe ich an unser Team weiter.")
    await expect(nora.locator(".day").last).to_have_text("Heute")
    assert demo.clock.now_ms() - before_ms >= 7 * 24 * 3600 * 1000


async def test_the_bot_can_be_talked_to_in_a_terminal() -> None:
    shown = StringIO()
    async with FakeTelegram() as provider, demo_gateway(provider):
        await converse(provider, "en", StringIO("menu\n1\nwhat is the beet price?\n"), Console(file=shown))
    assert "1 Lifting & delivery" in shown.getvalue()
    assert "1 My lifting date" in shown.getvalue()
    assert "€36.00/t" in shown.getvalue()
