"""The changes of several providers in one stream, for whoever watches all of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from zuruf.demo.providers.chats import Change, Watch
from zuruf.demo.providers.server import Provider

Named = tuple[str, Change]


@asynccontextmanager
async def merged(providers: Mapping[str, Provider]) -> AsyncIterator[AsyncIterator[Named]]:
    """Everything that changes from now on, each with its provider's name, until the first provider ends."""
    queue: asyncio.Queue[Named | None] = asyncio.Queue()
    watches = {name: provider.subscribe() for name, provider in providers.items()}
    tasks = [asyncio.create_task(_pass_on(name, watch, queue)) for name, watch in watches.items()]
    try:
        yield _drawn(queue)
    finally:
        for task in tasks:
            task.cancel()
        for watch in watches.values():
            watch.close()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(name: str, watch: Watch, queue: asyncio.Queue[Named | None]) -> None:
    async for change in watch:
        queue.put_nowait((name, change))
    queue.put_nowait(None)


async def _drawn(queue: asyncio.Queue[Named | None]) -> AsyncIterator[Named]:
    while (named := await queue.get()) is not None:
        yield named
