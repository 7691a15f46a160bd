"""Trouble that an administrator can mend, in words; only bugs show a traceback."""

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer
from rich.console import Console
from sqlalchemy.exc import DatabaseError

from bot.commits import DatabaseUnavailable
from bot.lock import AlreadyRunning
from bot.migrations import NewerDatabase
from zuruf.settings_errors import ConfigurationError

Parameters = ParamSpec("Parameters")
KNOWN_TROUBLE = (ConfigurationError, AlreadyRunning, NewerDatabase)
DATABASE_CURE = "Is [storage] database right, reachable and writable? `zuruf check` looks."


def told_plainly(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """What an administrator can mend is said in words and ends with 1."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Exception as trouble:
            told = in_words(trouble)
            if told is None:
                raise
            Console(stderr=True, highlight=False, soft_wrap=True).print(told, style="red", markup=False)
            raise typer.Exit(1) from None

    return run


def in_words(trouble: Exception) -> str | None:
    """What is wrong and where; None for a bug."""
    if isinstance(trouble, KNOWN_TROUBLE):
        return str(trouble)
    if isinstance(trouble, DatabaseUnavailable):
        return f"The database cannot be used: {trouble}. {DATABASE_CURE}"
    if type(trouble) is DatabaseError:  # its subclasses are about statements of ours
        return f"The database cannot be used: {trouble.orig}. {DATABASE_CURE}"
    return os_trouble(trouble) if isinstance(trouble, OSError) else None


def os_trouble(trouble: OSError) -> str:
    """What the system says, with the file that it is about: "data/media: Permission denied"."""
    # Event loops put a sentence of their own before the system's words.
    said = os.strerror(trouble.errno) if trouble.errno and trouble.errno > 0 else trouble.strerror
    return ": ".join(filter(None, (trouble.filename and str(trouble.filename), said or str(trouble))))
