"""When the database is locked, full or away, providers come back, and nothing is lost (R1, R9-R11)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

import bot.sqlite
from bot.commits import DatabaseUnavailable
from bot.database import Database, SqliteDatabase, open_database
from tests.zuruf.whole_app import Whole, update, whole_gateway

DOORS_OPEN = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"


@pytest.fixture
async def whole(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Whole]:
    monkeypatch.setattr(bot.sqlite, "BUSY_TIMEOUT_MS", 200)
    async with whole_gateway(tmp_path, database_url) as gateway:
        yield gateway


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where the `whole` gateway on SQLite keeps its data."""
    return tmp_path / "zuruf.db"


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Another program writes into the file and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        # In a thread, as another program would be: our own loop has to go on and let go of the lock.
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def all_come_through(whole: Whole, numbers: range) -> None:
    """Telegram delivers again what was not taken, until each message is stored and answered once."""
    for number in numbers:
        await whole.deliver(update(number, chat_id=1000 + number))
    await whole.provider.until(
        lambda: all(whole.provider.chat(1000 + number).from_bot for number in numbers), 30
    )
    stored = await whole.rows("SELECT provider_id FROM message WHERE direction = 'in'")
    assert sorted(int(row[0]) for row in stored) == list(numbers)
    assert await whole.count("conversation") == len(numbers)


def people(whole: Whole, numbers: range) -> None:
    for number in numbers:
        whole.provider.chat(1000 + number)


async def test_at_each_200_others_can_already_read_the_message(whole: Whole, database_url: str) -> None:
    people(whole, range(40))
    other = open_database(database_url)
    early: list[int] = []

    async def write(number: int) -> None:
        assert await whole.post(update(number, chat_id=1000 + number)) == 200
        found = sa.text("SELECT count(*) FROM message WHERE direction = 'in' AND provider_id = :number")
        if not await other.read(lambda c: c.scalar(found, {"number": str(number)})):
            early.append(number)

    await asyncio.gather(*map(write, range(40)))
    await other.close()
    assert early == []


