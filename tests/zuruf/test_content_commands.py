"""`zuruf content`, as an administrator types it."""

import asyncio
from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.content import Organisation
from bot.content_rules import ContentRules
from bot.content_store import ContentStore
from bot.database import Database, open_database
from bot.menu_content import MENU, MenuRow
from zuruf.content_commands import content_commands

RULES = ContentRules((MENU,), Organisation(), {}, frozenset({"agent"}))
ROW = '[[menu]]\nid = "people"\ntitle = { de = "Mensch", en = "Person" }\nleads_to = "agent"\n'


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "menu.toml").write_text(ROW)
    return folder


@pytest.fixture
def commands(database_url: str) -> typer.Typer:
    return content_commands(lambda config: RULES, lambda config: open_database(database_url))


def run(commands: typer.Typer, *arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(each) for each in arguments])


def edit_live(database_url: str, title: str) -> None:
    async def save() -> None:
        database = open_database(database_url)
        store = ContentStore(database, RULES)
        titles = {"de": title, "en": title}
        await store.save("menu", MenuRow(id="people", title=titles, leads_to="agent"))
        await database.close()

    asyncio.run(save())


def test_an_import_and_an_export_say_what_they_did(
    commands: typer.Typer, content: Path, tmp_path: Path
) -> None:
    imported = run(commands, "import", content)
    assert (imported.exit_code, imported.output) == (0, "1 added, 0 changed, 0 removed, 0 unchanged.\n")
    exported = run(commands, "export", tmp_path / "out")
    assert (exported.exit_code, exported.output) == (0, f"1 item written to 1 file in {tmp_path}/out.\n")
    assert (tmp_path / "out" / "menu.toml").read_text() == ROW
    again = run(commands, "export", tmp_path / "out")
    assert again.exit_code == 1
    assert "--force" in again.output


def test_an_import_over_live_edits_shows_them_and_wants_force(
    commands: typer.Typer, content: Path, database_url: str
) -> None:
    run(commands, "import", content)
    edit_live(database_url, "Leute")
    refused = run(commands, "import", content)
    assert refused.exit_code == 1
    assert '[[menu]] "people" was edited live:' in refused.output
    assert '-title = { de = "Leute", en = "Leute" }' in refused.output
    assert "1 live edit would be lost; nothing was changed." in refused.output
    assert run(commands, "import", content, "--force").output.startswith("0 added, 1 changed")


def test_problems_are_named_with_their_places_and_nothing_is_imported(
    commands: typer.Typer, content: Path, tmp_path: Path
) -> None:
    (content / "menu.toml").write_text(ROW + 'titel = "x"\n')
    (content / "more.toml").write_text("[[menue]]\n")
    for command in ("check", "import"):
        refused = run(commands, command, content)
        assert refused.exit_code == 1
        assert f'{content}/menu.toml:5 [[menu]] "people" key "titel" is unknown' in refused.output
        assert 'did you mean "menu"?' in refused.output
        assert "2 problems; nothing was changed." in refused.output
    run(commands, "export", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_check_needs_no_database(content: Path) -> None:
    def never(config: Path) -> NoReturn:
        raise AssertionError("the database was opened")

    checked = run(content_commands(lambda config: RULES, never), "check", content)
    assert (checked.exit_code, checked.output) == (0, "In order: 1 menu.\n")


def test_a_database_that_is_away_is_told_in_one_line(content: Path) -> None:
    def away(config: Path) -> Database:
        return open_database("postgresql://nobody:secret@127.0.0.1:1/nothing")

    failed = run(content_commands(lambda config: RULES, away), "import", content)
    assert failed.exit_code == 1
    assert failed.output.startswith("The database cannot be used:")
    assert "secret" not in failed.output


def test_an_export_to_where_nothing_can_be_written_is_told_in_one_line(
    commands: typer.Typer, content: Path, tmp_path: Path
) -> None:
    failed = run(commands, "export", content / "menu.toml" / "out")
    assert failed.exit_code == 1
    assert "Not a directory" in failed.output
    assert str(content / "menu.toml") in failed.output
