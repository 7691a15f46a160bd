"""The demo: a real gateway on a throw-away database, its messengers fake providers on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from rich.console import Console

from bot.clock import Clock
from bot.content_files import read_folder
from bot.content_import import import_content
from zuruf.app import App
from zuruf.demo import SAMPLE_CONTENT
from zuruf.demo.phones import PAGES, Messenger, routes
from zuruf.demo.providers import threema, twilio
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio
from zuruf.demo.team import give_back
from zuruf.demo.terminal import converse
from zuruf.settings import load

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
database = "{database}"
media = "{folder}/media"
"""


@dataclass(frozen=True, slots=True)
class Messengers:
    """One provider of each kind; None: it is not part of this demo."""

    telegram: FakeTelegram | None = None
    whatsapp: FakeTwilio | None = None
    threema: FakeThreema | None = None

    @property
    def by_channel(self) -> dict[str, Messenger]:
        """The providers by the names of their channels, in the order of the phones."""
        named = {"telegram": self.telegram, "whatsapp": self.whatsapp, "threema": self.threema}
        return {name: provider for name, provider in named.items() if provider is not None}


def channels_config(messengers: Messengers, more: str = "") -> str:
    """The `[channels.NAME]` tables for these providers, each with the lines `more`."""
    tables = []
    if messengers.telegram:
        tables.append(f"""
[channels.telegram]
kind = "telegram"
token = "{messengers.telegram.token}"
webhook_secret = "{WEBHOOK_SECRET}"
api_url = "{messengers.telegram.url}"
{more}""")
    if messengers.whatsapp:
        tables.append(f"""
[channels.whatsapp]
kind = "twilio-whatsapp"
account_sid = "{twilio.ACCOUNT_SID}"
auth_token = "{twilio.AUTH_TOKEN}"
sender = "{twilio.SENDER}"
api_url = "{messengers.whatsapp.url}"
{more}""")
    if messengers.threema:
        tables.append(f"""
[channels.threema]
kind = "threema"
gateway_id = "{threema.GATEWAY_ID}"
secret = "{threema.SECRET}"
private_key = "{threema.PRIVATE_KEY}"
api_url = "{messengers.threema.url}"
{more}""")
    return "".join(tables)


def point_at(messengers: Messengers, public_url: str) -> None:
    """Set the gateway's addresses at the providers that want it done by hand in their consoles."""
    if messengers.whatsapp:
        # As the set-up page asks for: Twilio's own default gives up after one lost connection.
        messengers.whatsapp.webhooks.url = f"{public_url}/webhooks/whatsapp#rc=3&rp=all"
    if messengers.threema:
        messengers.threema.callbacks.url = f"{public_url}/webhooks/threema"


@asynccontextmanager
async def demo_gateway(
    messengers: Messengers, console_port: int = 0, *, phones: Clock | None = None
) -> AsyncIterator[App]:
    """A gateway with the sample content on these providers; gone without a trace afterwards.

    It shows the virtual phones where it is given the clock that they and it go by.
    """

    async def to_bot(channel: str, address: str) -> bool:
        return await give_back(app.database, channel, address)

    with TemporaryDirectory(prefix="zuruf-demo-") as folder:
        settings = load(write_config(Path(folder), messengers, console_port=console_port), {})
        app = App(
            settings,
            clock=phones,
            console_routes=routes(messengers.by_channel, phones, to_bot) if phones else (),
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
async def phones_and_gateway(port: int = 0) -> AsyncIterator[tuple[Messengers, App]]:
    """A gateway and the virtual phones' providers, with one clock for all."""
    clock = Clock()

    def now_s() -> float:
        return clock.now_ms() / 1000

    async with AsyncExitStack() as opened:
        messengers = Messengers(
            await opened.enter_async_context(FakeTelegram(clock=now_s)),
            await opened.enter_async_context(FakeTwilio(clock=now_s)),
            await opened.enter_async_context(FakeThreema(clock=now_s)),
        )
        if messengers.whatsapp:
            _approve_templates(messengers.whatsapp)
        yield messengers, await opened.enter_async_context(demo_gateway(messengers, port, phones=clock))


async def virtual_phones(port: int, stopped: asyncio.Event) -> None:
    """Serve the phones' page until `stopped`."""
    async with phones_and_gateway(port) as (_, app):
        address = f"http://127.0.0.1:{app.console_port}/phones"
        Console().print(f"The virtual phones are at [bold]{address}[/]  (Ctrl+C ends the demo)")
        await stopped.wait()


async def talk_in_terminal(language: str, lines: TextIO) -> None:
    """Talk to the demo's bot until the input ends."""
    async with FakeTelegram() as provider, demo_gateway(Messengers(provider)):
        await converse(provider, language, lines, Console())


def _approve_templates(provider: FakeTwilio) -> None:
    provider.approve(
        "answer_waiting",
        "de",
        "Guten Tag {{1}}, Ihre Antwort vom Rübenservice liegt bereit. Tippen Sie auf Lesen.",
    )
    provider.approve(
        "answer_waiting", "en", "Hello {{1}}, your answer from the beet service is ready. Tap to read it."
    )
    provider.approve("beet_letter", "de", "Der neue Rübenbrief für {{1}} ist da.", "MARKETING")


def write_config(
    folder: Path, messengers: Messengers, database: str = "", console_port: int = 0, more: str = ""
) -> Path:
    """A configuration file for a gateway on these providers, on free ports; they are told where it is.

    Each channel has the lines `more` as well.
    """
    server_port = free_port()
    filled = CONFIG.format(
        server_port=server_port,
        console_port=console_port or free_port(),
        database=database or f"sqlite:///{folder}/zuruf.db",
        folder=folder,
    )
    path = folder / "config.toml"
    path.write_text(filled + channels_config(messengers, more), "utf-8")
    point_at(messengers, f"http://127.0.0.1:{server_port}")
    return path


def free_port() -> int:
    """A port on loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
