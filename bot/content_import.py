"""Makes the live content equal to files, unless that would undo what people changed since."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bot.content import JsonBody
from bot.content_files import ContentDraft
from bot.content_problems import ContentRefused, FileProblem
from bot.content_rows import LiveItem, bump, delete_items, lock, parse, read_items, replace_items
from bot.content_rules import ContentRules, Key, body_of, digest
from bot.content_toml import item_toml
from bot.database import Database


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did to the live content."""

    added: int
    changed: int
    removed: int
    unchanged: int
    reordered: bool  # items stand in another order than before


@dataclass(frozen=True, slots=True)
class Conflict:
    """An item that was edited live since its last import, and that the import would overwrite."""

    kind: str
    id: str
    difference: tuple[str, ...]  # lines of a unified diff from live to the files


class ContentConflict(Exception):
    """Items were edited since their last import; nothing was changed. `conflicts` has all of them."""

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        super().__init__(", ".join(f"{conflict.kind} {conflict.id}" for conflict in self.conflicts))


async def import_content(
    database: Database, rules: ContentRules, draft: ContentDraft, now_ms: int, *, force: bool = False
) -> ImportCounts:
    """Make the live content equal the draft, in one transaction, for the kinds that the draft holds.

    Items of those kinds that the draft lacks are removed. `force` overwrites live edits. Raises
    ContentRefused for content with problems, ContentConflict for live edits that would be lost;
    nothing is changed then.
    """
    if draft.problems:
        raise ContentRefused(draft.check(rules))
    return await database.write(lambda connection: _import(connection, rules, draft, now_ms, force=force))


@dataclass(frozen=True, slots=True)
class _Comparison:
    wanted: Mapping[Key, LiveItem]
    live: Mapping[Key, LiveItem]  # of the wanted kinds

    @property
    def added(self) -> list[Key]:
        return [key for key in self.wanted if key not in self.live or self.live[key].removed]

    @property
    def changed(self) -> list[Key]:
        both = [key for key in self.wanted if key in self.live and not self.live[key].removed]
        return [key for key in both if self.wanted[key].body != self.live[key].body]

    @property
    def removed(self) -> list[Key]:
        return [key for key, item in self.live.items() if key not in self.wanted and not item.removed]

    @property
    def conflicts(self) -> list[Key]:
        overwritten = [key for key in (*self.added, *self.changed, *self.removed) if key in self.live]
        return [key for key in overwritten if self.live[key].edited]

    @property
    def reordered(self) -> bool:
        both = self.wanted.keys() & self.live.keys()
        before = sorted((key for key in self.live if key in both), key=_kind)
        return before != sorted((key for key in self.wanted if key in both), key=_kind)


def _import(
    connection: Connection, rules: ContentRules, draft: ContentDraft, now_ms: int, *, force: bool
) -> ImportCounts:
    lock(connection)
    stored = read_items(connection)
    comparison = _Comparison(
        _wanted(draft, stored, now_ms), {key: item for key, item in stored.items() if key[0] in draft.kinds}
    )
    problems = _new_problems(rules, draft, stored)
    if problems:
        raise ContentRefused(problems)
    if comparison.conflicts and not force:
        raise ContentConflict(_conflict(key, comparison) for key in comparison.conflicts)
    return _apply(connection, comparison)


def _apply(connection: Connection, comparison: _Comparison) -> ImportCounts:
    wanted, live = comparison.wanted, comparison.live
    delete_items(connection, [key for key in live if key not in wanted])
    replace_items(connection, [item for key, item in wanted.items() if item != live.get(key)])
    counts = ImportCounts(
        added=len(comparison.added),
        changed=len(comparison.changed),
        removed=len(comparison.removed),
        unchanged=len(wanted) - len(comparison.added) - len(comparison.changed),
        reordered=comparison.reordered,
    )
    if counts.added or counts.changed or counts.removed or counts.reordered:
        bump(connection)
    return counts


def _wanted(draft: ContentDraft, stored: Mapping[Key, LiveItem], now_ms: int) -> dict[Key, LiveItem]:
    wanted = {}
    for position, (key, item) in enumerate(draft.models.items()):
        body = body_of(item)
        row = LiveItem(*key, position, body, digest(body), now_ms)
        before = stored.get(key)
        same = before is not None and before.body == body
        wanted[key] = replace(row, changed_at_ms=before.changed_at_ms) if before and same else row
    return wanted


def _new_problems(rules: ContentRules, draft: ContentDraft, stored: dict[Key, LiveItem]) -> list[FileProblem]:
    """What is wrong with the files, and what they would break in the content beside them."""
    live = parse(rules, stored)
    beside = {key: item for key, item in live.items() if key[0] not in draft.kinds}
    known = rules.problems(live)
    after = rules.problems({**beside, **draft.models})
    new = [each for each in after if each.kind in draft.kinds or each not in known]
    return sorted({draft.locate(problem) for problem in new})


def _conflict(key: Key, comparison: _Comparison) -> Conflict:
    live, wanted = comparison.live[key], comparison.wanted.get(key)
    difference = difflib.unified_diff(
        _lines(key, live.body), _lines(key, wanted.body if wanted else {}), "live", "files", lineterm=""
    )
    return Conflict(*key, tuple(difference))


def _lines(key: Key, body: JsonBody) -> list[str]:
    return item_toml(key[0], body).splitlines() if body else []


def _kind(key: Key) -> str:
    return key[0]
