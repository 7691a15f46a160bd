"""The markup of our own texts, *bold* and _italic_, and what channels make of it.

A mark counts only in pairs, at the edges of words and within one line, so that "3*4*5", "snake_case"
and links stay as they are.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Literal

Mark = Literal["*", "_", "link"]
_TOKEN = re.compile(r"(?P<link>https?://[^\s*]*[^\s*_.,;:!?)\]}'\"])|[*_\n]")
_SHARED_MARKS = re.compile(r"[*_~`]")
WORD_JOINER = "\u2060"  # has no width, and breaks no line
_HTML_TAGS = {"*": "b", "_": "i"}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that belongs together, marks included: text[start:end]."""

    start: int
    end: int
    mark: Mark


def spans(text: str) -> list[Span]:
    """Every link and every properly paired mark, in the order in which they end; pairs nest, never cross."""
    found: list[Span] = []
    opened: list[tuple[Mark, int]] = []
    for token in _TOKEN.finditer(text):
        at = token.start()
        if token["link"]:
            found.append(Span(at, token.end(), "link"))
            continue
        if token[0] == "\n":
            opened.clear()
            continue
        mark: Mark = "*" if token[0] == "*" else "_"
        opening = _position(opened, mark)
        if opening is not None and _closes(text, at) and at > opened[opening][1] + 1:
            found.append(Span(opened[opening][1], at + 1, mark))
            del opened[opening:]
        elif opening is None and _opens(text, at):
            opened.append((mark, at))
    return found


@lru_cache(maxsize=256)  # menus and standard texts are sent again and again
def to_html(text: str) -> str:
    """`text` in the HTML that Telegram reads, everything else escaped."""
    return _rendered(text, _html_tag, lambda piece: escape(piece, quote=False))


@lru_cache(maxsize=256)
def to_marks(text: str) -> str:
    """`text` in the marks that WhatsApp and Threema read: *bold*, _italic_, and nothing by accident.

    Their other marks (~ and `) and ours that are no pair get an invisible neighbour where they could be
    taken for formatting; links stay whole.
    """
    kept = {at for at, _, _ in _marks(text)}
    for span in spans(text):
        if span.mark == "link":
            # With a mark right behind it, which may well be its last character.
            kept.update(range(span.start, span.end + 1))

    def apart(found: re.Match[str]) -> str:
        is_stray = found.start() not in kept and _could_format(text, found.start())
        return f"{WORD_JOINER}{found[0]}{WORD_JOINER}" if is_stray else found[0]

    return _SHARED_MARKS.sub(apart, text)


def to_plain(text: str) -> str:
    """`text` without its marks, for channels and moments without markup."""
    return _rendered(text, lambda mark, is_end: "", str)


def _html_tag(mark: Mark, is_end: bool) -> str:
    return f"</{_HTML_TAGS[mark]}>" if is_end else f"<{_HTML_TAGS[mark]}>"


def _rendered(text: str, tag: Callable[[Mark, bool], str], render: Callable[[str], str]) -> str:
    pieces, done = [], 0
    for at, mark, is_end in sorted(_marks(text)):
        pieces += [render(text[done:at]), tag(mark, is_end)]
        done = at + 1
    return "".join(pieces) + render(text[done:])


def _marks(text: str) -> Iterator[tuple[int, Mark, bool]]:
    for span in spans(text):
        if span.mark != "link":
            yield span.start, span.mark, False
            yield span.end - 1, span.mark, True


def _could_format(text: str, at: int) -> bool:
    """Whether a mark stands at the edge of a word, where messengers look for one."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return not (before.isalnum() and after.isalnum()) and not (_is_gap(before) and _is_gap(after))


def _is_gap(character: str) -> bool:
    return not character or character.isspace()


def _position(opened: list[tuple[Mark, int]], mark: Mark) -> int | None:
    return next((index for index, (kind, _) in enumerate(opened) if kind == mark), None)


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return not before.isalnum() and bool(after.strip())


def _closes(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return bool(before.strip()) and not after.isalnum()
