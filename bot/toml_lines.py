"""On which line each table and key of a TOML document begins; the standard library's parser tells none."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]  # ("entry", 3, "de", "title"): numbers count the tables of an array


def key_lines(document: str) -> dict[Path, int]:
    """The line of each table and key of a valid document."""
    lines: dict[Path, int] = {}
    arrays: Counter[Path] = Counter()
    table: Path = ()
    for line, statement in _statements(document):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _table(parsed, arrays)
            for path in (table[:-1], table):
                lines.setdefault(path, line)
        else:
            for path in _paths(parsed, table):
                lines.setdefault(path, line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, or of the nearest table or key above it; 0 for the whole document."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _statements(document: str) -> Iterator[tuple[int, str]]:
    # A statement is a line, or as many lines as it takes to make one that parses.
    statement, first = "", 1
    for number, line in enumerate(document.replace("\r\n", "\n").split("\n"), 1):
        first = first if statement else number
        statement += line + "\n"
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield first, statement
        statement = ""


def _table(header: Any, arrays: Counter[Path]) -> Path:
    """Where the keys below a header belong; counts the array's tables when it opens one."""
    path: Path = ()
    while header:
        if isinstance(header, list):
            arrays[path] += 1
            return (*path, arrays[path] - 1)
        ((name, header),) = header.items()
        path = (*path, name)
        if path in arrays and not isinstance(header, list):
            path = (*path, arrays[path] - 1)
    return path


def _paths(value: Any, above: Path) -> Iterator[Path]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        if isinstance(value, dict) or isinstance(below, dict):
            yield (*above, key)
            yield from _paths(below, (*above, key))
