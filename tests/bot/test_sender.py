"""The sender under refusals, pauses and stops, on both databases (R13, R25)."""

import asyncio
from pathlib import Path

from bot.database import Database
from channels.errors import SendError, SendErrorKind
from channels.message import OutboundMessage
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, settled, until


async def test_after_a_429_of_the_whole_channel_nothing_is_sent_before_its_time(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    channel.answer = lambda message: SendError(SendErrorKind.RETRY_AFTER, scope="channel", retry_after_s=600)
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "eins", "1")])
        await until(lambda: len(channel.tries) == 1)
        await until(lambda: not gateway.senders["test"].in_flight)
        for number in range(20):
            await gateway.inbox.accept("test", [said(f"p{number}", "zwei", f"k{number}")])
        await asyncio.sleep(0.3)  # time enough for a sender that does not wait
        assert len(channel.tries) == 1
    assert await rows(database, "SELECT count(*) FROM outbox WHERE state = 'queued'") == [(42,)]


async def test_a_429_of_one_chat_leaves_the_others_alone_and_is_made_up_for(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    refused: list[OutboundMessage] = []

    def busy_once(message: OutboundMessage) -> SendError | None:
        if message.to.value != "anna" or refused:
            return None
        refused.append(message)
        return SendError(SendErrorKind.RETRY_AFTER, scope="recipient", retry_after_s=0.5)

    channel.answer = busy_once
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "eins", "1")])
        await gateway.inbox.accept("test", [said("bert", "zwei", "2")])
        await until(lambda: len(channel.texts_to("bert")) == 2)
        assert channel.texts_to("anna") == []
        await settled(database)
    assert channel.texts_to("anna") == ["Guten Tag!", "echo eins"]


async def test_a_stopped_channel_is_told_and_loses_nothing(database: Database, tmp_path: Path) -> None:
    channel = ScriptedChannel()
    channel.answer = lambda message: SendError(SendErrorKind.STOP_CHANNEL, code="401", scope="channel")
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await until(lambda: gateway.troubles == {"channel test": "stop_channel (401)"})
        await until(lambda: not gateway.senders["test"].in_flight)
    assert await rows(database, "SELECT state, count(*) FROM outbox GROUP BY state") == [("queued", 2)]


async def test_a_bug_in_an_adapter_costs_one_message_and_no_other(database: Database, tmp_path: Path) -> None:
    channel = ScriptedChannel()

    def crash(message: OutboundMessage) -> None:
        if message.text == "echo kaputt":
            raise ValueError("a bug")

    channel.answer = crash
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for number, text in enumerate(("gut", "kaputt", "wieder gut")):
            await gateway.inbox.accept("test", [said("anna", text, str(number))])
        await settled(database)
    assert channel.texts_to("anna") == ["Guten Tag!", "echo gut", "echo wieder gut"]
    failed = await rows(database, "SELECT error_code FROM message WHERE status = 'failed'")
    assert failed == [("ValueError",)]


async def test_a_stop_waits_for_open_sends_and_records_them(database: Database, tmp_path: Path) -> None:
    channel = ScriptedChannel()
    channel.latency_s = 0.3
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await asyncio.gather(
            *(
                gateway.inbox.accept("test", [said(f"p{number}", "hallo", str(number))])
                for number in range(30)
            )
        )
        await until(lambda: len(channel.tries) == 30)
    assert len(channel.sent) == 30
    assert await rows(database, "SELECT count(*) FROM message WHERE status = 'sent'") == [(30,)]
    assert await rows(database, "SELECT DISTINCT state FROM outbox") == [("queued",)], "none is left in doubt"
