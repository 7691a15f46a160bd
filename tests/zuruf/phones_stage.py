"""The stage that the phones' tests share: a provider, a console with the page, and a bot that answers."""

import asyncio
from typing import Any

import aiohttp
from aiohttp import web
from playwright.async_api import Locator, Page

from zuruf.demo.providers.telegram import FakeTelegram

NORA = 99_000_000_001
TOM = 493023125002
NORAS, TOMS, ANNAS = (
    f"telegram/{NORA}",
    f"whatsapp/{TOM}",
    "threema/1",
)  # their phones, as the page calls them
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


async def nobody_has_it(channel: str, address: str) -> bool:
    """There is no team at these phones."""
    return False


def phone_of(page: Page, name: str) -> Locator:
    """One of the phones on the page."""
    return page.locator(f".phone[data-phone='{name}']")


def switch_of(page: Page, fault: str, messenger: str = "telegram") -> Locator:
    """What lets a fault befall a messenger."""
    return page.locator(f"[data-fault={fault}][data-messenger={messenger}]")
