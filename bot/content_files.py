"""Content as files that people edit and keep in a repository: `[[entry]]`, `[[menu]]`, ... in TOML."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.content import ContentKind, Problem
from bot.content_problems import FileProblem, explain, suggestion, unknown_keys
from bot.content_rules import ContentRules, Key
from bot.toml_lines import Path as KeyPath
from bot.toml_lines import key_lines, line_of

_AT_LINE = re.compile(r"(?P<what>.*?) \(at line (?P<line>\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class DraftItem:
    """An item as it stands in a file."""

    item: BaseModel
    file: str
    line: int


@dataclass(frozen=True)
class ContentDraft:
    """What files say, whether or not it can go live."""

    items: Mapping[Key, DraftItem]
    problems: tuple[FileProblem, ...]
    kinds: Mapping[str, str]  # those that the files hold, with the first file that does
    unreadable: bool = False  # a whole file is missing: what the rest lacks cannot be told

    @property
    def models(self) -> dict[Key, BaseModel]:
        """The readable items by kind and id."""
        return {key: drafted.item for key, drafted in self.items.items()}

    def check(self, rules: ContentRules) -> tuple[FileProblem, ...]:
        """All that is wrong with the files, taken by themselves."""
        if self.unreadable:
            return self.problems
        whole = [self.locate(problem) for problem in rules.problems(self.models)]
        return tuple(sorted({*self.problems, *whole}))

    def locate(self, problem: Problem) -> FileProblem:
        """The problem with its place in the files, if it has one."""
        drafted = self.items.get((problem.kind, problem.id))
        file = drafted.file if drafted else "" if problem.id else self.kinds.get(problem.kind, "")
        line = drafted.line if drafted else 0
        return FileProblem(file, line, problem.kind, problem.id, problem.message)


def read_folder(path: Path, kinds: Sequence[ContentKind]) -> ContentDraft:
    """Read every *.toml below a folder, or one file; what cannot be read becomes a problem, never an error.

    Items are in the order of the files' paths, and within a file as they stand.
    """
    reader = _Reader({kind.name: kind.model for kind in kinds})
    files = content_files(path)
    for file in files:
        reader.read_file(file)
    if not files:
        there = "no *.toml file is in this folder" if path.is_dir() else "there is no such file or folder"
        reader.give_up(path, 0, there, "name a folder with content, or a *.toml file")
    return ContentDraft(reader.items, tuple(sorted(reader.problems)), reader.found, reader.unreadable)


def content_files(path: Path) -> list[Path]:
    """The files that hold content, in order; hidden files and folders are left alone."""
    if not path.is_dir():
        return [path] if path.exists() else []
    below = [file.relative_to(path) for file in path.rglob("*.toml") if not file.is_dir()]
    visible = [file for file in below if not any(part.startswith(".") for part in file.parts)]
    return [path / file for file in sorted(visible, key=lambda file: file.parts)]


@dataclass(frozen=True)
class _Source:
    file: str
    text: str

    def line(self, *path: str | int) -> int:
        return line_of(self._lines, path)

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)


@dataclass(slots=True)
class _Reader:
    models: Mapping[str, type[BaseModel]]
    items: dict[Key, DraftItem] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)  # of every id, readable or not
    unreadable: bool = False

    def give_up(self, file: Path, line: int, message: str, cure: str) -> None:
        self.unreadable = True
        self.problems.append(FileProblem(str(file), line, message=message, cure=cure))

    def read_file(self, file: Path) -> None:
        data = b""
        try:
            data = file.read_bytes()
            text = data.decode("utf-8-sig")
            self.read_tables(_Source(str(file), text), tomllib.loads(text))
        except OSError as error:
            self.give_up(file, 0, f"cannot be read ({error.strerror})", "see that Zuruf's user may read it")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.give_up(file, line, "is not UTF-8 text", "save the file with the encoding UTF-8")
        except tomllib.TOMLDecodeError as error:
            self.give_up(file, *_syntax(error, text))
        except (RecursionError, ValueError):  # the parser's own limits: depth, digits of a number
            self.give_up(file, 0, "holds something that no content is", "write items as [[entry]], [[menu]]")

    def read_tables(self, source: _Source, tables: dict[str, Any]) -> None:
        for name, items in tables.items():
            if name not in self.models:
                message = f'content of the kind "{name}" is unknown'
                cure = suggestion(name, self.models)
                self.problems.append(FileProblem(source.file, source.line(name), name, "", message, cure))
            elif not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                message, cure = f'"{name}" is no list of items', f"begin each item with [[{name}]]"
                self.problems.append(FileProblem(source.file, source.line(name), name, "", message, cure))
            else:
                self.found.setdefault(name, source.file)
                for number, item in enumerate(items):
                    self.read_item(source, name, number, item)

    def read_item(self, source: _Source, kind: str, number: int, given: dict[str, Any]) -> None:
        key = given.get("id") if isinstance(given.get("id"), str) else ""
        line = source.line(kind, number)
        problems = [
            FileProblem(source.file, source.line(kind, number, *path), kind, str(key), message, cure)
            for path, message, cure in _mistakes(self.models[kind], given)
        ]
        place = f"{source.file}:{line}"
        if key and self.places.setdefault((kind, key), place) != place:
            message = f'id "{key}" is taken already, in {self.places[kind, key]}'
            problems.append(FileProblem(source.file, line, kind, key, message, "give each item its own id"))
        if not problems:
            item = self.models[kind].model_validate(given)
            self.items[kind, str(key)] = DraftItem(item, source.file, line)
        self.problems += problems


def _mistakes(model: type[BaseModel], given: dict[str, Any]) -> list[tuple[KeyPath, str, str]]:
    unknown = unknown_keys(model, given)
    mistakes: list[tuple[KeyPath, str, str]] = [
        ((key,), f'key "{key}" is unknown', suggestion(key, model.model_fields)) for key in unknown
    ]
    try:
        model.model_validate(given)
    except ValidationError as invalid:
        errors = [error for error in invalid.errors() if error["loc"][:1] not in [(key,) for key in unknown]]
        mistakes += [(error["loc"], *explain(error, model)) for error in errors]
    return mistakes


def _syntax(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str, str]:
    found = _AT_LINE.fullmatch(str(error))
    line = int(found["line"]) if found else text.count("\n") + 1
    what = found["what"] if found else str(error).removesuffix(" (at end of document)")
    return line, f"is not TOML: {what}", 'text stands in quotes: key = "value"; each key once'
