"""What the tests of the live content share: rows as files, and stores as other processes have them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.content import TEXT, Content, Organisation
from bot.content_files import ContentDraft, read_folder
from bot.content_import import ImportCounts
from bot.content_rules import ContentRules
from bot.content_store import ContentStore
from bot.database import Database
from bot.menu_content import MENU, MenuRow
from broadcasts.topics import REGION, TOPIC
from faq.knowledge_base import CATEGORY, ENTRY

KINDS = (TEXT, MENU, CATEGORY, ENTRY, REGION, TOPIC)
TEXTS = {"greeting": {"de": "Hallo", "en": "Hello"}}
TARGETS = frozenset({"faq", "agent", "topics", "language", "move", "privacy"})
MOST_S = 20

Import = Callable[..., Awaitable[ImportCounts]]


def make_store(database: Database) -> ContentStore:
    return ContentStore(database, ContentRules(KINDS, Organisation(), TEXTS, TARGETS))


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
