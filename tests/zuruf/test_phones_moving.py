"""A grower who changes the messenger, tried on two of the virtual phones."""

import re

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.zuruf.phones_stage import ANNAS, TOMS
from zuruf.demo.run import phones_and_gateway


async def _say(phone: Locator, text: str) -> None:
    await phone.locator("textarea").fill(text)
    await phone.locator("textarea").press("Enter")


@pytest.mark.browser
async def test_a_code_from_one_phone_written_on_another_moves_the_chat(browser: Browser) -> None:
    async with phones_and_gateway() as (_, app):
        page = await browser.new_page(locale="de-DE")
        await page.goto(f"http://127.0.0.1:{app.console_port}/phones")
        await page.locator("body[data-ready]").wait_for()
        tom, anna = (page.locator(f".phone[data-phone='{name}']") for name in (TOMS, ANNAS))
        await _say(tom, "Umzug")
        told = tom.locator(".theirs")
        await expect(told.filter(has_text="So nehmen Sie diesen Chat mit")).to_have_count(1)
        code = re.search(r"\b[A-Z0-9]{5}-[A-Z0-9]{5}\b", await told.last.inner_text())
        assert code
        await _say(anna, code[0])
        await expect(anna.locator(".theirs").filter(has_text="WhatsApp zusammen")).to_have_count(1)
        await expect(told.filter(has_text="auch auf Threema verbunden")).to_have_count(1)
        await page.close()
