"""Reliability of the core in its fast form: R1, R3-R7, R15, on both databases."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from bot.database import Database
from bot.delivery import abandon_sends, take_back
from bot.outbox import claim
from bot.sender import real_now_ms
from channels.errors import SendError, SendErrorKind
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Identifier,
    MessageEdited,
    OutboundMessage,
    ReachabilityChanged,
    ReactionChanged,
    Sender,
    UnreadableEvent,
)
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, settled, until

STATUSES = "SELECT status FROM message WHERE direction = 'out' ORDER BY position"


@pytest.fixture
def channel() -> ScriptedChannel:
    return ScriptedChannel()


async def test_a_message_is_stored_and_answered(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await until(lambda: len(channel.sent) == 2)
        await settled(database)
    assert channel.texts_to("anna") == ["Guten Tag!", "echo hallo"]
    stored = await rows(database, "SELECT position, direction, text, status FROM message ORDER BY position")
    assert stored == [
        (1, "in", "hallo", "received"),
        (2, "out", "Guten Tag!", "sent"),
        (3, "out", "echo hallo", "sent"),
    ]


async def test_parallel_copies_of_a_webhook_are_acted_on_once_by_two_processes(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    first = make_gateway(database, channel, tmp_path)
    second = make_gateway(database, channel, tmp_path) if database.is_postgresql else first
    messages = [said(f"p{number % 20}", f"m{number}", str(number)) for number in range(100)]
    async with running(first), running(second) if second is not first else running(first):
        copies = [
            gateway.inbox.accept("test", [message]) for message in messages for gateway in (first, second) * 5
        ]
        await asyncio.gather(*copies)
        await settled(database)
    assert await rows(database, "SELECT count(*) FROM message WHERE direction = 'in'") == [(100,)]
    assert sorted(m.text for m in channel.sent if m.text.startswith("echo")) == sorted(
        f"echo m{number}" for number in range(100)
    )


async def test_a_new_contact_who_writes_five_times_at_once_has_one_conversation(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    gateways = [make_gateway(database, channel, tmp_path) for _ in range(2 if database.is_postgresql else 1)]
    messages = [said(f"p{number // 5}", "hallo", str(number)) for number in range(250)]
    await asyncio.gather(
        *(
            gateways[number % len(gateways)].inbox.accept("test", [message])
            for number, message in enumerate(messages)
        )
    )
    assert await rows(database, "SELECT count(*) FROM conversation") == [(50,)]
    assert await rows(database, "SELECT count(*) FROM contact") == [(50,)]
    assert await rows(database, "SELECT count(*) FROM message WHERE direction = 'in'") == [(250,)]


async def test_the_order_in_a_chat_survives_retries(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    failures: Iterator[bool] = iter([True, False, True, False, False] * 200)

    def sometimes_busy(message: OutboundMessage) -> SendError | None:
        busy = SendError(SendErrorKind.RETRY_AFTER, retry_after_s=0.01, scope="recipient")
        return busy if message.text.endswith("7") and next(failures) else None

    channel.answer = sometimes_busy
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for number in range(20):
            await asyncio.gather(
                *(
                    gateway.inbox.accept("test", [said(f"p{chat}", str(number), f"{chat}-{number}")])
                    for chat in range(10)
                )
            )
        await settled(database)
    for chat in range(10):
        assert channel.texts_to(f"p{chat}")[1:] == [f"echo {number}" for number in range(20)]


async def test_a_crashing_message_goes_to_a_person_and_the_rest_are_answered(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    messages = [said(f"p{n}", "boom" if n % 10 == 0 else "gut", str(n)) for n in range(100)]
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await asyncio.gather(*(gateway.inbox.accept("test", [message]) for message in messages))
        await settled(database)
    waiting = await rows(database, "SELECT waiting_reason, urgent FROM conversation WHERE mode = 'waiting'")
    assert [(reason, bool(urgent)) for reason, urgent in waiting] == [("crashed", True)] * 10
    assert sum(message.text == "echo gut" for message in channel.sent) == 90
    assert sum(message.text == "Ein Mensch kümmert sich." for message in channel.sent) == 10


async def test_a_reply_whose_fate_is_unclear_is_sent_again_once(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    lost = SendError(SendErrorKind.RETRY_UNKNOWN, code="cut", maybe_sent=True)
    channel.answer = lambda message: lost
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await settled(database)
    assert len(channel.tries) == 4, "two bubbles, each tried twice"
    statuses = await rows(database, "SELECT DISTINCT status FROM message WHERE direction = 'out'")
    assert statuses == [("unclear",)]


async def test_a_status_report_settles_an_unclear_send(database: Database, tmp_path: Path) -> None:
    channel = ScriptedChannel(reports=True)
    channel.answer = lambda message: SendError(SendErrorKind.RETRY_UNKNOWN, maybe_sent=True)
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await until(lambda: len(channel.tries) == 1)
        first = channel.tries[0].message_id
        report = DeliveryUpdate("s1", DeliveryState.DELIVERED, provider_id="SM1", message_id=first)
        await gateway.inbox.accept("test", [report])
        status = await rows(database, f"SELECT status, provider_id FROM message WHERE id = {first}")
        assert status == [("delivered", "SM1")]
        assert not await rows(database, f"SELECT 1 FROM outbox WHERE message_id = {first}")


async def test_delivery_status_only_moves_forward(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await settled(database)
        message_id = channel.sent[0].message_id
        for number, state in enumerate((DeliveryState.READ, DeliveryState.SENT, DeliveryState.FAILED)):
            update = DeliveryUpdate(f"s{number}", state, message_id=message_id, error_code="1")
            await gateway.inbox.accept("test", [update])
    stored = await rows(database, f"SELECT status, error_code FROM message WHERE id = {message_id}")
    assert stored == [("read", "")]


async def test_what_a_killed_process_was_sending_is_sent_by_the_next(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    channel.latency_s = 60
    killed = make_gateway(database, channel, tmp_path)
    await killed.start()
    await killed.inbox.accept("test", [said("anna", "hallo", "1")])
    await until(lambda: len(channel.tries) == 1)
    for sender in killed.senders.values():
        for task in sender._open.values():
            task.cancel()
    await rows(database, "SELECT 1")
    if database.is_postgresql:  # elsewhere the next process knows that it is alone
        await database.write(abandon_sends)
    channel.latency_s = 0
    async with running(make_gateway(database, channel, tmp_path)):
        await settled(database)
    with suppress(asyncio.CancelledError):
        await killed.stop()
    assert channel.texts_to("anna") == ["Guten Tag!", "echo hallo"]


async def test_a_blocked_contact_gets_no_more_until_they_write_again(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    channel.answer = lambda message: SendError(SendErrorKind.BLOCKED, code="403", scope="recipient")
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await settled(database)
        assert await rows(database, "SELECT reachable FROM address") == [("blocked",)]
        statuses = await rows(database, STATUSES)
        assert statuses == [("failed",), ("cancelled",)]
        channel.answer = lambda message: None
        await gateway.inbox.accept("test", [said("anna", "wieder da", "2")])
        await settled(database)
    assert await rows(database, "SELECT reachable FROM address") == [("yes",)]
    assert channel.texts_to("anna") == ["echo wieder da"]


async def test_the_rest_of_a_split_answer_is_cancelled_when_one_part_fails(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    parts = iter([None, None, SendError(SendErrorKind.PERMANENT_CONTENT, code="400")])
    channel.answer = lambda message: next(parts, None)
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "wort " * 100, "1")])
        await settled(database)
    statuses = await rows(database, STATUSES)
    assert statuses == [("sent",), ("sent",), ("failed",), ("cancelled",)]


async def test_edits_reactions_and_blocking_are_written_down(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    anna = Sender((Identifier("chat", "anna"),))
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        edited = MessageEdited("2", anna, "in-1", "hallo")
        await gateway.inbox.accept("test", [said("anna", "halo", "1"), edited])
        await settled(database)
        bubble = channel.sent[0].message_id
        await gateway.inbox.accept("test", [ReactionChanged("3", anna, f"p{bubble}", "👍")])
        await gateway.inbox.accept("test", [ReachabilityChanged("4", anna, reachable=False)])
        stranger = Sender((Identifier("chat", "x"),))
        await gateway.inbox.accept("test", [ReachabilityChanged("5", stranger, reachable=False)])
    stored = await rows(database, "SELECT text, extra FROM message WHERE direction = 'in'")
    assert stored[0][0] == "hallo"
    assert "halo" in str(stored[0][1])
    assert "👍" in str(await rows(database, f"SELECT extra FROM message WHERE id = {bubble}"))
    assert await rows(database, "SELECT reachable FROM address") == [("blocked",)]


async def test_unreadable_events_are_kept_once(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    gateway = make_gateway(database, channel, tmp_path)
    for _ in range(2):
        await gateway.inbox.accept("test", [UnreadableEvent("u1", "not JSON", b"{")])
    assert await rows(database, "SELECT channel, reason FROM quarantine") == [("test", "not JSON")]


async def test_nul_and_lone_surrogates_are_stored_clean(
    database: Database, channel: ScriptedChannel, tmp_path: Path
) -> None:
    gateway = make_gateway(database, channel, tmp_path)
    await gateway.inbox.accept("test", [said("anna", "a\0b\ud800c", "1")])
    assert await rows(database, "SELECT text FROM message WHERE direction = 'in'") == [("ab\ufffdc",)]


async def test_a_tap_is_acknowledged(database: Database, channel: ScriptedChannel, tmp_path: Path) -> None:
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", [said("anna", "", "1", choice="x.1", tap_id="tap")])
        await until(lambda: channel.taps == ["tap"])


async def test_what_a_lost_commit_left_behind_is_sent_by_its_own_gateway(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel(rate=0.001)  # nothing beyond the first burst is sent at once
    gateway = make_gateway(database, channel, tmp_path)
    gateway.hold()
    await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
    now_ms = real_now_ms()
    claimed = await database.write(partial(claim, channel="test", now_ms=now_ms, most=9, owner=7))
    [message_id] = [job.message.message_id for job in claimed]

    async def taken_back(owner: int, later_ms: int, under_way: Collection[int] = ()) -> int:
        work = partial(take_back, channel="test", now_ms=now_ms + later_ms, owner=owner, under_way=under_way)
        return await database.write(work)

    assert await taken_back(owner=8, later_ms=6_000) == 0, "another gateway may be sending it"
    assert await taken_back(owner=7, later_ms=1_000) == 0, "its commit may only just have ended"
    assert await taken_back(owner=7, later_ms=6_000, under_way=[message_id]) == 0, "it is being sent"
    assert await taken_back(owner=7, later_ms=6_000) == 1
    states = await rows(database, f"SELECT state, resent FROM outbox WHERE message_id = {message_id}")
    assert [(state, bool(resent)) for state, resent in states] == [("queued", False)]
