"""What may stand in a log, and what is masked: secrets, people's words, names and numbers.

Values under telling keys are masked whole; the text that remains is searched for what looks like a secret
or a number; objects that cannot be looked into are named by their type.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import quote

from structlog.typing import EventDict, WrappedLogger

from channels.errors import SendError

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6  # shorter ones would blot out ordinary words all over the log

# A key's parts decide: "webhook_secret", "callerName" and "texts" are all caught.
_ALWAYS_HIDDEN = re.compile(
    r"""secret | token | password | passwd | pwd | passphrase | authorization | credential | cookie
    | signature | phone | mobile | msisdn | address(es)? | sender | recipient | e?mail | chat | to | from""",
    re.VERBOSE,
)
_HIDDEN_UNLESS_A_COUNT = re.compile(
    r"""text | body | name | surname | nickname | username | key | caption | title | question | answer | reply
    | replies | phrasing | word | wording | note | comment | content | payload | message | latitude
    | longitude | location | value | param | parameter | query | row | data | identifier""",
    re.VERBOSE,
)
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHOWN = frozenset({"event", "level", "timestamp", "logger", "channel", "error", "at"})

_PATTERNS = re.compile(
    r"""
      (?P<bot_token>\d+:[A-Za-z0-9_-]{30,})
    | (?P<userinfo>(?<=://)[^\s/@"'<>]+@)
    | (?P<query>\?[^\s"'<>=]+=[^\s"'<>]*)
    | (?P<signed_link>(?<=/d/)[^\s/"'<>]+ | (?<=/media/)[^\s/"'<>]+)
    | (?P<authorization>\b(?:bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,})
    | (?P<mail>[\w.+-]+@[\w-]+\.[\w.-]+)
    | (?P<international>\+\d(?:[ ()/.-]{0,2}\d){6,})
    | (?P<national>(?<![\w.:-])0\d(?:[ ()/-]{0,2}\d){6,}(?![\w:]))
    | (?P<bare_number>(?<![0-9A-Za-z_.])\d{10,15}(?![0-9A-Za-z_]))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LEFT_STANDING = {"userinfo": f"{HIDDEN}@", "query": f"?{HIDDEN}"}


class _Secrets:
    """The configured secrets, and the pattern that finds any of them."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        self.values |= {value, quote(value, safe="")}
        longest_first = sorted(self.values, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)))


_secrets = _Secrets()


def register_secret(value: str) -> None:
    """From now on `value` is masked wherever it turns up in a log."""
    if len(value) >= SHORTEST_SECRET and value not in _secrets.values:
        _secrets.add(value)


def scrub(text: str) -> str:
    """`text` without registered secrets, bot tokens, credentials, query strings, mail and phone numbers."""
    if _secrets.pattern:
        text = _secrets.pattern.sub(HIDDEN, text)
    return _PATTERNS.sub(lambda found: _LEFT_STANDING.get(found.lastgroup or "", HIDDEN), text)


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor that masks what nobody should read in a log."""
    return {key: _redacted(key, value) for key, value in event.items()}


def error_kind(error: BaseException) -> str:
    """An error's type, with its code where that is known to be harmless; never its message.

    Exceptions quote what they choked on: a database error carries the row, a parser's the line, and that
    row or line is what somebody wrote.
    """
    name = type(error).__name__
    if isinstance(error, SendError):
        return scrub(f"{name}({error})")
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return f"{name}(errno {error.errno})"
    return name


def _redacted(key: str, value: Any) -> Any:
    hidden = _hides(key)
    if value is None or isinstance(value, bool):
        return value
    if hidden == "always" or (hidden and not isinstance(value, int | float)):
        return HIDDEN
    return _plain(value)


@lru_cache(maxsize=1024)
def _hides(key: str) -> Literal["", "always", "unless a count"]:
    """How far a key gives away what stands under it."""
    if key in _SHOWN:
        return ""
    parts = [part.lower() for part in _NAME_PARTS.findall(key)]
    parts += [part.removesuffix("s") for part in parts]
    if any(map(_ALWAYS_HIDDEN.fullmatch, parts)):
        return "always"
    return "unless a count" if any(map(_HIDDEN_UNLESS_A_COUNT.fullmatch, parts)) else ""


def _plain(value: Any) -> Any:
    """`value` made of what we can look into; anything else is named by its type alone."""
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, Mapping):
        return {scrub(str(key)): _redacted(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, PurePath):
        return scrub(str(value))
    if isinstance(value, BaseException):
        return error_kind(value)
    return f"<{type(value).__name__}>"
