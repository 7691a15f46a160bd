"""Writes items of content as TOML that people like to read and edit: long texts line by line."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit

LONG = 100
_SENTENCE_END = re.compile(r"(?<=[^\s.][^\s.\d][.!?]) (?=\S)")  # not the dots of "z. B." and "30. Juni"


def item_toml(kind: str, body: Mapping[str, Any]) -> str:
    """One item, from its header to its last line."""
    return "\n".join(_table(f"[[{kind}]]", kind, body)) + "\n"


def _table(header: str, path: str, body: Mapping[str, Any]) -> Iterator[str]:
    yield header
    tables = {key: value for key, value in body.items() if isinstance(value, dict) and not _fits(key, value)}
    for key, value in body.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        below = f"{path}.{_key(key)}"
        yield ""
        yield from _table(f"[{below}]", below, value)


def _fits(key: str, value: Mapping[str, Any]) -> bool:
    if not all(isinstance(each, str) and "\n" not in each for each in value.values()):
        return False
    return len(key) + len(_value(value)) <= LONG


def _key(key: str) -> str:
    return tomlkit.key(key).as_string()


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return "".join(["[\n", *(f"  {_value(each)},\n" for each in value), "]"]) if value else "[]"
    return str(tomlkit.item(value).as_string())


def _string(text: str) -> str:
    is_short = "\n" not in text and (len(text) <= LONG or not _SENTENCE_END.search(text))
    if is_short or "\r" in text:  # tomlkit would lose a carriage return between lines
        return tomlkit.string(text).as_string()
    written = tomlkit.string(text, multiline=True).as_string()[3:-3]
    # TOML drops a newline right after the quotes, and all blanks after a backslash at a line's end.
    start = "" if text.startswith("\n") else "\n"
    return '"""' + start + "\n".join(map(_sentences, written.split("\n"))) + '"""'


def _sentences(line: str) -> str:
    return _SENTENCE_END.sub(r" \\\n", line) if len(line) > LONG else line
