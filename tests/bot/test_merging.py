"""One contact out of two: what the merged one has, and who else may be at it."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.util import await_only

from bot import parties
from bot.database import Database, open_database
from bot.merging import merge_contacts
from bot.parties import Wanted
from tests.bot.house import CONTACTS, OWNERS, open_house
from tests.bot.scripted import rows


async def test_a_merge_takes_all_that_the_other_had_and_may_be_repeated(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("telegram", "STOP")
        await house.code("whatsapp")
        await house.code("telegram")
        ids = dict(await rows(database, OWNERS))
        keep, drop = ids["whatsapp"], ids["telegram"]
        for _ in range(2):
            await database.write(lambda c: merge_contacts(c, keep, drop, 7))
        await database.write(lambda c: merge_contacts(c, keep, keep, 7))
        assert await rows(database, OWNERS) == [("telegram", keep), ("whatsapp", keep)]
        assert await rows(database, "SELECT contact_id FROM consent") == [(keep,)]
        assert await rows(database, "SELECT * FROM move_code") == []
        assert await rows(database, CONTACTS) == [("Anna on whatsapp", None, True)]


async def test_a_merge_fills_in_what_the_kept_contact_lacks(database: Database, tmp_path: Path) -> None:
    async with open_house(database, tmp_path) as house:
        await house.say("telegram", "English")
        await house.say("whatsapp", "hallo")
        ids = dict(await rows(database, OWNERS))
        await database.write(
            lambda c: c.exec_driver_sql("UPDATE contact SET name = '' WHERE language IS NULL").rowcount
        )
        await database.write(lambda c: merge_contacts(c, ids["whatsapp"], ids["telegram"], 7))
    assert await rows(database, CONTACTS) == [("Anna on telegram", "en", False)]


async def test_whoever_waited_for_a_chat_sees_the_stop_and_the_merge_of_the_one_before(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    if not database.is_postgresql:
        return  # there every process waits before it reads anything
    async with open_house(database, tmp_path) as house:
        for channel in ("telegram", "whatsapp"):
            await house.say(channel, "hallo")
        ids = dict(await rows(database, OWNERS))
        name = ("telegram", "chat", "anna@telegram")
        holding, release = asyncio.Event(), asyncio.Event()

        def merging(connection: Connection) -> None:
            parties.load(connection, [name], 0, Wanted())
            stop = f"UPDATE contact SET stopped_at_ms = 5 WHERE id = {ids['telegram']}"
            connection.exec_driver_sql(stop)
            merge_contacts(connection, ids["whatsapp"], ids["telegram"], 7)
            holding.set()
            await_only(release.wait())

        other = open_database(database_url)
        first = asyncio.create_task(other.write(merging))
        await holding.wait()
        second = asyncio.create_task(database.write(lambda c: parties.load(c, [name], 0, Wanted())))
        await waiting_for_a_lock(database)
        release.set()
        await first
        party = (await second)[name]
        await other.close()
    assert (party.contact_id, party.stopped_at_ms) == (ids["whatsapp"], 5)


async def test_a_merge_waits_for_whoever_has_one_of_the_chats(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    if not database.is_postgresql:
        return  # there is one writer at a time
    async with open_house(database, tmp_path) as house:
        for channel in ("telegram", "whatsapp"):
            await house.say(channel, "hallo")
        ids = dict(await rows(database, OWNERS))
        name = ("telegram", "chat", "anna@telegram")
        holding, release = asyncio.Event(), asyncio.Event()

        def stopping(connection: Connection) -> None:
            party = parties.load(connection, [name], 0, Wanted())[name]
            holding.set()
            await_only(release.wait())
            stop = f"UPDATE contact SET stopped_at_ms = 5 WHERE id = {party.contact_id}"
            connection.exec_driver_sql(stop)

        other = open_database(database_url)
        first = asyncio.create_task(other.write(stopping))
        await holding.wait()
        second = asyncio.create_task(
            database.write(lambda c: merge_contacts(c, ids["whatsapp"], ids["telegram"], 7))
        )
        await waiting_for_a_lock(database)
        release.set()
        await asyncio.gather(first, second)
        await other.close()
    assert await rows(database, "SELECT stopped_at_ms FROM contact") == [(5,)]


async def waiting_for_a_lock(database: Database) -> None:
    async with asyncio.timeout(20):
        while not await rows(database, "SELECT 1 FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
