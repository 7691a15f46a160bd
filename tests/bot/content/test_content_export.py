"""Exports that come back unchanged."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.content import Organisation, default_texts
from bot.content_export import FolderNotEmpty, export_content
from bot.content_files import read_folder
from bot.content_import import ImportCounts, import_content
from bot.content_rows import read_items
from bot.content_rules import ContentRules
from bot.content_store import ContentStore
from bot.database import Database
from bot.menu_content import MENU
from faq.knowledge_base import CATEGORY
from tests.bot.content.stage import KINDS, TARGETS, Import, drafted, row
from zuruf.demo import SAMPLE_CONTENT


async def test_the_sample_content_comes_back_from_an_export_unchanged(
    database: Database, tmp_path: Path
) -> None:
    texts = default_texts("bot", "faq", "broadcasts", "handoff")
    rules = ContentRules(KINDS, Organisation(), texts, TARGETS)
    await import_content(database, rules, read_folder(SAMPLE_CONTENT, KINDS), 1_000)
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
