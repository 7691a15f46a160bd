"""`zuruf quarantine list|retry`: authentic requests that could not be read."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.gateway import Gateway
from bot.quarantine import kept, let_go
from channels.channel import WebhookRequest
from channels.errors import Unreadable
from zuruf.app import App
from zuruf.settings import Settings
from zuruf.trouble import told_plainly

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
CONFIG = Path("config.toml")


def quarantine_commands(configured: Callable[[Path], Settings]) -> typer.Typer:
    """The commands, given how to read the settings."""
    app = typer.Typer(help="Requests that a messenger sent and nobody understood.", no_args_is_help=True)

    @app.command("list")
    @told_plainly
    def list_(config: ConfigOption = CONFIG) -> None:
        """Show when each came, on which channel, and why it was not understood; never its words."""
        asyncio.run(_with_gateway(configured(config), _list))

    @app.command()
    @told_plainly
    def retry(config: ConfigOption = CONFIG) -> None:
        """Read all of them once more, after an update say; a running gateway sends the answers."""
        asyncio.run(_with_gateway(configured(config), _retry))

    return app


async def _with_gateway(settings: Settings, work: Callable[[Gateway], Any]) -> None:
    app = App(settings)
    try:
        gateway = await app.assemble()
        gateway.hold()
        await work(gateway)
    finally:
        await app.stop()


async def _list(gateway: Gateway) -> None:
    grid = Table("Received (UTC)", "Channel", "Bytes", "Why", box=None, pad_edge=False)
    for row in await gateway.database.read(kept):
        received = datetime.fromtimestamp(row.received_at_ms / 1000, UTC)
        grid.add_row(f"{received:%Y-%m-%d %H:%M:%S}", row.channel, str(len(row.body)), row.reason)
    Console().print(grid if grid.rows else "Nothing is in quarantine.")


async def _retry(gateway: Gateway) -> None:
    rows = await gateway.database.read(kept)
    understood = [row.id for row in rows if await _understood(gateway, row)]
    await gateway.database.write(partial(let_go, ids=understood))
    Console().print(f"{len(understood)} of {len(rows)} understood this time.")


async def _understood(gateway: Gateway, row: Any) -> bool:
    channel = gateway.channels.get(row.channel)
    if channel is None:
        return False
    try:
        events = await channel.parse(WebhookRequest("POST", "", {}, row.body))
    except Unreadable:
        return False
    if events:
        await gateway.inbox.accept(row.channel, events)
    return True
