"""The schema's history: equal to the models at its end, safe to run twice and by two at once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from bot.commits import DatabaseUnavailable
from bot.database import Database, open_database
from bot.migrations import NewerDatabase
from tests.bot.scripted import rows


async def test_the_migrated_schema_equals_the_models(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    assert await database.read(differences) == []


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    await database.write(
        lambda c: c.exec_driver_sql("INSERT INTO revision (name, value) VALUES ('kept', 7)").rowcount
    )
    await database.upgrade()
    assert await rows(database, "SELECT value FROM revision WHERE name = 'kept'") == [(7,)]


async def test_a_newer_database_is_refused_with_the_cure_and_left_alone(database: Database) -> None:
    await database.write(
        lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'").rowcount
    )
    with pytest.raises(NewerDatabase, match="install the version that wrote it"):
        await database.upgrade()
    assert await rows(database, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.fixture
def empty_postgresql(postgresql_server: str) -> Iterator[str]:
    """The URL of a database without any table."""
    name = f"zuruf_empty_{uuid4().hex}"

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(postgresql_server)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run(f"CREATE DATABASE {name}"))
    yield make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


async def test_processes_that_start_together_on_an_empty_database_all_get_their_schema(
    empty_postgresql: str,
) -> None:
    databases = [open_database(empty_postgresql) for _ in range(4)]
    await asyncio.gather(*(database.upgrade() for database in databases))
    assert len(await rows(databases[0], "SELECT version_num FROM alembic_version")) == 1
    for database in databases:
        await database.close()


async def test_an_upgrade_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "zuruf.db"
    in_file(path, "CREATE TABLE outbox (in_the_way INTEGER)")
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnavailable, match="outbox"):
        await database.upgrade()
    assert in_file(path, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'") == [("outbox",)]
    in_file(path, "DROP TABLE outbox")
    await database.upgrade()
    assert await rows(database, "SELECT count(*) FROM message") == [(0,)]
    await database.close()


def in_file(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()
