"""How messengers show *bold*, _italic_ and ~struck~ in a text, and what they make tappable in it."""

import re
from collections.abc import Iterator

from zuruf.demo.providers.chats import Entity
from zuruf.demo.providers.telegram.rules import utf16_units

_KINDS = {"*": "bold", "_": "italic", "~": "strikethrough"}
# A mark beside U+2060, a joiner without width, is meant as a character.
_PAIR = re.compile(r"(?<![\w*_~])([*_~])(?=[^\s\u2060])([^\n]*?[^\s\u2060])\1(?![\w*_~])")
_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]")
_COMMAND = re.compile(r"(?<!\S)/[a-z_]{1,32}\b")


def marked(text: str) -> tuple[str, list[Entity]]:
    """A text of WhatsApp or Threema as it is shown: without its marks, and what they format."""
    shown, entities = _unmarked(text, 0)
    return shown, [*entities, *found_in(shown, entities, commands=False)]


def _unmarked(text: str, offset: int) -> tuple[str, list[Entity]]:
    pieces: list[str] = []
    entities: list[Entity] = []
    done, at = 0, offset
    for pair in _PAIR.finditer(text):
        before = text[done : pair.start()]
        if "://" in before.rpartition(" ")[2].rpartition("\n")[2]:
            continue  # inside a link
        pieces.append(before)
        at += utf16_units(before)
        inner, nested = _unmarked(pair[2], at)
        entities.append({"type": _KINDS[pair[1]], "offset": at, "length": utf16_units(inner)})
        entities += nested
        pieces.append(inner)
        at += utf16_units(inner)
        done = pair.end()
    return "".join([*pieces, text[done:]]), entities


def found_in(text: str, known: list[Entity], *, commands: bool) -> Iterator[Entity]:
    """Links, and on Telegram commands, in plain sight, which a messenger makes tappable by itself."""
    kinds = [("url", _LINK), *([("bot_command", _COMMAND)] if commands else [])]
    for kind, pattern in kinds:
        for match in pattern.finditer(text):
            start, length = utf16_units(text[: match.start()]), utf16_units(match[0])
            within = (
                entity
                for entity in known
                if entity["offset"] < start + length and start < entity["offset"] + entity["length"]
            )
            if not any(entity["type"] in ("text_link", "code", "pre") for entity in within):
                yield {"type": kind, "offset": start, "length": length}
