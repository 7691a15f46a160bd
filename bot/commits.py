"""Many writes, one commit: whatever arrived while the last commit ran goes into the next.

There is no timer. Under load commits grow instead of queueing; alone, a write commits at once. When a
commit fails, its parts are tried alone, so that one bad item takes nothing else with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_ITEMS = 200  # in one commit: bounds how long it keeps the event loop and its rows


class DatabaseUnavailable(Exception):
    """The database cannot take writes now; nothing was stored, and the caller may come back."""


@dataclass(slots=True)
class Batch(Generic[Item, Result]):
    """Items of one kind of work that wait for the next commit, with their callers."""

    work: Callable[[Connection, list[Item]], list[Result]]
    committed: Callable[[list[Result]], None] | None = None
    items: list[Item] = field(default_factory=list)
    waiting: list["asyncio.Future[Result]"] = field(default_factory=list)

    def take(self, most: int) -> "Batch[Item, Result]":
        """The next items, with their callers, as a batch of their own."""
        taken = Batch(self.work, self.committed, self.items[:most], self.waiting[:most])
        del self.items[:most], self.waiting[:most]
        return taken

    def alone(self) -> list["Batch[Item, Result]"]:
        """The same items, each in its own batch."""
        return [
            Batch(self.work, self.committed, [item], [caller])
            for item, caller in zip(self.items, self.waiting, strict=True)
        ]

    def settle(self, results: Sequence[Result]) -> None:
        """Tell the callers what came of their items; the commit is on disk."""
        if self.committed:
            self.committed(list(results))
        for caller, result in zip(self.waiting, results, strict=True):
            if not caller.done():
                caller.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell the callers that nothing of theirs was stored."""
        for caller in self.waiting:
            if not caller.done():
                caller.set_exception(error)


AnyBatch = Batch[Any, Any]
Attempt = Callable[[list[AnyBatch]], Awaitable[list[list[Any]]]]


async def commit(batches: list[AnyBatch], attempt: Attempt) -> None:
    """Commit all in one transaction; if that fails, each alone, down to single items."""
    try:
        results = await attempt(batches)
    except DatabaseUnavailable as down:
        for batch in batches:
            batch.fail(down)
    except Exception as error:
        smaller = batches if len(batches) > 1 else batches[0].alone()
        if len(smaller) == 1:
            smaller[0].fail(error)
            return
        log.warning("commit.split", error=type(error).__name__, parts=len(smaller))
        for batch in smaller:
            await commit([batch], attempt)
    else:
        for batch, result in zip(batches, results, strict=True):
            batch.settle(result)


class Committer:
    """One loop that commits what its batches have gathered, one transaction at a time."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._batches: list[AnyBatch] = []
        self._arrived = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._closing = False

    def add(self, batch: AnyBatch) -> None:
        """Let a kind of work take part in the commits."""
        self._batches.append(batch)

    def submit(self, batch: Batch[Item, Result], item: Item) -> "asyncio.Future[Result]":
        """Put an item into the next commit; the future ends when that is on disk."""
        if self._closing:
            raise DatabaseUnavailable("the gateway is stopping")
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="committer")
        caller: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        batch.items.append(item)
        batch.waiting.append(caller)
        self._arrived.set()
        return caller

    async def close(self) -> None:
        """Commit what has arrived, then end."""
        self._closing = True
        self._arrived.set()
        if self._loop:
            await self._loop

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while taken := [batch.take(MOST_ITEMS) for batch in self._batches if batch.items]:
                await commit(taken, self._attempt)
            if self._closing:
                return
