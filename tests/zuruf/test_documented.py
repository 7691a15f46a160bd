"""No command and no route without a line about it; settings have `test_settings_documents.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer
from aiohttp import web

from tests.zuruf.whole_app import write_config
from zuruf.app import App
from zuruf.cli import app as commands
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.settings import load

DOCS = Path(__file__).parents[2] / "docs"


def leaf_commands(group: typer.Typer, above: str = "zuruf") -> Iterator[tuple[str, str]]:
    """Every command that can be typed, with what it says of itself."""
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        yield f"{above} {name}", command.help or command.callback.__doc__ or ""
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from leaf_commands(below.typer_instance, f"{above} {below.name}")


def test_every_command_is_documented_and_nothing_else() -> None:
    document = (DOCS / "commands.md").read_text("utf-8")
    documented = {re.sub(r" [A-Z]+", "", name) for name in re.findall(r"(?m)^\| `(zuruf [^`]+)`", document)}
    assert documented == {name for name, _ in leaf_commands(commands)}


def test_every_command_explains_itself() -> None:
    assert [name for name, explanation in leaf_commands(commands) if not explanation] == []


async def test_every_route_is_documented_and_nothing_else(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        app = App(load(write_config(tmp_path, provider, f"sqlite:///{tmp_path}/zuruf.db"), {}))
        await app.start()
        live = {"server": set(routes(app.server)), "console": set(routes(app.console))}
        await app.stop()
    document = (DOCS / "routes.md").read_text("utf-8")
    for port, found in live.items():
        section = document.partition(f"## `[{port}]`")[2].partition("\n## ")[0]
        assert set(re.findall(r"`((?:GET|POST|PUT|DELETE) [^`]+)`", section)) == found


def routes(application: web.Application) -> Iterator[str]:
    for route in application.router.routes():
        if route.method != "HEAD" and route.resource:
            static = isinstance(route.resource, web.StaticResource)
            yield f"{route.method} {route.resource.canonical}{'/...' if static else ''}"
