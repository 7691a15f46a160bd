"""Imports that lose nobody's edits."""

import asyncio
from pathlib import Path

import pytest

from bot.content_files import read_folder
from bot.content_import import ContentConflict, ImportCounts, import_content
from bot.content_problems import ContentRefused
from bot.content_rows import read_items, read_revision
from bot.content_store import ContentStore
from bot.database import Database, open_database
from tests.bot.content.stage import (
    KINDS,
    Import,
    drafted,
    item,
    live_menu,
    menu,
    row,
)
from zuruf.demo import SAMPLE_CONTENT


async def test_an_import_counts_what_it_did_and_tells_every_process_once(
    database: Database, import_rows: Import
) -> None:
    assert await import_rows(row("a"), row("b"), row("c")) == ImportCounts(3, 0, 0, 0, reordered=False)
    assert await database.read(read_revision) == 1
    assert await import_rows(row("a"), row("b", "B!"), row("d")) == ImportCounts(1, 1, 1, 1, reordered=False)
    assert await database.read(read_revision) == 2
    assert await live_menu(database) == {"a": "a", "b": "B!", "d": "d"}


async def test_an_import_of_the_same_files_changes_nothing(database: Database, import_rows: Import) -> None:
    await import_rows(row("a"), row("b"))
    before = await database.read(read_items)
    assert await import_rows(row("a"), row("b")) == ImportCounts(0, 0, 0, 2, reordered=False)
    assert await database.read(read_items) == before
    assert await database.read(read_revision) == 1


async def test_another_order_is_a_change(database: Database, import_rows: Import) -> None:
    await import_rows(row("a"), row("b"))
    assert await import_rows(row("b"), row("a")) == ImportCounts(0, 0, 0, 2, reordered=True)
    assert list(await live_menu(database)) == ["b", "a"]
    assert await database.read(read_revision) == 2


async def test_kinds_that_the_files_do_not_hold_stay_as_they_are(
    database: Database, store: ContentStore, import_rows: Import, tmp_path: Path
) -> None:
    await import_rows(row("a"))
    regions = drafted(tmp_path, "region", '[[region]]\nid = "o"\ntitle = { de = "Ochsenfurt", en = "O" }\n')
    await import_content(database, store.rules, regions, 1_000)
    assert await live_menu(database) == {"a": "a"}
    assert (await import_rows()).removed == 1
    assert set(await database.read(read_items)) == {("region", "o")}


async def test_files_that_differ_from_a_live_edit_are_refused_with_the_difference(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"), row("b"))
    await store.save("menu", item("a", "edited live"))
    with pytest.raises(ContentConflict) as caught:
        await import_rows(row("a", "from the file"), row("b", "new"))
    (conflict,) = caught.value.conflicts
    assert (conflict.kind, conflict.id) == ("menu", "a")
    assert '-title = { de = "edited live", en = "edited live" }' in conflict.difference
    assert '+title = { de = "from the file", en = "from the file" }' in conflict.difference
    assert await live_menu(database) == {"a": "edited live", "b": "b"}


async def test_force_overwrites_live_edits_and_later_imports_need_none(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"))
    await store.save("menu", item("a", "edited live"))
    assert (await import_rows(row("a"), force=True)).changed == 1
    assert await live_menu(database) == {"a": "a"}
    assert (await import_rows(row("a", "newer"))).changed == 1


async def test_removing_what_was_edited_or_made_live_is_a_conflict(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"), row("b"))
    await store.save("menu", item("a", "edited live"))
    await store.save("menu", item("made-live", "new"))
    with pytest.raises(ContentConflict) as caught:
        await import_rows(row("b"))
    assert {conflict.id for conflict in caught.value.conflicts} == {"a", "made-live"}
    assert (await import_rows(row("b"), force=True)).removed == 2
    assert await live_menu(database) == {"b": "b"}


async def test_what_was_removed_live_does_not_come_back_unasked(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"), row("b"))
    await store.remove("menu", "a")
    assert await live_menu(database) == {"b": "b"}
    with pytest.raises(ContentConflict) as caught:
        await import_rows(row("a"), row("b"))
    assert all(not line.startswith("-") for line in caught.value.conflicts[0].difference[2:])
    assert await import_rows(row("b")) == ImportCounts(0, 0, 0, 1, reordered=False)
    assert (await import_rows(row("a"), row("b"))).added == 1


async def test_files_that_took_over_a_live_edit_are_no_conflict(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"))
    await store.save("menu", item("a", "better"))
    assert await import_rows(row("a", "better")) == ImportCounts(0, 0, 0, 1, reordered=False)
    assert (await import_rows(row("a", "better still"))).changed == 1


async def test_problems_in_the_files_leave_the_live_content_as_it_is(
    database: Database, import_rows: Import
) -> None:
    await import_rows(row("a"))
    with pytest.raises(ContentRefused) as caught:
        await import_rows(row("a", "changed"), row("b", leads_to="nowhere"), force=True)
    assert [(problem.id, problem.line) for problem in caught.value.problems] == [("b", 6)]
    with pytest.raises(ContentRefused):
        await import_rows(row("a", "far too long a title for any phone"))
    assert await live_menu(database) == {"a": "a"}


async def test_files_that_would_break_other_live_content_are_refused(
    database: Database, store: ContentStore, tmp_path: Path
) -> None:
    await import_content(database, store.rules, read_folder(SAMPLE_CONTENT / "faq", KINDS), 1_000)
    draft = drafted(tmp_path, "category", "category = []")
    with pytest.raises(ContentRefused) as caught:
        await import_content(database, store.rules, draft, 1_000)
    assert {problem.place for problem in caught.value.problems} == {"live content"}
    assert {problem.kind for problem in caught.value.problems} == {"entry"}


async def test_an_edit_that_would_break_the_whole_is_refused(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    top = '[[menu]]\nid = "top"\ntitle = { de = "Oben", en = "Top" }\n'
    await import_rows(top, row("below") + 'under = "top"\n')
    for edit in (store.remove("menu", "top"), store.save("menu", item("top", "leads twice"))):
        with pytest.raises(ContentRefused):
            await edit
    with pytest.raises(KeyError):
        await store.remove("menu", "missing")
    assert await live_menu(database) == {"top": "Oben", "below": "below"}


async def test_an_edit_is_current_at_once_and_survives_a_restart(
    database: Database, store: ContentStore, import_rows: Import
) -> None:
    await import_rows(row("a"), row("b"))
    await store.save("menu", item("new", "New"))
    await store.save("menu", item("a", "edited"))
    assert menu(store.current) == {"a": "edited", "b": "b", "new": "New"}
    assert await live_menu(database) == menu(store.current)


async def test_of_two_imports_at_once_one_is_whole_and_the_other_follows_it(
    database: Database, database_url: str, store: ContentStore, tmp_path: Path
) -> None:
    other = open_database(database_url)
    drafts = [
        drafted(tmp_path, f"menu-{name}", "\n".join(row(f"row-{number}", name) for number in range(7)))
        for name in "xy"
    ]
    imports = [
        import_content(each, store.rules, draft, 1_000)
        for _ in range(5)
        for each, draft in zip((database, other), drafts, strict=True)
    ]
    counts = await asyncio.gather(*imports)
    await other.close()
    titles = set((await live_menu(database)).values())
    assert len(titles) == 1
    assert sum(count.added for count in counts) == 7
    changes = sum(bool(count.added or count.changed) for count in counts)
    assert await database.read(read_revision) == changes
