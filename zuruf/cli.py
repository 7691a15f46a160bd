"""The `zuruf` command."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvloop

from bot import logs
from bot.content_rules import ContentRules
from bot.database import open_database
from zuruf.app import App, content_rules, features
from zuruf.check import check_everything, show
from zuruf.content_commands import content_commands
from zuruf.faq_commands import faq_commands
from zuruf.quarantine_commands import quarantine_commands
from zuruf.settings import Settings, load
from zuruf.settings_sources import PREFIX
from zuruf.trouble import told_plainly

app = typer.Typer(
    name="zuruf",
    help="Messenger gateway for supplier service: FAQ, menus, newsletters and human agents.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(faq_commands, name="faq")


class Level(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


ConfigOption = Annotated[
    Path, typer.Option("--config", help="The configuration file; ZURUF_... variables override its keys.")
]
LogLevel = Annotated[Level, typer.Option("--log-level", case_sensitive=False, help="How much is logged.")]
DEFAULT_CONFIG = Path("config.toml")
OWNER_ONLY = 0o077


@app.command()
@told_plainly
def serve(config: ConfigOption = DEFAULT_CONFIG, log_level: LogLevel = Level.INFO) -> None:
    """Run the gateway until it is told to stop (Ctrl+C, SIGTERM)."""
    settings = configured(config, log_level)
    for key in settings.unused():
        structlog.get_logger().warning("settings.unused", setting=key, hint="not used by this version")
    uvloop.run(until_stopped(lambda stopped: _serve(settings, stopped)))


@app.command()
@told_plainly
def demo(
    port: Annotated[int, typer.Option(help="Where the virtual phones open; 0 picks a free port.")] = 8081,
    log_level: LogLevel = Level.WARNING,
) -> None:
    """Try everything on this machine: sample content and virtual phones, no account anywhere."""
    from zuruf.demo.run import virtual_phones  # here: a gateway that serves has no use for the demo

    logs.configure(log_level)
    uvloop.run(until_stopped(lambda stopped: virtual_phones(port, stopped)))


@app.command()
@told_plainly
def chat(
    language: Annotated[str, typer.Option(help="What the phone reports: de or en.")] = "de",
    log_level: LogLevel = Level.ERROR,
) -> None:
    """Talk to the bot in the terminal, with the demo's content."""
    from zuruf.demo.run import talk_in_terminal

    logs.configure(log_level)
    uvloop.run(talk_in_terminal(language, sys.stdin))


@app.command()
@told_plainly
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Look at configuration, database, providers and clock; name what is wrong and the cure."""
    settings = configured(config, Level.ERROR)
    if not show(asyncio.run(check_everything(settings))):
        raise typer.Exit(1)


def configured(config: Path, log_level: str) -> Settings:
    """The settings, with logging set up and their secrets masked in it.

    Without a file they may come from the environment alone; with neither, somebody is in the wrong folder.
    """
    from_environment = not config.exists() and any(name.startswith(PREFIX) for name in os.environ)
    settings = load(None if config == DEFAULT_CONFIG and from_environment else config, os.environ)
    logs.configure(log_level, json=not sys.stderr.isatty())
    for secret in settings.secrets():
        logs.register_secret(secret)
    return settings


def _rules(config: Path) -> ContentRules:
    """What content has to keep to; files can also be checked where no gateway is installed."""
    missing = config == DEFAULT_CONFIG and not config.exists()
    settings = load(None, os.environ) if missing else configured(config, Level.ERROR)
    return content_rules(settings, features(settings))


app.add_typer(
    content_commands(_rules, lambda config: open_database(configured(config, Level.ERROR).storage.database)),
    name="content",
)
app.add_typer(quarantine_commands(lambda config: configured(config, Level.ERROR)), name="quarantine")


async def until_stopped(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run something with an event that Ctrl+C and SIGTERM set."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await run(stopped)


def settle_memory() -> None:
    """Take what was loaded at start out of the garbage collector's sight.

    It stays until the end, and looking through it again and again would stop all answering for up to a
    tenth of a second each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _serve(settings: Settings, stopped: asyncio.Event) -> None:
    gateway = App(settings)
    await gateway.start()
    settle_memory()
    try:
        await stopped.wait()
    finally:
        await gateway.stop()


def main() -> None:
    """The entry point of the installed command."""
    os.umask(OWNER_ONLY)  # the database and the media folder are full of people's words
    app()
