"""What a database is to the rest: transactions, which are plain functions of a SQLAlchemy connection.

On SQLite they run beside the file, on PostgreSQL on an asyncpg connection; the functions are the same.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.commits import AnyBatch, DatabaseUnavailable
from bot.ids import Ids

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Connection], Result]

_NOT_NOW = (OperationalError, InterfaceError, sa.exc.TimeoutError, OSError)
# PostgreSQL: connection lost, log-in refused, no such database, out of disk or memory, takes no connections,
# shut down, I/O error, read-only, lock not available.
_SERVERS_TROUBLE = ("08", "28", "3D000", "53", "55000", "57P", "58", "25006", "55P03")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


JSON_OPTIONS = {"json_serializer": _json, "json_deserializer": msgspec.json.decode}


class Database(ABC):
    """Reads and writes; `bot.database.open_database` gives the one for a URL."""

    dialect: str

    def __init__(self) -> None:
        self.ids = Ids()

    @property
    def is_postgresql(self) -> bool:
        """Several processes may share this database."""
        return self.dialect == "postgresql"

    @abstractmethod
    async def upgrade(self) -> None:
        """Bring the schema to this version; raises `bot.migrations.NewerDatabase`."""

    @abstractmethod
    async def read(self, work: Work[Result]) -> Result:
        """Run a transaction that only reads."""

    @abstractmethod
    async def write(self, work: Work[Result]) -> Result:
        """Run a transaction that may write; returns once it is on disk.

        Raises DatabaseUnavailable when nothing could be stored, else whatever `work` raised.
        """

    @abstractmethod
    def batched(
        self,
        work: Callable[[Connection, list[Item]], list[Result]],
        committed: Callable[[list[Result]], None] | None = None,
    ) -> Callable[[Item], Awaitable[Result]]:
        """A function that puts one item into the next shared commit and returns its result.

        `work` gets all the items that gathered; `committed` is called with their results once they are
        on disk, also when a caller has gone away.
        """

    @abstractmethod
    async def close(self) -> None:
        """Commit what has arrived, then let go of the database."""


class errors_named:
    """Turns the drivers' ways of saying "not now" into DatabaseUnavailable.

    `drivers_own` are errors that reach us as the driver raises them: at BEGIN, while connecting.
    """

    def __init__(self, *drivers_own: type[Exception]) -> None:
        self._not_now = (*_NOT_NOW, *drivers_own)

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None and isinstance(error, self._not_now):
            raise DatabaseUnavailable(_reason(error)) from error
        if isinstance(error, DBAPIError) and (error.connection_invalidated or _in_trouble(error.orig)):
            raise DatabaseUnavailable(_reason(error)) from error


def run_all(connection: Connection, batches: list[AnyBatch]) -> list[list[Any]]:
    """The results of each batch's work, in order."""
    return [batch.work(connection, batch.items) for batch in batches]


def run_each(connection: Connection, works: list[Work[Any]]) -> list[Any]:
    """The work of a batch of single writes."""
    return [work(connection) for work in works]


def _in_trouble(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None) or "").startswith(_SERVERS_TROUBLE)


def _reason(error: BaseException) -> str:
    # The statement and its parameters hold people's words: name the driver's error alone.
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return str(original)
    return type(original).__name__
