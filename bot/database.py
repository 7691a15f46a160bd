"""The database: SQLite in the same process, or PostgreSQL; the one file that knows which.

A transaction is a plain function of a SQLAlchemy connection. On SQLite it runs on the one writer
thread, on PostgreSQL on an asyncpg connection; the function is the same.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.commits import AnyBatch, Batch, Committer, DatabaseUnavailable
from bot.ids import Ids
from bot.migrations import upgrade

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Connection], Result]

BUSY_TIMEOUT_MS = 12_000  # another process holds the file; every provider waits longer than this
READERS = 4
DEADLOCK_TRIES = 5
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a commit is on disk before anybody is told of it
    "foreign_keys=ON",
    "secure_delete=FAST",  # what goes is overwritten where its page is written anyway
    "cache_size=-16000",  # KiB, taken as needed: the default 2 MB reads hot pages again and again
    "wal_autocheckpoint=3000",  # pages: a page changed in many commits goes into the database once
)
_UPGRADE_LOCK = 0x5A75727566  # any number will do that no other program on the server picks: "Zuruf"
_TRY_AGAIN = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock detected
_NOT_NOW = (
    *(OperationalError, InterfaceError, sa.exc.TimeoutError, OSError),
    # As the drivers raise them: at BEGIN, and while connecting.
    *(sqlite3.OperationalError, asyncpg.PostgresError, asyncpg.InterfaceError),
)
# PostgreSQL: connection lost, log-in refused, no such database, out of disk or memory, takes no connections,
# shut down, I/O error, read-only, lock not available.
_SERVERS_TROUBLE = ("08", "28", "3D000", "53", "55000", "57P", "58", "25006", "55P03")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_JSON = {"json_serializer": _json, "json_deserializer": msgspec.json.decode}


class Database:
    """Reads and writes; `open` gives the one for a URL."""

    dialect: str

    def __init__(self) -> None:
        self.ids = Ids()

    @property
    def is_postgresql(self) -> bool:
        """Several processes may share this database."""
        return self.dialect == "postgresql"

    async def upgrade(self) -> None:
        """Bring the schema to this version; raises `bot.migrations.NewerDatabase`."""
        raise NotImplementedError

    async def read(self, work: Work[Result]) -> Result:
        """Run a transaction that only reads."""
        raise NotImplementedError

    async def write(self, work: Work[Result]) -> Result:
        """Run a transaction that may write; returns once it is on disk.

        Raises DatabaseUnavailable when nothing could be stored, else whatever `work` raised.
        """
        raise NotImplementedError

    def batched(
        self,
        work: Callable[[Connection, list[Item]], list[Result]],
        committed: Callable[[list[Result]], None] | None = None,
    ) -> Callable[[Item], Awaitable[Result]]:
        """A function that puts one item into the next shared commit and returns its result.

        `work` gets all the items that gathered; `committed` is called with their results once they are
        on disk, also when a caller has gone away.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Commit what has arrived, then let go of the database."""
        raise NotImplementedError


class SqliteDatabase(Database):
    """One file, one writer thread, a few readers."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._writer = _sqlite_engine(path, "BEGIN IMMEDIATE", pool_size=1)
        self._reader = _sqlite_engine(path, "BEGIN", pool_size=READERS)
        self._connection: Connection | None = None  # of the writer thread
        self._writer_thread = ThreadPoolExecutor(1, "database-writer")
        self._reader_threads = ThreadPoolExecutor(READERS, "database-reader")
        self._committer = Committer(self._attempt)
        self._single: Batch[Work[Any], Any] = Batch(_run_each)
        self._committer.add(self._single)

    async def upgrade(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer_thread, self._transaction, upgrade)

    async def read(self, work: Work[Result]) -> Result:
        def run() -> Result:
            with _errors_named(), self._reader.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._reader_threads, run)

    async def write(self, work: Work[Result]) -> Result:
        result: Result = await self._committer.submit(self._single, work)
        return result

    def batched(
        self,
        work: Callable[[Connection, list[Item]], list[Result]],
        committed: Callable[[list[Result]], None] | None = None,
    ) -> Callable[[Item], Awaitable[Result]]:
        batch = Batch(work, committed)
        self._committer.add(batch)
        return lambda item: self._committer.submit(batch, item)

    async def close(self) -> None:
        await self._committer.close()
        self._writer_thread.shutdown()
        self._reader_threads.shutdown()
        if self._connection:
            self._connection.close()
        self._writer.dispose()
        self._reader.dispose()

    async def _attempt(self, batches: list[AnyBatch]) -> list[list[Any]]:
        """Try one transaction.

        Beginning may wait for another process, committing waits for the disk, single writes may be long:
        they happen on the writer thread. What lies between touches memory and runs right here, because
        two threads at work would mostly wait for each other's interpreter lock.
        """
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._writer_thread)
        shared = [batch for batch in batches if batch.work is not _run_each]
        single = [batch for batch in batches if batch.work is _run_each]
        with _errors_named():
            transaction = await in_thread(self._begin)
            try:
                results = _run_all(transaction.connection, shared)
            except BaseException:
                await in_thread(transaction.rollback)
                raise
            results += await in_thread(_finish, transaction, single)
        by_batch = dict(zip(map(id, (*shared, *single)), results, strict=True))
        return [by_batch[id(batch)] for batch in batches]

    def _begin(self) -> sa.RootTransaction:
        if self.ids.low:
            self._transaction(self.ids.reserve)
        if self._connection is None:
            self._connection = self._writer.connect()  # kept: the pool would cost a tenth of a commit
        return self._connection.begin()

    def _transaction(self, work: Work[Result]) -> Result:
        with _errors_named():
            if self._connection is None:
                self._connection = self._writer.connect()
            with self._connection.begin():
                return work(self._connection)


