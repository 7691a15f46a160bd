"""Moves in the database: codes that are given, used, replaced and expire, and what comes along."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.database import Database
from bot.tables import Conversation, table
from channels.message import Identifier, InboundMessage, Sender
from tests.bot.house import CONTACTS, OWNERS, House, open_house
from tests.bot.scripted import rows, settled

ONE_MINUTE_MS = 60_000


async def test_a_code_from_the_old_chat_makes_the_new_one_the_same_contacts(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("whatsapp", "English")
        code = await house.code()
        answers = await house.say("telegram", f"Code: {code}")
        assert answers == [house.text("greeting", "en"), house.text("moved", "en", messenger="WhatsApp")]
        told = house.channels["whatsapp"].sent[-1].text
        assert told == house.text("move-notice", "en", messenger="Telegram")
        assert await rows(database, CONTACTS) == [("Anna on whatsapp", "en", False)]
        (one, first), (other, second) = await rows(database, OWNERS)
        assert (one, other, first) == ("telegram", "whatsapp", second)
        assert (await house.say("telegram", "danke"))[-1] == house.text("you-are-welcome", "en")


async def test_both_conversations_remember_where_to_look_for_the_other(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("telegram", await house.code())
        now_ms = house.clock.now_ms()
    memories = await database.read(_memories)
    (old, old_memory), (new, new_memory) = memories["whatsapp"], memories["telegram"]
    assert old_memory["moved"]["to"] == new
    assert new_memory["moved"]["from"] == old
    assert 0 < old_memory["moved"]["at_ms"] == new_memory["moved"]["at_ms"] <= now_ms


def _memories(connection: Connection) -> dict[str, tuple[int, dict[str, Any]]]:
    found = connection.execute(table(Conversation).select())
    return {row.channel: (row.id, row.memory) for row in found}


async def test_a_code_works_once(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        code = await house.code()
        await house.say("telegram", code)
        assert (await house.say("threema", code))[-1] == house.text("move-unknown")
        assert (await house.say("telegram", code))[-1] == house.text("move-unknown")
    assert len(await rows(database, CONTACTS)) == 2


async def test_a_code_in_a_chat_of_the_same_contact_stays_good(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        code = await house.code()
        assert await house.say("whatsapp", code) == [house.text("move-is-here")]
        await house.say("telegram", code)
        again = await house.code()
        assert await house.say("telegram", again) == [house.text("move-is-here")]
        await house.say("threema", again)
    assert len(await rows(database, CONTACTS)) == 1


async def test_a_newer_code_replaces_the_older_one(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        older, newer = await house.code(), await house.code()
        assert (await house.say("telegram", older))[-1] == house.text("move-unknown")
        assert len(await rows(database, CONTACTS)) == 2
        await house.say("telegram", newer)
        assert len(await rows(database, CONTACTS)) == 1


@pytest.mark.parametrize(("minutes", "contacts"), [(59, 1), (61, 2)])
async def test_a_code_is_good_for_an_hour(
    database: Database, tmp_path: Path, minutes: int, contacts: int
) -> None:
    async with open_house(database, tmp_path) as house:
        code = await house.code()
        house.clock.advance(minutes * ONE_MINUTE_MS)
        await house.say("telegram", code)
    assert len(await rows(database, CONTACTS)) == contacts


async def test_what_is_kept_of_a_code_does_not_open_anything(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        code = (await house.code()).replace("-", "")
    [(kept,)] = await rows(database, "SELECT code FROM move_code")
    assert code.encode() not in bytes(kept)
    assert len(bytes(kept)) == 16


async def test_five_wrong_codes_close_the_door_for_the_right_one(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        code = await house.code()
        await house.say("telegram", *(f"CC3CC-CC{digit}CC" for digit in range(5)))
        await house.say("telegram", code)
        assert len(await rows(database, CONTACTS)) == 2
        house.clock.advance(24 * 60 * ONE_MINUTE_MS)
        await house.say("telegram", await house.code())
        assert len(await rows(database, CONTACTS)) == 1


@pytest.mark.parametrize("stopped", ["whatsapp", "telegram"])
async def test_a_stop_of_either_chat_holds_for_both(database: Database, tmp_path: Path, stopped: str) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say(stopped, "STOP")
        await house.say("telegram", await house.code())
    assert await rows(database, CONTACTS) == [("Anna on whatsapp", None, True)]


async def test_a_stop_that_comes_together_with_the_code_is_kept(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("telegram", await house.code(), "STOP")
    assert await rows(database, CONTACTS) == [("Anna on whatsapp", None, True)]


async def test_a_stop_in_one_chat_survives_what_is_chosen_in_the_other_at_the_same_time(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("telegram", await house.code())
        for stopping, choosing in (("telegram", "whatsapp"), ("whatsapp", "telegram")):
            await asyncio.gather(
                house.gateway.inbox.accept(stopping, [house.message(stopping, "STOP")]),
                house.gateway.inbox.accept(choosing, [house.message(choosing, "English")]),
            )
            await settled(database)
            assert await rows(database, CONTACTS) == [("Anna on whatsapp", "en", True)]
            await house.say("telegram", "START")


async def test_an_open_objection_here_does_not_lift_a_stop_from_there(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("whatsapp", "STOP")
        code = await house.code()
        await house.say("telegram", "bitte nix mehr schicken")
        await house.say("telegram", code)
        [question] = await rows(database, "SELECT code FROM question WHERE purpose = 'objection'")
        no = house.message("telegram", "", choice=f"{question[0]}.2")
        await house.gateway.inbox.accept("telegram", [no])
        await settled(database)
    assert await rows(database, CONTACTS) == [("Anna on whatsapp", None, True)]


async def test_a_consent_stays_with_the_address_that_it_was_given_on(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("whatsapp", "ich will den Rübenbrief")
        await house.say("telegram", "ich will den Rübenbrief")
        await house.say("telegram", await house.code())
    query = (
        "SELECT a.channel, c.contact_id = k.id, c.given FROM consent c JOIN address a ON a.id = c.address_id"
        " CROSS JOIN contact k ORDER BY a.channel"
    )
    consents = [(channel, bool(ours), bool(given)) for channel, ours, given in await rows(database, query)]
    assert consents == [("telegram", True, True), ("whatsapp", True, True)]


async def test_a_code_that_two_write_at_once_moves_one_of_them(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        other = House(database, tmp_path) if database.is_postgresql else house
        if other is not house:
            other.gateway.hold()  # the first one sends for both
        for round_number in range(5):
            code = await house.code()
            await asyncio.gather(
                house.gateway.inbox.accept("telegram", [stranger("telegram", round_number, code)]),
                other.gateway.inbox.accept("threema", [stranger("threema", round_number, code)]),
            )
            await settled(database)
    sent = [message.text for name in ("telegram", "threema") for message in house.channels[name].sent]
    assert sent.count(house.text("move-unknown")) == 5
    assert sent.count(house.text("moved", messenger="WhatsApp")) == 5
    assert len(await rows(database, CONTACTS)) == 1 + 5


def stranger(channel: str, number: int, text: str) -> InboundMessage:
    name = f"{channel}-{number}"
    return InboundMessage(name, Sender((Identifier("chat", name),)), name, 1, text=text)
