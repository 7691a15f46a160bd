"""PostgreSQL: a server that gateway processes on one or many machines share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.commits import AnyBatch, Batch, Committer
from bot.migrations import upgrade
from bot.transactions import JSON_OPTIONS, Database, Item, Result, Work, errors_named, run_all, run_each

DEADLOCK_TRIES = 5
_UPGRADE_LOCK = 0x5A75727566  # any number will do that no other program on the server picks: "Zuruf"
_TRY_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock detected


class PostgresqlDatabase(Database):
    """A server that several gateway processes share."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        super().__init__()
        self._engine: AsyncEngine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=10,
            max_overflow=10,
            pool_timeout=10,
            **JSON_OPTIONS,
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
        with errors_named(asyncpg.PostgresError, asyncpg.InterfaceError):
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Work[Result]) -> Result:
        results: list[list[Result]] = await self._attempt([Batch(run_each, None, [work])])
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
        return await self._transaction(lambda connection: run_all(connection, batches))

    async def _transaction(self, work: Work[Result]) -> Result:
        with errors_named(asyncpg.PostgresError, asyncpg.InterfaceError):
            for tries_left in reversed(range(DEADLOCK_TRIES)):
                try:
                    async with self._engine.begin() as connection:
                        return await connection.run_sync(work)
                except DBAPIError as error:
                    if not tries_left or getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                        raise
        raise AssertionError("the loop above returns or raises")
