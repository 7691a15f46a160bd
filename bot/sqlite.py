"""SQLite: one file, no server, one gateway process."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, event

from bot.commits import AnyBatch, Batch, Committer
from bot.migrations import upgrade
from bot.transactions import JSON_OPTIONS, Database, Item, Result, Work, errors_named, run_all, run_each

BUSY_TIMEOUT_MS = 12_000  # another process holds the file; every provider waits longer than this
READERS = 4
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a commit is on disk before anybody is told of it
    "foreign_keys=ON",
    "secure_delete=ON",  # what people take back is gone from the file, freed pages included
    "cache_size=-16000",  # KiB, taken as needed: the default 2 MB reads hot pages again and again
    "wal_autocheckpoint=3000",  # pages: a page changed in many commits goes into the database once
)


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
        self._single: Batch[Work[Any], Any] = Batch(run_each)
        self._committer.add(self._single)

    async def upgrade(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer_thread, self._transaction, upgrade)

    async def read(self, work: Work[Result]) -> Result:
        def run() -> Result:
            with errors_named(sqlite3.OperationalError), self._reader.connect() as connection:
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
        shared = [batch for batch in batches if batch.work is not run_each]
        single = [batch for batch in batches if batch.work is run_each]
        with errors_named(sqlite3.OperationalError):
            transaction = await in_thread(self._begin)
            try:
                results = run_all(transaction.connection, shared)
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
        with errors_named(sqlite3.OperationalError):
            if self._connection is None:
                self._connection = self._writer.connect()
            with self._connection.begin():
                return work(self._connection)


def _finish(transaction: sa.RootTransaction, batches: list[AnyBatch]) -> list[list[Any]]:
    with transaction:  # commits, or rolls back
        return run_all(transaction.connection, batches)


def _sqlite_engine(path: Path, begin: str, *, pool_size: int) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        **JSON_OPTIONS,
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
