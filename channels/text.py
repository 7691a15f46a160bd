"""Fitting one reply to a channel: lengths in its unit, cuts where they hurt least, choices as numbers."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Literal

from channels.markup import Span, spans
from channels.message import Capabilities, Choice

Unit = Literal["characters", "utf16", "utf8"]
MOST_BUBBLES = 5

_JOINER = "\u200d"
_ENDS_OF = (  # where to cut, the best first
    re.compile(r"\n[^\S\n]*\n\s*"),  # a paragraph
    re.compile(r"\n\s*"),  # a line
    re.compile(r"[.!?…][\"'»“”)]*\s+"),  # a sentence
    re.compile(r"\s+"),  # a word
)


class TooLong(ValueError):
    """The text needs more bubbles than anybody wants to get at once."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as a channel can carry it. Only the last bubble of a reply has choices."""

    text: str
    choices: tuple[Choice, ...] = ()


def measure(text: str, unit: Unit) -> int:
    """The length of `text` as a provider counts it."""
    if unit == "characters":
        return len(text)
    if unit == "utf8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fit(
    text: str, choices: tuple[Choice, ...], capabilities: Capabilities, *, with_media: bool = False
) -> list[Bubble]:
    """One reply as the bubbles that a channel can carry, in order.

    With media, which goes out with the first bubble, that bubble's text is a caption: all of the text
    where it is short enough, else nothing. Raises `TooLong` over five bubbles. Limits hold for the text
    with its marks; what a channel makes of it is never longer as the channel counts.
    """
    offered = _offered(choices, capabilities)
    if choices and not offered:
        text = "\n\n".join(filter(None, [text.strip(), numbered(choices)]))
    # Where choices have a limit of their own they are a kind of message of their own: no file carries them.
    alone = bool(offered) and capabilities.choices_text_limit is not None
    if with_media and not alone and _fits(text.strip(), capabilities.caption_limit, capabilities):
        return [Bubble(text.strip(), offered)]
    parts = split(text, capabilities.text_limit, capabilities.text_unit)
    if offered and capabilities.choices_text_limit and parts:
        # Only the last bubble has the choices, so only its text has to be short.
        parts[-1:] = split(parts[-1], capabilities.choices_text_limit, capabilities.text_unit)
    if with_media:
        parts.insert(0, "")
    if len(parts) > MOST_BUBBLES:
        raise TooLong(f"the text needs {len(parts)} messages on this channel; at most {MOST_BUBBLES} go out")
    bubbles = [Bubble(part) for part in parts] or [Bubble("")]
    bubbles[-1] = replace(bubbles[-1], choices=offered)
    return bubbles


def is_list(choices: Sequence[Choice], capabilities: Capabilities) -> bool:
    """Whether these choices are shown as a list to open, for there are too many or too long for buttons."""
    if not capabilities.list_rows:
        return False
    longest = max((len(choice.title) for choice in choices), default=0)
    return len(choices) > capabilities.buttons or longest > capabilities.button_title_limit


def numbered(choices: Sequence[Choice], *, describe: bool = True) -> str:
    """The choices as lines to answer with a number: their own key, else their place."""
    lines = (_line(choice) if describe else choice.title for choice in choices)
    return "\n".join(
        f"{choice.key or place} {line}"
        for place, (choice, line) in enumerate(zip(choices, lines, strict=True), 1)
    )


def split(text: str, limit: int, unit: Unit) -> list[str]:
    """`text` in parts of at most `limit`, cut at paragraph, line, sentence, word, else between characters.

    Never inside an emoji sequence, a link or a pair of marks, unless one alone is longer than `limit`:
    then the marks are dropped, and the rest is cut where it must be.
    """
    text = text.strip()
    if measure(text, unit) <= limit:
        return [text] if text else []
    text = _without_long_pairs(text, limit, unit)
    together = [span for span in spans(text) if measure(text[span.start : span.end], unit) <= limit]
    parts, start = [], 0
    while start < len(text):
        cut = _cut(text, start, limit, unit, together)
        parts.append(text[start:cut].rstrip())
        start = cut + len(text[cut:]) - len(text[cut:].lstrip())
    return parts


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something is missing."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 1 and _joined(text, end):
        end -= 1
    return text[:end].rstrip() + "…"