class PostgresqlDatabase(Database):
    """A server that several gateway processes share."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        super().__init__()
        self._engine: AsyncEngine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"), pool_size=10, max_overflow=10, pool_timeout=10, **_JSON
        )
        self._committers: list[Committer] = []
        self._reserving = asyncio.Lock()

    async def upgrade(self) -> None:
        def alone(connection: Connection) -> None:
            # Processes that start together queue here; whoever comes second finds nothing left to do.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            upgrade(connection)

        await self._transaction(alone)

    async def read(self, work: Work[Result]) -> Result:
        with _errors_named():
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Work[Result]) -> Result:
        results: list[list[Result]] = await self._attempt([Batch(_run_each, None, [work])])
        return results[0][0]

    def batched(
        self,
        work: Callable[[Connection, list[Item]], list[Result]],
        committed: Callable[[list[Result]], None] | None = None,
    ) -> Callable[[Item], Awaitable[Result]]:
        batch = Batch(work, committed)
        committer = Committer(self._attempt)
        committer.add(batch)
        self._committers.append(committer)
        return lambda item: committer.submit(batch, item)

    async def close(self) -> None:
        for committer in self._committers:
            await committer.close()
        await self._engine.dispose()

    async def _attempt(self, batches: list[AnyBatch]) -> list[list[Any]]:
        async with self._reserving:
            if self.ids.low:
                await self._transaction(self.ids.reserve)
        return await self._transaction(lambda connection: _run_all(connection, batches))

    async def _transaction(self, work: Work[Result]) -> Result:
        with _errors_named():
            for tries_left in reversed(range(DEADLOCK_TRIES)):
                try:
                    async with self._engine.begin() as connection:
                        return await connection.run_sync(work)
                except DBAPIError as error:
                    if not tries_left or getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                        raise
        raise AssertionError("the loop above returns or raises")


class _errors_named:
    """Turns the drivers' ways of saying "not now" into DatabaseUnavailable."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, _NOT_NOW):
            raise DatabaseUnavailable(_reason(error)) from error
        if isinstance(error, DBAPIError) and (error.connection_invalidated or _in_trouble(error.orig)):
            raise DatabaseUnavailable(_reason(error)) from error


def _in_trouble(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None) or "").startswith(_SERVERS_TROUBLE)


def _reason(error: BaseException) -> str:
    # The statement and its parameters hold people's words: name the driver's error alone.
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return str(original)
    return type(original).__name__


def _run_each(connection: Connection, works: list[Work[Any]]) -> list[Any]:
    return [work(connection) for work in works]


def _finish(transaction: sa.RootTransaction, batches: list[AnyBatch]) -> list[list[Any]]:
    with transaction:  # commits, or rolls back
        return _run_all(transaction.connection, batches)


def _run_all(connection: Connection, batches: list[AnyBatch]) -> list[list[Any]]:
    return [batch.work(connection, batch.items) for batch in batches]


def _sqlite_engine(path: Path, begin: str, *, pool_size: int) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        **_JSON,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        # Python's own transaction handling would begin late and not cover DDL: we say BEGIN ourselves.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if begin == "BEGIN":
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]  # it is open

    return engine


def open_database(url: str) -> Database:
    """The database that a configured URL names: `sqlite:///path` or `postgresql://...`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(Path(parsed.database or "zuruf.db"))
    return PostgresqlDatabase(parsed)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as its driver takes it: the parameters in order, each with its converter."""

    sql: str
    parameters: list[tuple[str, Callable[[Any], Any] | None]]
    constants: dict[str, Any]  # written in the statement itself, the same for all rows


@lru_cache(maxsize=256)
def _compiled(statement: sa.UpdateBase, columns: tuple[str, ...], dialect: sa.Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    order = compiled.positiontup or []
    types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in order}
    constants = {name: compiled.params[name] for name in order if name not in columns}
    return _Compiled(
        str(compiled), [(name, types[name].bind_processor(dialect)) for name in order], constants
    )


def run_many(connection: Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement once per row, by the driver's own executemany; all rows have the same keys.

    SQLAlchemy's way through its compiler costs three times as much a row, on the hottest path there is.
    `statement` is a constant of a module: it is compiled once.
    """
    if not rows:
        return
    compiled = _compiled(statement, tuple(rows[0]), connection.dialect)
    if compiled.constants:
        rows = [{**compiled.constants, **row} for row in rows]
    values = [
        tuple(convert(row[name]) if convert else row[name] for name, convert in compiled.parameters)
        for row in rows
    ]
    connection.exec_driver_sql(compiled.sql, values)


def insert_new(
    connection: Connection, table: sa.Table, rows: list[dict[str, Any]], *returning: sa.Column[Any]
) -> Sequence[sa.Row[Any]]:
    """Insert the rows whose keys are not there yet, and return `returning` of those alone."""
    if not rows:
        return []
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(*returning)
    return connection.execute(statement, rows).all()
