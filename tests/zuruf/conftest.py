"""What the tests of the demo share: its provider, a console with the phones, and a browser."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from bot.clock import Clock
from bot.web.shell import LOOPBACK_HOSTS, pages_app
from tests.zuruf.phones_stage import ScriptedBot, nobody_has_it
from zuruf.demo import phones
from zuruf.demo.phones_acts import Messenger
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio

CHROMIUM = shutil.which("chromium")  # none: the one that Playwright installed
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def telegram(clock: Clock) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(clock=lambda: clock.now_ms() / 1000, time_scale=0.01) as provider:
        yield provider


@pytest.fixture
async def whatsapp(clock: Clock) -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio(clock=lambda: clock.now_ms() / 1000, time_scale=0.01) as provider:
        yield provider


@pytest.fixture
async def threema(clock: Clock) -> AsyncIterator[FakeThreema]:
    async with FakeThreema(clock=lambda: clock.now_ms() / 1000, time_scale=0.01) as provider:
        yield provider


@pytest.fixture
async def console(
    telegram: FakeTelegram, whatsapp: FakeTwilio, threema: FakeThreema, clock: Clock
) -> AsyncIterator[str]:
    """The address of a console that has the phones and one route that crashes."""

    async def crash(request: web.Request) -> web.Response:
        raise RuntimeError("on purpose")

    providers: dict[str, Messenger] = {"telegram": telegram, "whatsapp": whatsapp, "threema": threema}
    app = pages_app(LOOPBACK_HOSTS, [phones.PAGES])
    app.add_routes([*phones.routes(providers, clock, nobody_has_it), web.get("/crash", crash)])
    runner = web.AppRunner(app, shutdown_timeout=30)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with asyncio.timeout(10):  # open streams must not hold the end up
        await runner.cleanup()


@pytest.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[ScriptedBot]:
    scripted = ScriptedBot(telegram)
    await scripted.start()
    yield scripted
    await scripted.stop()


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
