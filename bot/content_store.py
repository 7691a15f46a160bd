"""The live content in memory: one revision, replaced whole, the same in every process within moments."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog
from pydantic import BaseModel
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content import Content, Problem
from bot.content_problems import ContentRefused, FileProblem
from bot.content_rows import (
    LiveItem,
    bump,
    delete_items,
    lock,
    parse,
    read_items,
    read_revision,
    replace_items,
)
from bot.content_rules import ContentRules, Key, body_of
from bot.database import Database

log = structlog.get_logger(__name__)

POLL_S = 0.25
RETRY_S = 5.0  # after a revision that could not be taken over: fitting it again and again costs the CPU
Listener = Callable[[Content], None]


class ContentStore:
    """Holds the content of the moment, follows its changes, and takes edits."""

    def __init__(
        self,
        database: Database,
        rules: ContentRules,
        clock: Clock | None = None,
    ) -> None:
        self.rules = rules
        self._database = database
        self._clock = clock or Clock()
        self._current = self.rules.content({}, revision=-1)
        self._listeners: list[Listener] = []
        self._loading = asyncio.Lock()

    @property
    def current(self) -> Content:
        """The content of the moment; keep it for as long as one answer takes, no longer."""
        return self._current

    def on_change(self, listener: Listener) -> None:
        """Call `listener`, in a thread, with each new revision before it becomes current."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Make the stored content current; when that fails, the content of before stays."""
        async with self._loading:
            revision, live = await self._database.read(_read)
            if revision != self._current.revision:
                self._current = await asyncio.to_thread(self._prepare, revision, live)

    async def follow(self) -> None:
        """Take over every new revision, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                if await self._database.read(read_revision) != self._current.revision:
                    await self.load()
            except Exception:
                log.exception("content.reload_failed", kept=self._current.revision)
                await asyncio.sleep(RETRY_S)

    async def save(self, kind: str, item: BaseModel) -> None:
        """Add or change one live item; raises ContentRefused if that would break the whole."""
        key = (kind, str(body_of(item)["id"]))
        now_ms = self._clock.now_ms()
        await self._database.write(lambda connection: _save(connection, self.rules, key, item, now_ms))
        await self.load()

    async def remove(self, kind: str, key: str) -> None:
        """Take one item out; raises ContentRefused if others need it, KeyError if there is none."""
        now_ms = self._clock.now_ms()
        await self._database.write(lambda connection: _remove(connection, self.rules, (kind, key), now_ms))
        await self.load()

    def _prepare(self, revision: int, live: dict[Key, LiveItem]) -> Content:
        content = self.rules.content(parse(self.rules, live), revision)
        for listener in self._listeners:
            listener(content)
        return content


def _read(connection: Connection) -> tuple[int, dict[Key, LiveItem]]:
    # The revision first: rows that are newer than it are read again at the next look.
    return read_revision(connection), read_items(connection)


def _save(connection: Connection, rules: ContentRules, key: Key, item: BaseModel, now_ms: int) -> None:
    lock(connection)
    live = read_items(connection)
    body = body_of(item)
    before = live.get(key)
    if before is None:
        end = 1 + max((each.position for each in live.values() if each.kind == key[0]), default=-1)
        before = LiveItem(*key, end, {}, "", now_ms)
    if before.body != body:
        _refuse_new_problems(rules, live, {**live, key: replace(before, body=body)})
        replace_items(connection, [replace(before, body=body, changed_at_ms=now_ms)])
        bump(connection)


def _remove(connection: Connection, rules: ContentRules, key: Key, now_ms: int) -> None:
    lock(connection)
    live = read_items(connection)
    if key not in live or live[key].removed:
        raise KeyError(key)
    _refuse_new_problems(rules, live, {each: item for each, item in live.items() if each != key})
    if live[key].imported_digest:
        replace_items(connection, [replace(live[key], body={}, changed_at_ms=now_ms)])
    else:
        delete_items(connection, [key])
    bump(connection)


def _refuse_new_problems(
    rules: ContentRules, before: dict[Key, LiveItem], after: dict[Key, LiveItem]
) -> None:
    known = set(rules.problems(parse(rules, before)))
    new: list[Problem] = [each for each in rules.problems(parse(rules, after)) if each not in known]
    if new:
        raise ContentRefused(FileProblem("", 0, each.kind, each.id, each.message) for each in new)
