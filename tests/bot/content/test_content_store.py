"""How changes of the live content spread."""

import asyncio
import threading

import pytest
import sqlalchemy as sa

from bot.content import Content
from bot.content_rows import bump
from bot.content_store import ContentStore
from bot.database import Database
from bot.tables import ContentRow, table
from tests.bot.content.stage import (
    MOST_S,
    Import,
    item,
    make_store,
    menu,
    row,
)


async def test_a_row_that_no_longer_fits_its_kind_is_left_out_and_breaks_nothing(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"), row("b"))
    items = table(ContentRow)
    broken = [
        {
            "kind": "menu",
            "key": "a",
            "position": 0,
            "body": {"id": "a"},
            "imported_digest": "",
            "changed_at_ms": 1,
        },
        {
            "kind": "gone",
            "key": "x",
            "position": 0,
            "body": {"id": "x"},
            "imported_digest": "",
            "changed_at_ms": 1,
        },
    ]
    await database.write(lambda connection: connection.execute(sa.delete(items).where(items.c.key == "a")))
    await database.write(lambda connection: connection.execute(items.insert(), broken))
    await store.load()
    assert menu(store.current) == {"b": "b"}


async def test_another_process_takes_a_change_over_after_its_listeners_are_ready(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    fitted, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def fit(content: Content) -> None:
        if content.revision == 2:
            loop.call_soon_threadsafe(fitted.set)
            go_on.wait(MOST_S)

    store.on_change(fit)
    await import_rows(row("a"))
    await store.load()
    following = asyncio.create_task(store.follow())
    await make_store(database).save("menu", item("a", "changed elsewhere"))
    async with asyncio.timeout(MOST_S):
        await fitted.wait()  # while the listener works, this loop goes on, and so do the old answers
        assert menu(store.current) == {"a": "a"}
        go_on.set()
        await store.load()  # waits for the one under way
    assert menu(store.current) == {"a": "changed elsewhere"}
    following.cancel()


async def test_a_change_that_cannot_be_taken_over_leaves_the_content_of_before(
    database: Database, store: ContentStore, import_rows: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.content_store.RETRY_S", 0.01)
    failures: list[int] = []
    fitted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail_at_first(content: Content) -> None:
        if content.revision == 2 and len(failures) < 2:
            assert menu(store.current) == {"a": "a"}
            failures.append(content.revision)
            raise RuntimeError("cannot be fitted")
        if content.revision == 2:
            loop.call_soon_threadsafe(fitted.set)

    await import_rows(row("a"))
    await store.load()
    store.on_change(fail_at_first)
    following = asyncio.create_task(store.follow())
    await import_rows(row("a", "new"))
    async with asyncio.timeout(MOST_S):
        await fitted.wait()
        await store.load()  # waits for the one under way
    assert failures == [2, 2]
    assert menu(store.current) == {"a": "new"}
    following.cancel()


async def test_listeners_hear_of_a_revision_once(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    heard: list[int] = []
    store.on_change(lambda content: heard.append(content.revision))
    await import_rows(row("a"))
    await asyncio.gather(*(store.load() for _ in range(5)))
    await database.write(bump)
    await store.load()
    assert heard == [1, 2]


async def test_an_empty_database_is_empty_content(store: ContentStore) -> None:
    assert menu(store.current) == {}
    await store.load()
    assert (store.current.revision, menu(store.current)) == (0, {})
    assert store.current.say("greeting", "de") == "Hallo"
