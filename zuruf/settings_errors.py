"""What is wrong with a configuration, where, and what to do about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from zuruf.settings_values import closest

KeyPath = tuple[str, ...]
_TYPES = {
    "string_type": 'must be text in quotes, such as "..."',
    "string_sub_type": 'must be text in quotes, such as "..."',
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": 'must be a list, such as ["...", "..."]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "path_type": 'must be text in quotes, such as "data/media"',
    "dataclass_type": 'must be text in quotes, such as "127.0.0.1:8080"',
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it stands, which key, and what to do."""

    source: str  # a file, or an environment variable
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}, line {self.line}"
        return ": ".join(filter(None, (place, self.key, self.message)))


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` has everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(map(str, self.problems)))


def key_path(error: ErrorDetails) -> KeyPath:
    """The key that an error is about; a validator of a table may name one `below` it."""
    path = tuple(str(part) for part in error["loc"] if isinstance(part, str))
    below = error.get("ctx", {}).get("below")
    return (*path, str(below)) if below else path


def explain(error: ErrorDetails, model: type[BaseModel], variable: str) -> str:
    """The error in words that an administrator can act on; never the value, which may be a secret."""
    kind = error["type"]
    if kind == "missing":
        return f"is missing; set it here, or in the environment as {variable}"
    if kind == "extra_forbidden":
        path = key_path(error)
        return unknown_key(path[-1], known_keys(model, path[:-1]))
    if kind == "value_error":
        return str(error["ctx"]["error"])
    return _TYPES.get(kind) or re.sub(r"^\w+ should", "must", error["msg"])


def unknown_key(key: str, known: list[str]) -> str:
    """What to say of a key, or a kind, that nobody knows."""
    near = closest(key, known)
    if near:
        return f'is unknown; did you mean "{near}"?'
    return f"is unknown; there are: {', '.join(known)}" if known else "is unknown; take it out"


def known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the table at `path` below `model` may have."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if not path:
        return list(fields)
    below = fields[path[0]].annotation if path[0] in fields else None
    tables = [each for each in _alternatives(below) if isinstance(each, type) and issubclass(each, BaseModel)]
    return known_keys(tables[0], path[1:]) if tables else []


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))
