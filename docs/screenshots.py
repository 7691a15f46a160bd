"""Takes the pictures in `docs/images` anew: `python docs/screenshots.py` (needs the dev dependencies)."""

import asyncio
import shutil
from pathlib import Path

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

from zuruf.demo.run import phones_and_gateway

IMAGES = Path(__file__).parent / "images"
ARGUMENTS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
SIZE = ViewportSize(width=1440, height=940)


async def take() -> None:
    """Let Nora, Tom and Anna chat with the demo's bot, and take a picture of their phones."""
    async with phones_and_gateway() as (_, app), async_playwright() as playwright:
        chromium = shutil.which("chromium")  # none: the one that Playwright installed
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS.split())
        page = await browser.new_page(viewport=SIZE, locale="de-DE", color_scheme="light")
        await page.goto(f"http://127.0.0.1:{app.console_port}/phones")
        await page.locator("body[data-ready]").wait_for()
        await _chat(page)
        await page.screenshot(path=IMAGES / "phones.png")
        await browser.close()


async def _chat(page: Page) -> None:
    nora, tom, anna = (page.locator(".phone").nth(number) for number in range(3))
    await nora.locator(".start").click()
    await _answered(nora, 2)
    await _say(nora, "was kosten schnizel?", 3)
    await nora.locator(".attach > button").click()
    await nora.locator("[data-attach=photo]").click()
    await _answered(nora, 4)
    await _say(tom, "English", 2)
    await tom.locator(".picker").click()
    await tom.locator(".sheet").get_by_text("Pulp & lime").click()
    await tom.locator(".sheet footer button").click()
    await _answered(tom, 3)
    await _say(tom, "When do I get paid?", 4)
    await _say(anna, "Menü", 2)
    await _say(anna, "zwei", 3)
    await _say(anna, "5", 4)
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    await page.wait_for_timeout(2500)  # until nothing slides any more, and everything is told


async def _say(phone: Locator, text: str, answers: int) -> None:
    await phone.locator("textarea").fill(text)
    await phone.locator("textarea").press("Enter")
    await _answered(phone, answers)


async def _answered(phone: Locator, answers: int) -> None:
    await expect(phone.locator(".theirs")).to_have_count(answers)


if __name__ == "__main__":
    asyncio.run(take())
