"""The demo: a real gateway on a throw-away database, its messenger a fake provider on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from rich.console import Console

from bot.clock import Clock
from bot.content_files import read_folder
from bot.content_import import import_content
from zuruf.app import App
from zuruf.demo import SAMPLE_CONTENT
from zuruf.demo.phones import PAGES, routes
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.team import give_back
from zuruf.demo.terminal import converse
from zuruf.settings import Settings, load

CHANNEL = "telegram"
WEBHOOK_SECRET = "webhook-secret-of-the-demo"  # noqa: S105 - opens nothing anywhere
CONFIG = """
[organisation]
imprint = "Musterzucker AG, Rübenweg 1, 12345 Musterstadt"

[server]
listen = "127.0.0.1:{server_port}"
public_url = "http://127.0.0.1:{server_port}"

[console]
listen = "127.0.0.1:{console_port}"
public_url = "http://127.0.0.1:{console_port}"

[storage]
database = "sqlite:///{folder}/zuruf.db"
media = "{folder}/media"

[channels.telegram]
kind = "telegram"
token = "{token}"
webhook_secret = "{secret}"
api_url = "{api_url}"
"""


@asynccontextmanager
async def demo_gateway(
    provider: FakeTelegram, console_port: int = 0, *, phones: Clock | None = None
) -> AsyncIterator[App]:
    """A gateway with the sample content, whose Telegram is `provider`; gone without a trace afterwards.

    It shows the virtual phones where it is given the clock that they and it go by.
    """

    async def to_bot(chat_id: int) -> bool:
        return await give_back(app.database, CHANNEL, chat_id)

    with TemporaryDirectory(prefix="zuruf-demo-") as folder:
        settings = _settings(Path(folder), provider, console_port)
        app = App(
            settings,
            clock=phones,
            console_routes=routes(provider, phones, to_bot) if phones else (),
            templates=(PAGES,) if phones else (),
        )
        await app.database.upgrade()
        draft = read_folder(SAMPLE_CONTENT, app.rules.kinds)
        await import_content(app.database, app.rules, draft, app.clock.now_ms())
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


@asynccontextmanager
async def phones_and_gateway(port: int = 0) -> AsyncIterator[tuple[FakeTelegram, App]]:
    """A gateway and the virtual phones' provider, with one clock for both."""
    clock = Clock()
    async with (
        FakeTelegram(clock=lambda: clock.now_ms() / 1000) as provider,
        demo_gateway(provider, port, phones=clock) as app,
    ):
        yield provider, app


async def virtual_phones(port: int, stopped: asyncio.Event) -> None:
    """Serve the phones' page until `stopped`."""
    async with phones_and_gateway(port) as (_, app):
        address = f"http://127.0.0.1:{app.console_port}/phones"
        Console().print(f"The virtual phones are at [bold]{address}[/]  (Ctrl+C ends the demo)")
        await stopped.wait()


async def talk_in_terminal(language: str, lines: TextIO) -> None:
    """Talk to the demo's bot until the input ends."""
    async with FakeTelegram() as provider, demo_gateway(provider):
        await converse(provider, language, lines, Console())


def _settings(folder: Path, provider: FakeTelegram, console_port: int) -> Settings:
    path = folder / "config.toml"
    filled = CONFIG.format(
        server_port=free_port(),
        console_port=console_port or free_port(),
        folder=folder,
        token=provider.token,
        secret=WEBHOOK_SECRET,
        api_url=provider.url,
    )
    path.write_text(filled, "utf-8")
    return load(path, {})


def free_port() -> int:
    """A port on loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
