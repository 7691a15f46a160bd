"""The live content: imports that lose nobody's edits, exports that come back, and how changes spread."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.content import TEXT, Content, Organisation, default_texts
from bot.content_export import FolderNotEmpty, export_content
from bot.content_files import ContentDraft, read_folder
from bot.content_import import ContentConflict, ImportCounts, import_content
from bot.content_problems import ContentRefused
from bot.content_rows import bump, read_items, read_revision
from bot.content_rules import ContentRules
from bot.content_store import ContentStore
from bot.database import Database, open_database
from bot.menu_content import MENU, MenuRow
from bot.tables import ContentRow, table
from broadcasts.topics import REGION, TOPIC
from faq.knowledge_base import CATEGORY, ENTRY
from zuruf import demo

KINDS = (TEXT, MENU, CATEGORY, ENTRY, REGION, TOPIC)
TEXTS = {"greeting": {"de": "Hallo", "en": "Hello"}}
TARGETS = frozenset({"faq", "agent", "topics", "language", "privacy"})
SAMPLE = Path(str(demo.__file__)).parent / "content"
MOST_S = 20

Import = Callable[..., Awaitable[ImportCounts]]


@pytest.fixture
def store(database: Database) -> ContentStore:
    return make_store(database)


def make_store(database: Database) -> ContentStore:
    return ContentStore(database, KINDS, Organisation(), TEXTS, TARGETS)


@pytest.fixture
def import_rows(store: ContentStore, database: Database, tmp_path: Path) -> Import:
    async def run(*rows: str, force: bool = False) -> ImportCounts:
        draft = drafted(tmp_path, "menu", "\n".join(rows) or "menu = []")
        return await import_content(database, store.rules, draft, 1_000, force=force)

    return run


def drafted(tmp_path: Path, kind: str, text: str) -> ContentDraft:
    file = tmp_path / f"{kind}.toml"
    file.write_text(text, "utf-8")
    return read_folder(file, KINDS)


def row(key: str, title: str = "", leads_to: str = "agent") -> str:
    titled = f'{{ de = "{title or key}", en = "{title or key}" }}'
    return f'[[menu]]\nid = "{key}"\ntitle = {titled}\nleads_to = "{leads_to}"\n'


def item(key: str, title: str) -> MenuRow:
    return MenuRow(id=key, title={"de": title, "en": title}, leads_to="agent")


def menu(content: Content) -> dict[str, str]:
    return {key: row.title["de"] for key, row in content.all("menu", MenuRow).items()}


async def live_menu(database: Database) -> dict[str, str]:
    store = make_store(database)
    await store.load()
    return menu(store.current)


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
    await import_content(database, store.rules, read_folder(SAMPLE / "faq", KINDS), 1_000)
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


async def test_the_sample_content_comes_back_from_an_export_unchanged(
    database: Database, tmp_path: Path
) -> None:
    texts = default_texts("bot", "faq", "broadcasts", "handoff")
    rules = ContentRules(KINDS, Organisation(), texts, TARGETS)
    await import_content(database, rules, read_folder(SAMPLE, KINDS), 1_000)
    before = await database.read(read_items)
    written = await export_content(database, KINDS, tmp_path / "out")
    draft = read_folder(tmp_path / "out", KINDS)
    assert written.items == len(draft.items) == len(before) > 50
    counts = await import_content(database, rules, draft, 2_000)
    assert counts == ImportCounts(0, 0, 0, len(before), reordered=False)
    assert await database.read(read_items) == before
    assert (tmp_path / "out" / "faq" / "prices.toml").exists()


async def test_an_export_keeps_the_editors_order_of_categories(
    database: Database, store: ContentStore, tmp_path: Path
) -> None:
    text = "".join(f'[[category]]\nid = "{key}"\ntitle = {{ de = "x", en = "x" }}\n' for key in "cab")
    await import_content(database, store.rules, drafted(tmp_path, "c", text), 1_000)
    await export_content(database, KINDS, tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out/faq").iterdir()) == [
        "1-c.toml",
        "2-a.toml",
        "3-b.toml",
    ]
    counts = await import_content(database, store.rules, read_folder(tmp_path / "out", KINDS), 1_000)
    assert counts == ImportCounts(0, 0, 0, 3, reordered=False)


async def test_an_export_leaves_out_what_was_removed_live(
    database: Database, store: ContentStore, import_rows: Import, tmp_path: Path
) -> None:
    await import_rows(row("a"), row("b"))
    await store.remove("menu", "a")
    await export_content(database, KINDS, tmp_path / "out")
    assert list(read_folder(tmp_path / "out", KINDS).items) == [("menu", "b")]


async def test_an_export_never_touches_a_folder_in_use_unless_forced(
    database: Database, import_rows: Import, tmp_path: Path
) -> None:
    await import_rows(row("a"))
    folder = tmp_path / "out"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "menu.toml").write_text(row("z"))
    (folder / "config.toml").write_text("[server]\n")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FolderNotEmpty):
        await export_content(database, KINDS, folder)
    assert not (folder / "menu.toml").exists()
    await export_content(database, KINDS, folder, force=True)
    left = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert left == ["config.toml", "menu.toml", "notes.txt"]


async def test_an_export_that_fails_half_way_leaves_nothing_behind(
    database: Database, store: ContentStore, tmp_path: Path
) -> None:
    text = row("a") + '[[category]]\nid = "b"\ntitle = { de = "B", en = "B" }\n'
    await import_content(database, store.rules, drafted(tmp_path, "c", text), 1_000)
    clashing = [replace(MENU, file="rows"), replace(CATEGORY, file="rows/{id}.toml")]
    folder = tmp_path / "new" / "out"
    folder.parent.mkdir()
    with pytest.raises(OSError, match="rows"):
        await export_content(database, clashing, folder)
    assert list(folder.parent.iterdir()) == []


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
