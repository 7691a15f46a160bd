"""What is wrong with content, where it stands and how to mend it, in an editor's words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_LANGUAGE = re.compile(r"[a-z]{2}")
_ID_CURE = 'use small letters, digits and hyphens, such as "beet-price"'
_TYPES = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "tuple_type": 'must be a list, such as ["...", "..."]',
    "list_type": 'must be a list, such as ["...", "..."]',
    "dict_type": 'must be a table with a text per language, such as { de = "...", en = "..." }',
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """Something that a person has to mend, with the place where they do it."""

    file: str  # empty: it is not in the files, but in what is live
    line: int  # 0: the file as a whole
    kind: str = ""
    id: str = ""
    message: str = ""
    cure: str = ""

    @property
    def place(self) -> str:
        """The file and line, as terminals and editors understand them."""
        return f"{self.file}:{self.line}" if self.line else self.file or "live content"

    def __str__(self) -> str:
        item = f'[[{self.kind}]] "{self.id}"' if self.id else f"[[{self.kind}]]" if self.kind else ""
        return ": ".join(filter(None, [self.place, item, "; ".join(filter(None, [self.message, self.cure]))]))


class ContentRefused(Exception):
    """The content has problems; nothing was changed. `problems` has all of them."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def suggestion(word: str, known: Iterable[str]) -> str:
    """How to mend a word that nobody knows."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}"


def unknown_keys(model: type[BaseModel], given: dict[str, Any]) -> list[str]:
    """Keys that an item of this model cannot have; where a model is open, languages are its keys."""
    is_open = model.model_config.get("extra") == "allow"
    unknown = [key for key in given if key not in model.model_fields]
    return [key for key in unknown if not (is_open and _LANGUAGE.fullmatch(key))]


def known_keys(model: type[BaseModel]) -> set[str]:
    """The keys that a model and the models below it have."""
    schema = model.model_json_schema()
    return {key for each in (schema, *schema.get("$defs", {}).values()) for key in each.get("properties", ())}


def explain(error: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """A validation error as message and cure."""
    where = [str(part) for part in error["loc"] if isinstance(part, str)]
    key = ".".join(where)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f'"{key}" is missing', f"write {key} = ... below the item's header" if len(where) == 1 else ""
    if kind == "extra_forbidden":
        return f'key "{key}" is unknown', suggestion(where[-1], known_keys(model))
    if kind == "value_error":
        return f"{key}: {context['error']}", ""
    if kind == "string_pattern_mismatch" and key == "id":
        return f'id "{error["input"]}" is not allowed', _ID_CURE
    if kind in {"string_too_short", "too_short"}:
        return f'"{key}" is empty', ""
    if kind == "string_too_long":
        return f'"{key}" has {len(error["input"])} characters', f"at most {context['max_length']} fit"
    return f'"{key}" {_TYPES.get(kind) or error["msg"].replace("Input should", "must")}', ""
