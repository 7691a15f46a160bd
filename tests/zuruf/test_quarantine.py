"""What to do with requests that nobody understood."""

import asyncio
from pathlib import Path

from typer.testing import CliRunner

from bot.database import open_database
from bot.quarantine import kept
from channels.message import UnreadableEvent
from tests.bot.scripted import rows
from zuruf.app import App
from zuruf.cli import app
from zuruf.settings import load

CONFIG = """
[storage]
database = "sqlite:///{folder}/zuruf.db"
media = "{folder}/media"
[channels.telegram]
kind = "telegram"
token = "88000000001:AAtest_token-0000000000"
webhook_secret = "secret"
"""
READABLE = (
    b'{"update_id":7,"message":{"message_id":1,"date":1790000000,"text":"ganz geheim",'
    b'"from":{"id":5,"is_bot":false,"first_name":"N"},"chat":{"id":5,"type":"private","first_name":"N"}}}'
)


async def test_a_request_that_an_update_understands_is_acted_on_and_leaves(tmp_path: Path) -> None:
    config = await _quarantined(tmp_path, READABLE, b"{")
    listed = await _zuruf("list", config)
    assert "telegram" in listed
    assert "geheim" not in listed
    assert "1 of 2" in await _zuruf("retry", config)
    database = open_database(f"sqlite:///{tmp_path}/zuruf.db")
    try:
        assert [bytes(row.body) for row in await database.read(kept)] == [b"{"]
        assert await rows(database, "SELECT text FROM message WHERE direction = 'in'") == [("ganz geheim",)]
        states = await rows(database, "SELECT DISTINCT state FROM outbox")
        assert states == [("queued",)], "the sending is left to the gateway that runs"
    finally:
        await database.close()


async def test_an_empty_quarantine_says_so(tmp_path: Path) -> None:
    assert "Nothing" in await _zuruf("list", await _quarantined(tmp_path))


async def _quarantined(folder: Path, *bodies: bytes) -> Path:
    config = folder / "config.toml"
    config.write_text(CONFIG.format(folder=folder))
    gateway_app = App(load(config, {}))
    gateway = await gateway_app.assemble()
    for number, body in enumerate(bodies):
        await gateway.inbox.accept("telegram", [UnreadableEvent(f"u{number}", "not understood", body)])
    await gateway_app.stop()
    return config


async def _zuruf(command: str, config: Path) -> str:
    arguments = ["quarantine", command, "--config", str(config)]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    return result.output
