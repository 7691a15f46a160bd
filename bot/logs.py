"""Logs that an administrator can show to anybody: structlog, with everything that leaves redacted.

What other libraries log keeps its wording and loses its arguments, and is heard from WARNING on: below
that they narrate statements and requests with everything in them. Errors are logged by type and place,
without their messages (`bot.redaction.error_kind` says why).
"""

import logging
import sys
from collections.abc import Mapping
from pathlib import PurePath
from traceback import extract_tb
from types import TracebackType
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.redaction import error_kind, redact, register_secret

__all__ = ["configure", "register_secret"]

MOST_FRAMES = 12


def configure(level: str = "INFO", json: bool = False, stream: TextIO | None = None) -> None:
    """Log from `level` on to `stream` (standard error), as JSON lines or for the eye."""
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_name,
            _describe_error,
            redact,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render_json if json else _console_renderer(stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *names: _NamedLogger(stream, *names),
        cache_logger_on_first_use=False,  # loggers made at import time follow a later `configure`
    )
    root = logging.getLogger()
    root.handlers = [_ForeignHandler(logging.WARNING)]  # any other one would print what is hidden here
    root.setLevel(max(number, logging.WARNING))


class _NamedLogger(structlog.WriteLogger):
    """Writes lines, and knows whose they are."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        super().__init__(stream)
        self.name = name


def _add_name(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if logger.name:
        event["logger"] = logger.name
    return event


def _describe_error(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The exception becomes `error` (types and codes, the cause last) and `at` (places)."""
    event.pop("stack_info", None)
    found = event.pop("exc_info", None)
    error = _raised(found) if found else None
    if error is not None:
        chain = _with_causes(error)
        event["error"] = " <- ".join(map(error_kind, chain))
        event["at"] = [place for each in chain for place in _places(each.__traceback__)][:MOST_FRAMES]
    return event


def _raised(found: Any) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    return cast("BaseException | None", found[1] if isinstance(found, tuple) else sys.exc_info()[1])


def _with_causes(error: BaseException) -> list[BaseException]:
    """`error` and what led to it, the members of groups included, nothing twice."""
    chain: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if any(each is known for known in chain):
            continue
        chain.append(each)
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(each.exceptions)
        cause = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if cause is not None:
            waiting.append(cause)
    return chain


def _places(traceback: TracebackType | None) -> list[str]:
    """Where an error passed, innermost first."""
    frames = extract_tb(traceback)
    return [
        f"{'/'.join(PurePath(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    ]


def _render_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return msgspec.json.encode(event).decode()


def _console_renderer(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=36)


class _ForeignHandler(logging.Handler):
    """Hands what other libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, _foreign_message(record), exc_info=record.exc_info)


def _foreign_message(record: logging.LogRecord) -> str:
    """The first line of a message as its library words it, with its numbers but no other arguments.

    Only the first line, because asyncio and others append the repr of an exception or a task to it.
    """
    first_line = str(record.msg).split("\n", 1)[0]
    arguments = record.args
    try:
        if isinstance(arguments, Mapping):
            return first_line % {key: _shown(value) for key, value in arguments.items()}
        return first_line % tuple(map(_shown, arguments)) if arguments else first_line
    except (TypeError, ValueError):  # the first line takes fewer arguments, or %x cannot show a masked one
        return first_line


def _shown(argument: object) -> object:
    return argument if isinstance(argument, int | float) else _TypeOnly(argument)


class _TypeOnly:
    """Stands in for an argument of somebody else's message."""

    def __init__(self, value: object) -> None:
        self._shown = f"<{type(value).__name__}>"

    def __str__(self) -> str:
        return self._shown

    __repr__ = __str__
