"""A gateway that only listens, for the tests of the fake providers."""

from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

NORA, TOM = 99_000_000_001, 99_000_000_002
SECRET = "test_telegram_secret-token_01"
Call = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


class Gateway:
    """A webhook receiver that remembers what came and refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.secrets: set[str | None] = set()
        self.refuse: Callable[[dict[str, Any]], bool] = lambda update: False
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.updates.append(update)
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        return web.Response(status=500 if self.refuse(update) else 200)

    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates if "message" in update]
