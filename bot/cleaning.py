"""Characters that no database and no page can carry, taken out of what people and providers send."""

from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

Value = TypeVar("Value")


def clean_text(text: str) -> str:
    """`text` without NUL, and with lone surrogates shown as the replacement character.

    PostgreSQL refuses both in text; SQLite keeps them, to fail later in JSON and UTF-8.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


@lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def clean(value: Value) -> Value:
    """The same value, with every text in it cleaned; values without trouble are returned as they are."""
    cleaned: Any = value
    if isinstance(value, str):
        cleaned = clean_text(value)
    elif isinstance(value, tuple):
        cleaned = tuple(clean(part) for part in value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for name in _names(type(value)):
            part = getattr(value, name)
            new = clean(part) if part else part
            if new is not part:
                changed[name] = new
        cleaned = replace(value, **changed) if changed else value
    return cleaned  # type: ignore[no-any-return]  # the branches keep the type
