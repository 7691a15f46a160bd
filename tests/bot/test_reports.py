"""What providers report of messages that they took, in whatever order, and what follows from it."""

from pathlib import Path

import pytest

from bot.database import Database
from bot.gateway import Gateway
from bot.reports import apply_updates
from channels.errors import SendError, SendErrorKind
from channels.message import DeliveryState, DeliveryUpdate
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, settled, until

OUT = "SELECT id, status, error_kind, error_code, provider_id FROM message WHERE direction = 'out'"


async def answered(gateway: Gateway, database: Database) -> int:
    """Our id of the latest bubble that answered somebody's message."""
    await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
    await settled(database)
    return int((await rows(database, f"{OUT} ORDER BY position DESC LIMIT 1"))[0][0])


async def report(gateway: Gateway, key: str, message_id: int, state: DeliveryState, **more: str) -> None:
    update = DeliveryUpdate(f"report {key}", state, message_id=message_id, **more)
    await gateway.inbox.accept("test", [update])


async def status_of(database: Database, message_id: int) -> tuple[str, ...]:
    found = await rows(database, f"{OUT} AND id = {message_id}")
    return tuple(found[0][1:4])


async def test_a_report_cannot_name_a_message_of_another_channel(database: Database, tmp_path: Path) -> None:
    gateway = make_gateway(database, ScriptedChannel(), tmp_path)
    async with running(gateway):
        message_id = await answered(gateway, database)
        update = DeliveryUpdate("r1", DeliveryState.READ, message_id=message_id)
        again = await database.write(lambda connection: apply_updates(connection, "other", [update], 0, 0))
        assert not again
        assert await status_of(database, message_id) == ("sent", "", "")


async def test_states_only_move_forward_and_a_second_failure_erases_no_code(
    database: Database, tmp_path: Path
) -> None:
    gateway = make_gateway(database, ScriptedChannel(reports=True), tmp_path)
    async with running(gateway):
        message_id = await answered(gateway, database)
        failed = {"error_kind": "permanent_content", "error_code": "63005"}
        await report(gateway, "1", message_id, DeliveryState.FAILED, **failed)
        await report(gateway, "2", message_id, DeliveryState.FAILED)
        await report(gateway, "3", message_id, DeliveryState.SENT)
        assert await status_of(database, message_id) == ("failed", "permanent_content", "63005")


@pytest.mark.parametrize(
    ("kind", "reachable", "stopped"),
    [
        ("permanent_blocked", "blocked", False),
        ("permanent_recipient", "undeliverable", False),
        ("permanent_opt_out", "yes", True),
        ("permanent_content", "yes", False),
    ],
)
async def test_a_reported_failure_has_the_consequences_of_a_refused_send(
    database: Database, tmp_path: Path, kind: str, reachable: str, stopped: bool
) -> None:
    gateway = make_gateway(database, ScriptedChannel(reports=True), tmp_path)
    async with running(gateway):
        message_id = await answered(gateway, database)
        await report(gateway, "1", message_id, DeliveryState.FAILED, error_kind=kind, error_code="1")
        assert await status_of(database, message_id) == ("failed", kind, "1")
        assert await rows(database, "SELECT reachable FROM address") == [(reachable,)]
        assert await rows(database, "SELECT stopped_at_ms IS NOT NULL FROM contact") == [(stopped,)]


async def test_what_failed_for_a_while_is_sent_once_more_and_only_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.SEND_AGAIN_AFTER_MS", 0)
    channel = ScriptedChannel(reports=True)
    gateway = make_gateway(database, channel, tmp_path)
    busy = {"error_kind": "retry_after", "error_code": "63018"}
    async with running(gateway):
        message_id = await answered(gateway, database)
        first = f"p{message_id}"
        await report(gateway, "1", message_id, DeliveryState.FAILED, provider_id=first, **busy)
        await until(lambda: channel.texts_to("anna").count("echo hallo") == 2)
        await settled(database)
        assert (await status_of(database, message_id))[0] == "sent"
        # The provider repeats itself about the first try; the second has an id of its own.
        await report(gateway, "2", message_id, DeliveryState.FAILED, provider_id="p-of-another-try", **busy)
        assert (await status_of(database, message_id))[0] == "sent"
        await report(gateway, "3", message_id, DeliveryState.FAILED, provider_id=first, **busy)
        assert await status_of(database, message_id) == ("failed", "retry_after", "63018")
    assert channel.texts_to("anna").count("echo hallo") == 2


async def test_an_answer_that_would_come_after_newer_ones_is_not_sent_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.SEND_AGAIN_AFTER_MS", 0)
    channel = ScriptedChannel(reports=True)
    gateway = make_gateway(database, channel, tmp_path)
    async with running(gateway):
        message_id = await answered(gateway, database)
        await gateway.inbox.accept("test", [said("anna", "noch was", "2")])
        await settled(database)
        await report(
            gateway, "1", message_id, DeliveryState.FAILED, error_kind="retry_few", error_code="63012"
        )
        assert (await status_of(database, message_id))[0] == "failed"
    assert channel.texts_to("anna").count("echo hallo") == 1


async def test_a_report_that_is_quicker_than_our_time_out_settles_the_send(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel(reports=True)
    channel.latency_s = 0.3
    channel.answer = lambda message: SendError(SendErrorKind.RETRY_UNKNOWN, code="cut", maybe_sent=True)
    gateway = make_gateway(database, channel, tmp_path)
    async with running(gateway):
        await gateway.inbox.accept("test", [said("anna", "hallo", "1")])
        await until(lambda: len(channel.tries) == 1)
        await report(gateway, "1", channel.tries[0].message_id, DeliveryState.SENT)
        await until(lambda: len(channel.tries) == 2)
        assert await status_of(database, channel.tries[0].message_id) == ("sent", "", "")


async def test_reports_of_one_batch_are_folded_in_their_order(database: Database, tmp_path: Path) -> None:
    gateway = make_gateway(database, ScriptedChannel(reports=True), tmp_path)
    async with running(gateway):
        message_id = await answered(gateway, database)
        states = (DeliveryState.READ, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED)
        updates = [
            DeliveryUpdate(f"report {state}", state, f"p{message_id}", message_id, error_kind="retry_few")
            for state in states
        ]
        await gateway.inbox.accept("test", [*updates, DeliveryUpdate("nobody's", DeliveryState.READ, "p0")])
        assert await status_of(database, message_id) == ("read", "", "")


async def test_a_failure_that_is_reported_before_the_sends_own_answer_costs_no_message(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.SEND_AGAIN_AFTER_MS", 500)
    channel = ScriptedChannel(reports=True)
    gateway = make_gateway(database, channel, tmp_path)
    async with running(gateway):
        await answered(gateway, database)
        channel.latency_s = 0.3
        await gateway.inbox.accept("test", [said("anna", "noch was", "2")])
        await until(lambda: len(channel.tries) == 3)
        message_id = channel.tries[-1].message_id
        busy = {"error_kind": "retry_after", "error_code": "63018"}
        await report(gateway, "1", message_id, DeliveryState.FAILED, provider_id=f"p{message_id}", **busy)
        await until(lambda: channel.texts_to("anna").count("echo noch was") == 2)
        await settled(database)
        assert (await status_of(database, message_id))[0] == "sent"