def _fits(text: str, limit: int, capabilities: Capabilities) -> bool:
    return measure(text, capabilities.text_unit) <= limit


def _offered(choices: tuple[Choice, ...], capabilities: Capabilities) -> tuple[Choice, ...]:
    """The choices as they fit on buttons or into a list; none where they don't, or could be mixed up."""
    listed = is_list(choices, capabilities)
    if len(choices) > (capabilities.list_rows if listed else capabilities.buttons):
        return ()
    given = tuple(choice.title for choice in choices)
    titles = _short_titles(
        given, capabilities.list_title_limit if listed else capabilities.button_title_limit
    )
    if not listed:
        return choices if titles == given else tuple(map(_titled, choices, titles))
    limit = capabilities.list_description_limit
    return tuple(_row(choice, title, limit) for choice, title in zip(choices, titles, strict=False))


def _titled(choice: Choice, title: str) -> Choice:
    return replace(choice, title=title)


def _row(choice: Choice, title: str, description_limit: int) -> Choice:
    """A row of a list; a title that is cut stands below in full."""
    said = choice.description if title == choice.title else _line(choice)
    return replace(choice, title=title, description=shorten(said, description_limit))


@lru_cache(maxsize=256)  # the same menus are shown again and again
def _short_titles(titles: tuple[str, ...], limit: int) -> tuple[str, ...]:
    short = tuple(shorten(title, limit) for title in titles)
    return short if len(set(short)) == len(short) else ()


def _line(choice: Choice) -> str:
    return f"{choice.title} – {choice.description}" if choice.description else choice.title


def _without_long_pairs(text: str, limit: int, unit: Unit) -> str:
    marks = {
        at
        for span in spans(text)
        if span.mark != "link" and measure(text[span.start : span.end], unit) > limit
        for at in (span.start, span.end - 1)
    }
    return "".join(char for at, char in enumerate(text) if at not in marks) if marks else text


def _cut(text: str, start: int, limit: int, unit: Unit, together: Iterable[Span]) -> int:
    """Where the part that begins at `start` ends."""
    end = start + _fitting(text[start : start + limit], limit, unit)
    if end >= len(text):
        return len(text)
    near = [span for span in together if start < span.end and span.start < end]
    half = start + (end - start) // 2
    for boundary in _ENDS_OF:
        cut = _last_end(boundary, text, half, end, near)
        if cut is not None:
            return cut
    anywhere = _last_end(_ENDS_OF[-1], text, start + 1, end, near)
    return anywhere if anywhere is not None else _between_characters(text, start, end, near)


def _fitting(text: str, limit: int, unit: Unit) -> int:
    """How many code points of `text` fit into `limit`; at least one."""
    if unit == "characters":
        return limit
    total, count = 0, 0
    for char in text:
        total += measure(char, unit)
        if total > limit:
            break
        count += 1
    return max(count, 1)


def _last_end(
    boundary: re.Pattern[str], text: str, earliest: int, latest: int, near: Iterable[Span]
) -> int | None:
    """The last place of this kind where a part may end: before its white space, which is dropped."""
    last = None
    for found in boundary.finditer(text, earliest, min(latest + 1, len(text))):
        end = found.end() - len(found[0]) + len(found[0].rstrip())
        if end <= latest and _may_cut(text, end, near):
            last = end
    return last


def _between_characters(text: str, start: int, end: int, near: Sequence[Span]) -> int:
    for cut in range(end, start, -1):
        if _may_cut(text, cut, near):
            return cut
    return end


def _may_cut(text: str, at: int, near: Iterable[Span]) -> bool:
    return not _joined(text, at) and not any(span.start < at < span.end for span in near)


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after `at` are seen as one."""
    before, after = text[at - 1], text[at]
    if before == _JOINER or _extends(after) or before + after == "\r\n":
        return True
    if not (_is_flag_letter(before) and _is_flag_letter(after)):
        return False
    letters_before = sum(1 for _ in takewhile(_is_flag_letter, reversed(text[:at])))
    return letters_before % 2 == 1


def _extends(char: str) -> bool:
    return (
        unicodedata.category(char) in {"Mn", "Mc", "Me"}
        or char == _JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\u1160" <= char <= "\u11ff"  # the later parts of a Korean syllable
        or "\U000e0020" <= char <= "\U000e007f"  # tags, as in the flag of Scotland
    )


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
