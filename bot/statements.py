"""Statements on many rows at once, for the hot path and on both databases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as its driver takes it: the parameters in order, each with its converter."""

    sql: str
    parameters: list[tuple[str, Callable[[Any], Any] | None]]
    constants: dict[str, Any]  # written in the statement itself, the same for all rows


@lru_cache(maxsize=256)
def _compiled(statement: sa.UpdateBase, columns: tuple[str, ...], dialect: sa.Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    order = compiled.positiontup or []
    types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in order}
    constants = {name: compiled.params[name] for name in order if name not in columns}
    return _Compiled(
        str(compiled), [(name, types[name].bind_processor(dialect)) for name in order], constants
    )


def run_many(connection: Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement once per row, by the driver's own executemany; all rows have the same keys.

    SQLAlchemy's way through its compiler costs three times as much a row, on the hottest path there is.
    `statement` is a constant of a module: it is compiled once.
    """
    if not rows:
        return
    compiled = _compiled(statement, tuple(rows[0]), connection.dialect)
    if compiled.constants:
        rows = [{**compiled.constants, **row} for row in rows]
    values = [
        tuple(convert(row[name]) if convert else row[name] for name, convert in compiled.parameters)
        for row in rows
    ]
    connection.exec_driver_sql(compiled.sql, values)


def insert_new(
    connection: Connection, table: sa.Table, rows: list[dict[str, Any]], *returning: sa.Column[Any]
) -> Sequence[sa.Row[Any]]:
    """Insert the rows whose keys are not there yet, and return `returning` of those alone."""
    if not rows:
        return []
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(*returning)
    return connection.execute(statement, rows).all()
