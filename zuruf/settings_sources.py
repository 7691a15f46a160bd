"""Where settings come from: a TOML file, the environment, and which of them said what."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.toml_lines import Path as TomlPath
from bot.toml_lines import key_lines
from zuruf.settings_errors import ConfigurationError, KeyPath, Problem

PREFIX = "ZURUF_"
_NAMED_TABLES = {"channels", "prices"}  # their tables are named after channels, which may contain hyphens
# Kubernetes and Docker hand every container variables about a service named "zuruf"; the tests have theirs.
_NO_SETTING = re.compile(r"ZURUF_(SERVICE_(HOST|PORT)|PORT|TEST)(_.*)?")
_AT_LINE = re.compile(r"(?P<what>.*?) \(at line (?P<line>\d+), column (?P<column>\d+)\)")


@dataclass(slots=True)
class Sources:
    """All values as they were given, and where each stands."""

    values: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    lines: Mapping[TomlPath, int] = field(default_factory=dict)
    variables: dict[KeyPath, str] = field(default_factory=dict)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """What is wrong with `path`, told where it was set or where the table begins that should have it."""
        source, line = self._place(path)
        return Problem(source, line, ".".join(path), message)

    def _place(self, path: KeyPath) -> tuple[str, int | None]:
        if not path:
            return self.file or "environment", None
        if path in self.variables:
            return self.variables[path], None
        if path in self.lines:
            return self.file, self.lines[path]
        for given, variable in self.variables.items():
            if given[: len(path)] == path:
                return variable, None
        for written, line in self.lines.items():
            if written[: len(path)] == path:
                return self.file, line
        return self._place(path[:-1])


def read(path: Path | None, environ: Mapping[str, str]) -> Sources:
    """The file's values, overridden by the environment's; raises ConfigurationError."""
    sources = _read_file(path) if path else Sources()
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and not _NO_SETTING.fullmatch(variable):
            key_path = _key_path(variable)
            _put(sources.values, key_path, environ[variable])
            sources.variables[key_path] = variable
    return sources


def variable_for(path: KeyPath) -> str:
    """The environment variable that sets `path`."""
    return PREFIX + "__".join(path).upper().replace("-", "_")


def _key_path(variable: str) -> KeyPath:
    parts = variable.removeprefix(PREFIX).lower().split("__")
    if parts[0] in _NAMED_TABLES and len(parts) > 1:
        parts[1] = parts[1].replace("_", "-")
    return tuple(parts)


def _put(values: dict[str, Any], path: KeyPath, value: str) -> None:
    """Set `path` unless something that is no table stands in its way, which is an error of its own."""
    for part in path[:-1]:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            return
        values = below
    values[path[-1]] = value


def _read_file(path: Path) -> Sources:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return Sources(tomllib.loads(text), str(path), key_lines(text))
    except FileNotFoundError:
        message = "there is no such file; copy config.example.toml to it and fill it in"
    except UnicodeDecodeError:
        message = "is not UTF-8 text; save it with that encoding"
    except OSError as error:
        message = f"cannot be read ({error.strerror}); see that Zuruf's user may read it"
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_syntax_problem(path, error)]) from None
    raise ConfigurationError([Problem(str(path), None, "", message)])


def _syntax_problem(path: Path, error: tomllib.TOMLDecodeError) -> Problem:
    found = _AT_LINE.fullmatch(str(error))
    what = f"{found['what']} in column {found['column']}" if found else str(error)
    line = int(found["line"]) if found else None
    return Problem(str(path), line, "", f'is not TOML: {what}; write key = "value", and each key only once')
