"""Secrets, words, names and numbers through everything at DEBUG: none of them in any log (S15)."""

import io
import json
import logging
import sys
from asyncio import create_subprocess_exec, subprocess, wait_for
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot import logs
from bot.dialog import Dialog, Outcome, Turn
from tests.zuruf.whole_app import SECRET_HEADER, SIGNED, Whole, running_app, update, write_config
from zuruf.demo.providers.faults import Answer, Fault
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.settings import Settings, load

TOKEN = "88000000001:AAcanary_token-7f3d91c2b8e6a405"
WEBHOOK_SECRET = "canary-webhook-secret-51c9"
HASH_KEY = "canary-hash-key-c0ffee-0123456789abcdef"
TEXT = "Kanarienwort Zuckerhut"
NAME = "Kanarienvogelin"
PHONE = "+4915799900123"
CHAT = 99_123_456_789
CANARIES = [
    *(TOKEN, TOKEN.partition(":")[2], WEBHOOK_SECRET, HASH_KEY),
    *("Kanarienwort", "Zuckerhut", NAME, PHONE, PHONE[1:], str(CHAT), "canary"),
]
MORE = f'[privacy]\nhash_key = "{HASH_KEY}"\n'


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged at DEBUG, by us and by libraries."""
    stream = io.StringIO()
    before = structlog.get_config(), logging.getLogger().handlers, logging.getLogger().level
    logs.configure("DEBUG", json=True, stream=stream)
    yield stream
    structlog.configure(**before[0])
    logging.getLogger().handlers, level = before[1], before[2]
    logging.getLogger().setLevel(level)


def hits(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary.lower() in text.lower()]


async def test_a_whole_dialog_with_everything_going_wrong_leaves_no_trace_in_the_log(
    log: io.StringIO, tmp_path: Path, database_url: str
) -> None:
    async with FakeTelegram(TOKEN, time_scale=0.02) as provider:
        settings = configured(tmp_path, provider, database_url)
        async with running_app(settings, provider) as whole:
            await live_through_everything(whole)
    written = log.getvalue()
    events = {json.loads(line)["event"] for line in written.splitlines()}
    assert events >= {"gateway.started", "webhook.rejected", "webhook.unreadable", "send.failed"}
    assert "turn.crashed" in events
    assert events & {"webhook.not_stored", "webhook.not_storable"}, "the broken database was noticed"
    assert hits(written) == []


def configured(folder: Path, provider: FakeTelegram, database_url: str) -> Settings:
    path = write_config(folder, provider, database_url, MORE, token=TOKEN, secret=WEBHOOK_SECRET)
    settings = load(path, {})
    for secret in settings.secrets():
        logs.register_secret(secret)
    return settings


async def live_through_everything(whole: Whole) -> None:
    provider = whole.provider
    signed = {**SIGNED, SECRET_HEADER: WEBHOOK_SECRET}
    chat = provider.chat(CHAT, NAME)
    provider.faults.plan(
        Fault(answer=Answer(500, TEXT.encode()), methods=frozenset({"sendMessage"})),
        Fault(cuts=True, methods=frozenset({"sendMessage"})),
        Fault(loses_reply=True, methods=frozenset({"sendMessage"})),
    )
    await provider.until(lambda: provider.updates.webhook is not None)
    provider.say(chat, TEXT)
    provider.send_photo(chat, b"no picture", TEXT)
    provider.send_contact(chat, PHONE, NAME)
    provider.send_location(chat, 49.79, 9.95)
    provider.say(chat, f"rufen Sie mich an: {PHONE}")
    await provider.until(lambda: len(chat.from_bot) > 2 and not provider.updates.pending, 20)
    provider.block(chat)
    await provider.until(lambda: not provider.updates.pending)
    assert await whole.post(f'{{"update_id": "{TEXT}{PHONE}"'.encode(), signed) == 200
    assert await whole.post({"update_id": 1, "message": {"text": TEXT, "chat": NAME}}, signed) == 200
    assert await whole.post(update(5, TEXT), {SECRET_HEADER: f"{WEBHOOK_SECRET}x"}) == 403
    logging.getLogger("somebody").warning("sent %s to %s", TEXT, PHONE)
    await crash_a_turn(whole, signed)
    await break_the_database(whole, signed)


async def crash_a_turn(whole: Whole, signed: dict[str, str]) -> None:
    def boom(turn: Turn) -> Outcome:
        raise ValueError(f"{turn.text} {PHONE} {TOKEN}")

    whole.app.gateway.inbox._dialog = Dialog((boom,), {}, {})  # no words are known that crash a real step
    assert await whole.post(update(6, TEXT, CHAT), signed) == 200


async def break_the_database(whole: Whole, signed: dict[str, str]) -> None:
    await whole.app.database.write(
        lambda connection: connection.exec_driver_sql("ALTER TABLE seen RENAME TO elsewhere").rowcount
    )
    assert await whole.post(update(7, TEXT, CHAT), signed) in (500, 503)


async def test_the_served_gateway_writes_none_of_it_to_its_standard_error(
    tmp_path: Path, database_url: str
) -> None:
    async with FakeTelegram(TOKEN, time_scale=0.02) as provider:
        path = write_config(tmp_path, provider, database_url, MORE, token=TOKEN, secret=WEBHOOK_SECRET)
        command = ("-m", "zuruf", "serve", "--config", str(path), "--log-level", "DEBUG")
        serving = await create_subprocess_exec(
            sys.executable, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            await provider.until(lambda: provider.updates.webhook is not None, 30)
            provider.faults.plan(Fault(answer=Answer(500, TEXT.encode()), methods=frozenset({"sendMessage"})))
            chat = provider.chat(CHAT, NAME)
            provider.say(chat, TEXT)
            provider.send_contact(chat, PHONE, NAME)
            await provider.until(lambda: len(chat.from_bot) > 1, 20)
            serving.terminate()
            written, _ = await wait_for(serving.communicate(), 30)
        finally:
            if serving.returncode is None:
                serving.kill()
                await serving.wait()
    assert b"gateway.started" in written
    assert b"send.failed" in written
    assert hits(written.decode()) == []
    assert serving.returncode == 0
