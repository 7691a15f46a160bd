"""The rows of the live content, and the revision that tells every process of a change.

A row without a body stands for an imported item that was removed while live: the next import of
unchanged files must not bring it back unasked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from bot.content import JsonBody
from bot.content_rules import ContentRules, Key, digest
from bot.statements import insert_new
from bot.tables import ContentRow, Revision, table

log = structlog.get_logger(__name__)

CONTENT = "content"  # the revision's name
_ITEM = table(ContentRow)
_REVISION = table(Revision)


@dataclass(frozen=True, slots=True)
class LiveItem:
    """A stored item of content."""

    kind: str
    key: str
    position: int
    body: JsonBody
    imported_digest: str
    changed_at_ms: int

    @property
    def removed(self) -> bool:
        """Taken out since its import; kept for the next import alone."""
        return not self.body

    @property
    def edited(self) -> bool:
        """Changed, made or removed since the last import."""
        return digest(self.body) != self.imported_digest


def read_revision(connection: Connection) -> int:
    """The number of the live content; cheap."""
    statement = sa.select(_REVISION.c.value).where(_REVISION.c.name == CONTENT)
    return connection.execute(statement).scalar() or 0


def read_items(connection: Connection) -> dict[Key, LiveItem]:
    """All rows, in the editors' order."""
    columns = [_ITEM.c[name] for name in LiveItem.__dataclass_fields__]
    rows = connection.execute(sa.select(*columns).order_by(_ITEM.c.kind, _ITEM.c.position, _ITEM.c.key))
    return {(row.kind, row.key): LiveItem(*row) for row in rows}


def lock(connection: Connection) -> None:
    """Let nobody else change the content before this transaction ends."""
    insert_new(connection, _REVISION, [{"name": CONTENT, "value": 0}], _REVISION.c.value)
    connection.execute(sa.select(_REVISION.c.value).where(_REVISION.c.name == CONTENT).with_for_update())


def replace_items(connection: Connection, items: Sequence[LiveItem]) -> None:
    """Put items in the place of those with the same kind and id."""
    delete_items(connection, [(item.kind, item.key) for item in items])
    if items:
        rows = [{name: getattr(item, name) for name in LiveItem.__dataclass_fields__} for item in items]
        connection.execute(_ITEM.insert(), rows)


def delete_items(connection: Connection, keys: Iterable[Key]) -> None:
    """Take rows out for good."""
    rows = [{"of_kind": kind, "of_key": key} for kind, key in keys]
    if rows:
        is_one = (_ITEM.c.kind == sa.bindparam("of_kind")) & (_ITEM.c.key == sa.bindparam("of_key"))
        connection.execute(_ITEM.delete().where(is_one), rows)


def bump(connection: Connection) -> None:
    """Tell every process that the content has changed."""
    connection.execute(
        _REVISION.update().where(_REVISION.c.name == CONTENT).values(value=_REVISION.c.value + 1)
    )


def parse(rules: ContentRules, live: dict[Key, LiveItem]) -> dict[Key, BaseModel]:
    """The items that are still what their kinds ask for; the others are logged and left out."""
    parsed = {}
    for (kind, key), item in live.items():
        if item.removed:
            continue
        model = rules.model(kind)
        try:
            if model is None:
                log.warning("content.kind_unknown", kind=kind, id=key)
            else:
                parsed[kind, key] = model.model_validate(item.body)
        except ValidationError as invalid:
            log.warning("content.item_skipped", kind=kind, id=key, problems=invalid.error_count())
    return parsed