@only_sqlite
async def test_a_commit_on_sqlite_is_synced_to_the_disk(whole: Whole) -> None:
    modes = await whole.app.database.write(
        lambda connection: [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    )
    assert modes == ["wal", 2, 1, 1], "WAL, FULL, on, on"


@only_postgresql
async def test_a_commit_on_postgresql_waits_for_the_disk(whole: Whole) -> None:
    assert await whole.app.database.write(
        lambda connection: connection.exec_driver_sql("SHOW synchronous_commit").scalar()
    ) in ("on", "remote_apply", "local", "remote_write")


@only_sqlite
async def test_a_lock_shorter_than_the_patience_is_not_noticed_outside(
    whole: Whole, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(whole, range(5))
    await whole.app.database.write(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 12000"))
    async with locked(sqlite_path):
        posts = [asyncio.create_task(whole.post(update(n, chat_id=1000 + n))) for n in range(5)]
        await asyncio.sleep(0.3)
        async with whole.http.get(whole.url("/healthz")) as alive:
            assert alive.status == 200, "the loop runs while the writer waits"
        assert not any(post.done() for post in posts)
    assert await asyncio.gather(*posts) == [200] * 5


@only_sqlite
async def test_a_lock_longer_than_the_patience_sends_providers_away_and_heals(
    whole: Whole, sqlite_path: Path
) -> None:
    people(whole, range(6))
    async with locked(sqlite_path):
        assert await asyncio.gather(*(whole.post(update(n, chat_id=1000 + n)) for n in range(6))) == [503] * 6
    assert await whole.count("message") == 0
    await all_come_through(whole, range(6))


@only_sqlite
async def test_a_full_disk_sends_providers_away_and_heals_without_a_restart(whole: Whole) -> None:
    people(whole, range(60))
    database = whole.app.database

    async def limit_pages(most: str) -> None:
        await database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {most}").scalar())

    await limit_pages("1")  # SQLite takes this as "no more than there are now"
    body = [update(number, "x" * 3000, 1000 + number) for number in range(60)]
    statuses = [await whole.post(each) for each in body]
    assert set(statuses) <= {200, 503}
    assert statuses.count(503) > 40
    assert await whole.count("message", "direction = 'in'") == statuses.count(200)
    await limit_pages("1073741823")
    await all_come_through(whole, range(60))


@only_postgresql
@pytest.mark.parametrize("code", ["53100", "53200", "57P01", "58030", "25006"])
async def test_a_server_in_trouble_sends_providers_away_and_heals(whole: Whole, code: str) -> None:
    """Disk full, out of memory, shutting down, I/O error, read-only after a fail-over."""
    people(whole, range(3))
    await _run(
        whole.app.database,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'in trouble' USING ERRCODE = '{code}'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON message EXECUTE FUNCTION refuse()",
    )
    assert await asyncio.gather(*(whole.post(update(n, chat_id=1000 + n)) for n in range(3))) == [503] * 3
    await _run(whole.app.database, "DROP TRIGGER refuse ON message")
    await all_come_through(whole, range(3))


async def _run(database: Database, *statements: str) -> None:
    for statement in statements:
        await database.write(lambda connection, sql=statement: connection.exec_driver_sql(sql).rowcount)  # type: ignore[misc]  # a default binds it early


@only_postgresql
async def test_a_server_that_is_away_sends_providers_away_and_heals(
    whole: Whole, postgresql_server: str
) -> None:
    people(whole, range(30))
    name = (await whole.rows("SELECT current_database()"))[0][0]
    admin = await asyncpg.connect(postgresql_server)
    statuses = [await whole.post(update(number, chat_id=1000 + number)) for number in range(10)]
    await admin.execute(DOORS_OPEN.format(name, "false"))
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    away = await asyncio.gather(*(whole.post(update(n, chat_id=1000 + n)) for n in range(10, 20)))
    async with whole.http.get(whole.url("/readyz")) as ready:
        assert ready.status == 503
    await admin.execute(DOORS_OPEN.format(name, "true"))
    await admin.close()
    assert (set(statuses), set(away)) == ({200}, {503})
    await all_come_through(whole, range(30))


@only_postgresql
async def test_connections_that_break_under_load_lose_and_double_nothing(
    whole: Whole, postgresql_server: str
) -> None:
    people(whole, range(100))
    name = (await whole.rows("SELECT current_database()"))[0][0]
    admin = await asyncpg.connect(postgresql_server)

    async def deliver(number: int) -> None:
        await asyncio.sleep(number * 0.01)
        await whole.deliver(update(number, chat_id=1000 + number))

    delivering = asyncio.gather(*map(deliver, range(100)))
    for _ in range(5):
        await asyncio.sleep(0.15)
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await delivering
    await admin.close()
    await all_come_through(whole, range(100))


async def test_one_bad_write_takes_no_other_with_it(database: Database) -> None:
    def work(connection: sa.Connection, items: list[int]) -> list[int]:
        for item in items:
            connection.execute(
                sa.text("INSERT INTO revision (name, value) VALUES (:name, :value)"),
                {"name": f"n{item}", "value": 1 // item},
            )
        return items

    put = database.batched(work)
    results = await asyncio.gather(*(put(item) for item in (1, 0, 2, 3)), return_exceptions=True)
    assert [r if isinstance(r, int) else type(r) for r in results] == [1, ZeroDivisionError, 2, 3]
    names = await database.read(lambda c: list(c.scalars(sa.text("SELECT name FROM revision ORDER BY name"))))
    assert names == ["n1", "n2", "n3"]


async def test_what_arrived_before_the_close_is_committed_and_what_comes_after_is_refused(
    database_url: str,
) -> None:
    database = open_database(database_url)
    await database.upgrade()
    insert = sa.text("INSERT INTO revision (name, value) VALUES (:name, 1)")
    put = database.batched(
        lambda connection, items: [connection.execute(insert, {"name": str(n)}).rowcount for n in items]
    )
    waiting = [asyncio.ensure_future(put(number)) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [1] * 20
    with pytest.raises(DatabaseUnavailable):
        await put(21)


@only_sqlite
async def test_pages_can_read_while_the_writer_is_busy(whole: Whole, sqlite_path: Path) -> None:
    assert isinstance(whole.app.database, SqliteDatabase)
    async with locked(sqlite_path):
        assert await whole.count("message") == 0
