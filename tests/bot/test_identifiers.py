"""One person under several names of one messenger: a phone number, a business-scoped id, or both."""

from pathlib import Path

import pytest

from bot.database import Database
from channels.message import Identifier, InboundMessage, Sender
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, settled

PHONE, HIDDEN = Identifier("phone", "+493023125002"), Identifier("bsuid", "DE.100000000000000000002")
NAMES = "SELECT kind, value FROM address_identifier ORDER BY kind"


def from_(key: str, *identifiers: Identifier) -> InboundMessage:
    return InboundMessage(key, Sender(identifiers, "Tom"), f"in-{key}", 1, text=key)


async def test_a_number_that_comes_with_an_id_is_found_again_by_the_id_alone(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for message in (from_("eins", PHONE), from_("zwei", PHONE, HIDDEN), from_("drei", HIDDEN)):
            await gateway.inbox.accept("test", [message])
            await settled(database)
    assert await rows(database, "SELECT count(*) FROM conversation") == [(1,)]
    assert await rows(database, NAMES) == [("bsuid", HIDDEN.value), ("phone", PHONE.value)]
    answered = [(message.text, message.to) for message in channel.sent[1:]]
    assert answered == [("echo eins", PHONE), ("echo zwei", PHONE), ("echo drei", HIDDEN)]


async def test_a_number_and_an_id_that_turn_out_to_be_one_person_become_one_contact(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for message in (from_("eins", HIDDEN), from_("zwei", PHONE), from_("drei", PHONE, HIDDEN)):
            await gateway.inbox.accept("test", [message])
            await settled(database)
        await gateway.inbox.accept("test", [from_("vier", HIDDEN)])
        await settled(database)
    assert await rows(database, "SELECT count(*) FROM contact") == [(1,)]
    assert await rows(database, "SELECT count(DISTINCT address_id) FROM address_identifier") == [(1,)]
    asked_in = "SELECT conversation_id FROM message WHERE direction = 'in' ORDER BY id"
    first, *later = [row[0] for row in await rows(database, asked_in)]
    assert later == [later[0]] * 3
    assert first != later[0], "what was said before stays where it was said"


async def test_strangers_with_two_names_who_arrive_in_one_batch_are_one_person(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    messages = [from_("eins", HIDDEN), from_("zwei", PHONE, HIDDEN), from_("drei", PHONE)]
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await gateway.inbox.accept("test", messages)
        await settled(database)
    assert await rows(database, "SELECT count(*) FROM contact") == [(1,)]
    assert await rows(database, "SELECT count(DISTINCT address_id) FROM address_identifier") == [(1,)]
    assert sorted(m.text for m in channel.sent if m.text.startswith("echo")) == [
        "echo drei",
        "echo eins",
        "echo zwei",
    ]


@pytest.mark.parametrize("stopped", [PHONE, HIDDEN])
async def test_a_stop_under_either_name_holds_for_both(
    database: Database, tmp_path: Path, stopped: Identifier
) -> None:
    channel = ScriptedChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for message in (from_("eins", HIDDEN), from_("zwei", PHONE)):
            await gateway.inbox.accept("test", [message])
        whose = (
            "UPDATE contact SET stopped_at_ms = 5 WHERE id = (SELECT a.contact_id FROM address a JOIN"
            f" address_identifier i ON i.address_id = a.id WHERE i.kind = '{stopped.kind}')"
        )
        await database.write(lambda connection: connection.exec_driver_sql(whose).rowcount)
        await gateway.inbox.accept("test", [from_("drei", PHONE, HIDDEN)])
        await settled(database)
    assert await rows(database, "SELECT stopped_at_ms FROM contact") == [(5,)]


@pytest.mark.parametrize(("before", "after"), [("waiting", "bot"), ("agent", "agent")])
async def test_who_waits_for_a_person_under_one_name_goes_on_waiting_under_both(
    database: Database, tmp_path: Path, before: str, after: str
) -> None:
    channel = ScriptedChannel()
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for message in (from_("eins", HIDDEN), from_("zwei", PHONE)):
            await gateway.inbox.accept("test", [message])
        modes = "SELECT mode, waiting_reason, urgent FROM conversation ORDER BY id"
        reason = "complaint" if before == "waiting" else ""
        first = (
            f"UPDATE conversation SET mode = '{before}', waiting_reason = '{reason}', urgent = TRUE"
            " WHERE id = (SELECT min(id) FROM conversation)"
        )
        await database.write(lambda connection: connection.exec_driver_sql(first).rowcount)
        await gateway.inbox.accept("test", [from_("drei", PHONE, HIDDEN)])
        await settled(database)
    beside, home = await rows(database, modes)
    assert home == ("waiting", reason or "asked", True)
    assert beside == (after, "", after == "agent")


async def test_a_number_that_was_given_away_brings_its_new_owner_neither_chat_nor_consent(
    database: Database, tmp_path: Path
) -> None:
    channel = ScriptedChannel()
    other = Identifier("bsuid", "DE.100000000000000000009")
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        for message in (from_("eins", PHONE, HIDDEN), from_("zwei", PHONE, other), from_("drei", HIDDEN)):
            await gateway.inbox.accept("test", [message])
            await settled(database)
    assert await rows(database, "SELECT count(*) FROM contact") == [(2,)]
    asked_in = "SELECT conversation_id FROM message WHERE direction = 'in' ORDER BY id"
    first, second, third = [row[0] for row in await rows(database, asked_in)]
    assert first == third != second
