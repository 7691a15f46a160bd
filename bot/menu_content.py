"""The category menu as content: rows, two levels or more, at most seven rows a level."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from bot.content import Content, ContentItem, ContentKind, Localised, Problem

MOST_ROWS = 7  # what fits one phone screen as numbered text, with 0 and 9 below it
TITLE_LIMIT = 24  # the shortest list row among the messengers (WhatsApp)


def _short(texts: dict[str, str]) -> dict[str, str]:
    for language, text in texts.items():
        if len(text) > TITLE_LIMIT:
            raise ValueError(f'"{text}" ({language}) has {len(text)} characters, at most {TITLE_LIMIT} fit')
    return texts


Title = Annotated[Localised, AfterValidator(_short)]


class MenuRow(ContentItem):
    """`[[menu]]`: a row with rows below it, a `text`, or what it `leads_to` ("faq:ID", "agent")."""

    title: Title
    description: Localised | None = None
    under: str = ""  # the row above; empty on the first level
    text: Localised | None = None
    leads_to: str = ""


def rows_under(content: Content, parent: str) -> list[MenuRow]:
    """The rows of one level, in the editors' order."""
    return [row for row in content.all("menu", MenuRow).values() if row.under == parent]


def check_menu(content: Content) -> Iterable[Problem]:
    """Rows that lead nowhere, twice, or in a circle; levels that are too long."""
    rows = content.all("menu", MenuRow)
    for key, row in rows.items():
        yield from _check_row(content, rows, key, row)
    for parent in ["", *rows]:
        count = len(rows_under(content, parent))
        if count > MOST_ROWS:
            yield Problem("menu", parent, f"{count} rows below it, at most {MOST_ROWS} fit a phone")


def _check_row(content: Content, rows: dict[str, MenuRow], key: str, row: MenuRow) -> Iterable[Problem]:
    if row.under and row.under not in rows:
        yield Problem("menu", key, f'stands under "{row.under}", which does not exist')
    if _in_a_circle(rows, key):
        yield Problem("menu", key, "stands under itself")
    leads = [bool(rows_under(content, key)), row.text is not None, bool(row.leads_to)]
    if sum(leads) != 1:
        yield Problem("menu", key, "needs one of: rows below it, a text, leads_to")
    target, _, _ = row.leads_to.partition(":")
    if target and target not in content.targets:
        yield Problem("menu", key, f'leads to "{row.leads_to}"; known are {sorted(content.targets)}')


def _in_a_circle(rows: dict[str, MenuRow], key: str) -> bool:
    seen: set[str] = set()
    while key in rows and key not in seen:
        seen.add(key)
        key = rows[key].under
    return key in seen


MENU = ContentKind("menu", MenuRow, check_menu, file="menu.toml")
