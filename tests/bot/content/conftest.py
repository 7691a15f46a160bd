"""A store on the test's database, and imports into it."""

from pathlib import Path

import pytest

from bot.content_import import ImportCounts, import_content
from bot.content_store import ContentStore
from bot.database import Database
from tests.bot.content.stage import Import, drafted, make_store


@pytest.fixture
def store(database: Database) -> ContentStore:
    return make_store(database)


@pytest.fixture
def import_rows(store: ContentStore, database: Database, tmp_path: Path) -> Import:
    async def run(*rows: str, force: bool = False) -> ImportCounts:
        draft = drafted(tmp_path, "menu", "\n".join(rows) or "menu = []")
        return await import_content(database, store.rules, draft, 1_000, force=force)

    return run
