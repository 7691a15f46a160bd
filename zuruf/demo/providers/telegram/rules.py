"""What Telegram accepts in a message, and the words in which it refuses the rest."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zuruf.demo.providers.chats import Entity, Keyboard

MOST_TEXT_UNITS = 4096
MOST_CAPTION_UNITS = 1024
MOST_BUTTONS = 100
MOST_BUTTON_DATA_BYTES = 64
MOST_ENTITIES = 100

_ENTITY_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(?P<slash>/?)(?P<name>[A-Za-z0-9-]*)(?P<attributes>[^<>]*)(?P<end>>?)")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_LINK = re.compile(r"(?:https?|tg|mailto|tel):\S+", re.IGNORECASE)
_BUTTON_LINK = re.compile(r"(?:https?|tg)://\S", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#[xX][0-9A-Fa-f]+);")


class Refused(Exception):
    """The provider does not carry this call out."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> Refused:
    """The refusal of a call that makes no sense."""
    return Refused(400, f"Bad Request: {reason}")


def utf16_units(text: str) -> int:
    """How long Telegram finds `text`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def formatted(parameters: Mapping[str, Any], field: str, most_units: int) -> tuple[str, list[Entity]]:
    """The visible text of `field` and its formatting; raises what Telegram says when it does not fit."""
    text = str(parameters.get(field) or "")
    mode = str(parameters.get("parse_mode") or "").lower()
    if mode not in ("", "html"):
        raise bad_request("unsupported parse_mode")
    text, entities = parse_html(text) if mode else (text, [])
    if utf16_units(text) > most_units:
        raise bad_request("message is too long" if field == "text" else "message caption is too long")
    if field == "text" and not text.strip():
        raise bad_request("message text is empty")
    return text, entities


def parse_html(marked: str) -> tuple[str, list[Entity]]:
    """Visible text and entities (offsets in UTF-16 units) of text in the HTML that Telegram reads."""
    if "<" not in marked and "&" not in marked:
        return marked, []
    parser = _HtmlParser(marked)
    return parser.parse()


class _HtmlParser:
    def __init__(self, marked: str) -> None:
        self._marked = marked
        self._pieces: list[str] = []
        self._units = 0
        self._open: list[tuple[str, Entity]] = []
        self._entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        done = 0
        for tag in _TAG.finditer(self._marked):
            self._say(self._marked[done : tag.start()])
            self._take(tag)
            done = tag.end()
        self._say(self._marked[done:])
        if self._open:
            name = self._open[-1][0]
            raise _broken(f'Can\'t find end tag corresponding to start tag "{name}"')
        entities = [entity for entity in self._entities if entity["length"]]
        return "".join(self._pieces), sorted(entities, key=_place)[:MOST_ENTITIES]

    def _say(self, piece: str) -> None:
        text = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), piece)
        self._pieces.append(text)
        self._units += utf16_units(text)

    def _take(self, tag: re.Match[str]) -> None:
        name = tag["name"].lower()
        at = len(self._marked[: tag.start()].encode(errors="replace"))
        if not tag["end"]:
            raise _broken(f"Unclosed {'end' if tag['slash'] else 'start'} tag at byte offset {at}")
        if tag["slash"]:
            self._close(name, at)
        else:
            self._begin(name, tag["attributes"], at)

    def _begin(self, name: str, attributes: str, at: int) -> None:
        if name == "span" and "tg-spoiler" in attributes:
            kind = "spoiler"
        elif name in _ENTITY_TYPES:
            kind = _ENTITY_TYPES[name]
        else:
            raise _broken(f'Unsupported start tag "{name}" at byte offset {at}')
        entity: Entity = {"type": kind, "offset": self._units, "length": 0}
        if kind == "text_link":
            href = _HREF.search(attributes)
            entity["url"] = html.unescape(next(filter(None, href.groups()), "")) if href else ""
        self._open.append((name, entity))

    def _close(self, name: str, at: int) -> None:
        if not self._open:
            raise _broken(f"Unexpected end tag at byte offset {at}")
        expected, entity = self._open.pop()
        if name and name != expected:
            raise _broken(
                f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"'
            )
        entity["length"] = self._units - entity["offset"]
        # Like the real one: what is no link stays as text.
        if entity["type"] != "text_link" or _LINK.fullmatch(entity["url"]):
            self._entities.append(entity)


def _place(entity: Entity) -> tuple[int, int]:
    return entity["offset"], -entity["length"]


def _broken(reason: str) -> Refused:
    return bad_request(f"can't parse entities: {reason}")


def structured(parameters: Mapping[str, Any], field: str) -> Any:
    """A parameter that is an object or a list; forms carry those as JSON text."""
    value = parameters.get(field)
    if isinstance(value, str) and value:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise bad_request(f"can't parse {field.replace('_', ' ')} JSON object") from None
    return value or None


def integer(parameters: Mapping[str, Any], field: str, default: int = 0) -> int:
    """A whole number; forms carry those as text."""
    value = parameters.get(field)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad_request(f"{field} must be an integer") from None


def inline_keyboard(parameters: Mapping[str, Any]) -> Keyboard:
    """The buttons under a message, row by row; none of them more than Telegram allows."""
    markup = structured(parameters, "reply_markup")
    if markup is None:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if rows is None:
        raise bad_request("this provider knows inline keyboards only")
    _check_rows(rows)
    return list(rows)


def _check_rows(rows: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    for button in buttons:
        if not button.get("text"):
            raise bad_request("inline keyboard button text must be non-empty")
        data = button.get("callback_data")
        url = str(button.get("url") or "")
        if data is None and not url:
            raise bad_request("text buttons are unallowed in the inline keyboard")
        if url and not _BUTTON_LINK.match(url):
            raise bad_request(f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
        if data is not None and not 1 <= len(str(data).encode()) <= MOST_BUTTON_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
