"""Requests that wait for a key: kept for good, opened in order, acted on once."""

import asyncio
from pathlib import Path

import pytest

from bot.database import Database
from channels.errors import SendError, SendErrorKind, Unreadable
from channels.message import Event, SealedEvent
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, until

SEALED = "SELECT count(*) FROM sealed"


class SealingChannel(ScriptedChannel):
    """Opens nothing until its provider hands out the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.keys_are_away = True
        self.tried = 0

    async def unseal(self, body: bytes) -> list[Event]:
        self.tried += 1
        if body == b"nonsense":
            raise Unreadable("no key opens it")
        if self.keys_are_away:
            raise SendError(SendErrorKind.RETRY_FEW, code="503")
        return [said("anna", body.decode(), body.decode())]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.unsealing.back_off_ms", lambda attempts: 50)
    monkeypatch.setattr("bot.unsealing.IDLE_S", 0.05)


def sealed(text: str, sender: str = "anna") -> SealedEvent:
    return SealedEvent(f"sealed:{text}", sender, text.encode())


async def test_what_is_sealed_is_kept_until_it_can_be_opened_and_then_answered_in_order(
    database: Database, tmp_path: Path
) -> None:
    channel = SealingChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for text in ("eins", "zwei", "zwei", "drei"):
            await gateway.inbox.accept("test", [sealed(text)])
        assert await rows(database, SEALED) == [(3,)], "a redelivery is recognised while it is sealed"
        await gateway.inbox.accept("test", [sealed("nonsense", "bert")])
        await until(lambda: channel.tried > 3)
        assert await rows(database, "SELECT count(*) FROM quarantine") == [(1,)], "others do not wait"
        channel.keys_are_away = False
        await until(lambda: len(channel.texts_to("anna")) == 4)
        await gateway.inbox.accept("test", [said("anna", "zwei", "zwei")])
        assert await rows(database, SEALED) == [(0,)]
    assert channel.texts_to("anna") == ["Guten Tag!", "echo eins", "echo zwei", "echo drei"]


async def test_what_no_key_opens_goes_to_the_quarantine_and_holds_nothing_up(
    database: Database, tmp_path: Path
) -> None:
    channel = SealingChannel()
    channel.keys_are_away = False
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [sealed("nonsense"), sealed("danach")])
        await until(lambda: "echo danach" in channel.texts_to("anna"))
        assert await rows(database, "SELECT reason, body FROM quarantine") == [
            ("no key opens it", b"nonsense")
        ]


async def test_a_provider_that_never_hands_out_the_key_leaves_the_request_to_a_person(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.unsealing.MOST_TRIES", 2)
    channel = SealingChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [sealed("hallo")])
        while not await rows(database, "SELECT 1 FROM quarantine"):
            await asyncio.sleep(0.02)
        assert await rows(database, SEALED) == [(0,)]
    assert channel.tried == 3
