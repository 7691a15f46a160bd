"""A whole gateway for tests: settings from a file, the real Telegram adapter, real HTTP, a fake provider."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from bot.clock import Clock
from tests.bot.scripted import rows
from zuruf.app import App
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.run import free_port
from zuruf.settings import Settings, load

SECRET = "test_telegram_secret-token_01"  # the one in the recorded samples
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
SIGNED = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
CONFIG = """
[server]
listen = "127.0.0.1:{server}"
public_url = "http://127.0.0.1:{server}"
[console]
listen = "127.0.0.1:{console}"
public_url = "http://127.0.0.1:{console}"
[storage]
database = "{database}"
media = "{folder}/media"
[channels.telegram]
kind = "telegram"
token = "{token}"
webhook_secret = "{secret}"
api_url = "{api_url}"
rate_per_s = 100000
"""


def write_config(
    folder: Path, provider: FakeTelegram, database_url: str, more: str = "", **changes: object
) -> Path:
    """A configuration file with free ports; `changes` replace what it says otherwise."""
    path = folder / "config.toml"
    given: dict[str, object] = {
        "server": free_port(),
        "console": free_port(),
        "database": database_url,
        "folder": folder,
        "token": provider.token,
        "secret": SECRET,
        "api_url": provider.url,
    }
    path.write_text(CONFIG.format(**given | changes) + more, "utf-8")
    return path


@dataclass
class Whole:
    """A running gateway and what is around it."""

    app: App
    provider: Any  # a fake of whatever kind
    http: aiohttp.ClientSession

    def url(self, path: str) -> str:
        """An address on the server's port."""
        return f"http://127.0.0.1:{self.app.server_port}{path}"

    def console_url(self, path: str) -> str:
        """An address on the console's port."""
        return f"http://127.0.0.1:{self.app.console_port}{path}"

    async def post(
        self,
        body: object,
        headers: Mapping[str, str] = SIGNED,
        path: str = "/webhooks/telegram",
    ) -> int:
        """The status that the webhook door answers with."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.post(self.url(path), data=BytesIO(data), headers=headers) as answer:
            await answer.read()
            return answer.status

    async def deliver(self, body: object) -> None:
        """Post until it is taken, as providers do."""
        for _ in range(1000):
            if await self.post(body) == 200:
                return
            await self.pause()
        raise AssertionError("the webhook was never taken")

    async def pause(self) -> None:
        """A moment between two looks."""
        await asyncio.sleep(0.02)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the gateway's database."""
        return await rows(self.app.database, statement)

    async def count(self, table: str, where: str = "1 = 1") -> int:
        """How many rows a table has."""
        return int((await self.rows(f"SELECT count(*) FROM {table} WHERE {where}"))[0][0])


@asynccontextmanager
async def running_app(settings: Settings, provider: Any, clock: Clock | None = None) -> AsyncIterator[Whole]:
    """A gateway from start to stop."""
    app = App(settings, clock=clock)
    await app.start()
    try:
        async with aiohttp.ClientSession(trust_env=False) as http:
            yield Whole(app, provider, http)
    finally:
        await app.stop()


@asynccontextmanager
async def whole_gateway(folder: Path, database_url: str, more: str = "") -> AsyncIterator[Whole]:
    """A fake provider and a gateway on it."""
    async with FakeTelegram(time_scale=0.02) as provider:
        settings = load(write_config(folder, provider, database_url, more), {})
        async with running_app(settings, provider) as whole:
            yield whole


def update(number: int, text: str = "Hallo", chat_id: int = 99_000_000_001) -> dict[str, Any]:
    """A text message as Telegram delivers it."""
    person = {"id": chat_id, "first_name": "Nora", "language_code": "de"}
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_790_000_000,
            "from": {**person, "is_bot": False},
            "chat": {"id": chat_id, "first_name": "Nora", "type": "private"},
            "text": text,
        },
    }
