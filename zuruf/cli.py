"""The `zuruf` command."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import structlog
import typer
import uvloop
from rich.console import Console

from bot import logs
from bot.commits import DatabaseUnavailable
from bot.content_rules import ContentRules
from bot.database import open_database
from bot.lock import AlreadyRunning
from bot.migrations import NewerDatabase
from zuruf.app import App, content_rules, features
from zuruf.check import check_everything, show
from zuruf.content_commands import content_commands
from zuruf.faq_commands import faq_commands
from zuruf.quarantine_commands import quarantine_commands
from zuruf.settings import Settings, load
from zuruf.settings_errors import ConfigurationError

Parameters = ParamSpec("Parameters")
app = typer.Typer(
    name="zuruf",
    help="Messenger gateway for supplier service: FAQ, menus, newsletters and human agents.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(faq_commands, name="faq")
_errors = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path, typer.Option("--config", help="The configuration file; ZURUF_... variables override its keys.")
]
LogLevel = Annotated[str, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]
DEFAULT_CONFIG = Path("config.toml")
KNOWN_TROUBLE = (ConfigurationError, AlreadyRunning, NewerDatabase, DatabaseUnavailable)


def told_plainly(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """What an administrator can mend is said in words and ends with 1; only bugs show a traceback."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KNOWN_TROUBLE as trouble:
            _errors.print(str(trouble), style="red", markup=False)
            raise typer.Exit(1) from None
        except OSError as trouble:
            _errors.print(f"{trouble.strerror or trouble}", style="red", markup=False)
            raise typer.Exit(1) from None

    return run


@app.command()
@told_plainly
def serve(config: ConfigOption = DEFAULT_CONFIG, log_level: LogLevel = "INFO") -> None:
    """Run the gateway until it is told to stop (Ctrl+C, SIGTERM)."""
    settings = configured(config, log_level)
    for key in settings.unused():
        structlog.get_logger().warning("settings.unused", setting=key, hint="not used by this version")
    uvloop.run(until_stopped(lambda stopped: _serve(settings, stopped)))


@app.command()
@told_plainly
def demo(
    port: Annotated[int, typer.Option(help="Where the virtual phones open; 0 picks a free port.")] = 8081,
    log_level: LogLevel = "WARNING",
) -> None:
    """Try everything on this machine: sample content and virtual phones, no account anywhere."""
    from zuruf.demo.run import virtual_phones  # here: a gateway that serves has no use for the demo

    logs.configure(log_level)
    uvloop.run(until_stopped(lambda stopped: virtual_phones(port, stopped)))


@app.command()
@told_plainly
def chat(
    language: Annotated[str, typer.Option(help="What the phone reports: de or en.")] = "de",
    log_level: LogLevel = "ERROR",
) -> None:
    """Talk to the bot in the terminal, with the demo's content."""
    from zuruf.demo.run import talk_in_terminal

    logs.configure(log_level)
    uvloop.run(talk_in_terminal(language, sys.stdin))


@app.command()
@told_plainly
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Look at configuration, database, providers and clock; name what is wrong and the cure."""
    settings = configured(config, "ERROR")
    if not show(asyncio.run(check_everything(settings))):
        raise typer.Exit(1)


def configured(config: Path, log_level: str) -> Settings:
    """The settings, with logging set up and their secrets masked in it."""
    given = config if config != DEFAULT_CONFIG or config.exists() else None
    settings = load(given, os.environ)
    logs.configure(log_level, json=not sys.stderr.isatty())
    for secret in settings.secrets():
        logs.register_secret(secret)
    return settings


def _rules(config: Path) -> ContentRules:
    settings = configured(config, "ERROR")
    return content_rules(settings, features(settings))


app.add_typer(
    content_commands(_rules, lambda config: open_database(configured(config, "ERROR").storage.database)),
    name="content",
)
app.add_typer(quarantine_commands(lambda config: configured(config, "ERROR")), name="quarantine")


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
    app()
