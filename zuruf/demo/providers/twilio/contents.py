"""Content objects: forms with variables, by which alone Twilio sends buttons, lists and templates."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from zuruf.demo.providers.chats import Json, Keyboard
from zuruf.demo.providers.twilio.rules import (
    MOST_BODY_WITH_CHOICES,
    MOST_BUTTON_TITLE,
    MOST_BUTTONS,
    MOST_DESCRIPTION,
    MOST_ID,
    MOST_ROW_TITLE,
    MOST_ROWS,
    Refused,
    not_found,
)

_VARIABLE = re.compile(r"\{\{([0-9A-Za-z_]+)\}\}")
_UNFIT = re.compile(r"[\r\n\t]| {5}")  # for a variable's value
BUTTONS, LIST, TEXT = "twilio/quick-reply", "twilio/list-picker", "twilio/text"
MOST_PAGE = 500


@dataclass(slots=True)
class Content:
    """One object, and what WhatsApp says of it as a template."""

    sid: str
    friendly_name: str
    language: str
    types: Json
    variables: Mapping[str, str] = field(default_factory=dict)
    approval: str = "unsubmitted"
    category: str = ""

    def as_json(self, *, with_approval: bool = False) -> Json:
        """As the Content API shows it."""
        shown: Json = {
            "sid": self.sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": dict(self.variables),
            "types": self.types,
        }
        if with_approval:
            shown["approval_requests"] = {
                "name": self.friendly_name,
                "category": self.category,
                "status": self.approval,
                "content_type": next(iter(self.types), ""),
            }
        return shown


@dataclass(frozen=True, slots=True)
class Rendered:
    """A Content object with its variables filled in."""

    text: str
    keyboard: Keyboard
    picker: Json | None


class Contents:
    """The objects of one account."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Content] = {}
        self._created = 0

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Content]:
        return iter(self._by_sid.values())

    def get(self, sid: str) -> Content:
        """The object of that sid; raises `Refused`."""
        if sid not in self._by_sid:
            raise not_found()
        return self._by_sid[sid]

    def for_sending(self, sid: str) -> Content:
        """The object that a message names; raises `Refused` in the words for that."""
        if sid not in self._by_sid:
            raise Refused(400, 21655, "The ContentSid is Invalid")
        return self._by_sid[sid]

    def create(self, body: bytes) -> Content:
        """What a call asks for; raises `Refused`."""
        try:
            given = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise Refused(400, 60220, "The body is not JSON") from None
        types = _checked(given)
        name, language = str(given.get("friendly_name", "")), str(given.get("language", ""))
        return self.keep(types, name, language, given.get("variables") or {})

    def keep(self, types: Json, name: str, language: str, variables: Mapping[str, str]) -> Content:
        """Put an object into the account."""
        self._created += 1
        content = Content(f"HX{self._created:032x}", name, language, types, variables)
        self._by_sid[content.sid] = content
        return content

    def approve(
        self, name: str, language: str, text: str, category: str = "UTILITY", buttons: Sequence[str] = ()
    ) -> Content:
        """Have WhatsApp approve a template; its buttons come back under their titles."""
        actions = [{"title": title, "id": title} for title in buttons]
        types = {BUTTONS: {"body": text, "actions": actions}} if buttons else {TEXT: {"body": text}}
        names = dict.fromkeys(_VARIABLE.findall(text), "...")
        content = self.keep(types, name, language, names)
        content.approval, content.category = "approved", category
        return content

    def delete(self, sid: str) -> None:
        """Take an object out of the account; raises `Refused`."""
        self.get(sid)
        del self._by_sid[sid]

    def page(self, url: str, query: Mapping[str, str], *, with_approval: bool) -> Json:
        """One page of the list at `url`."""
        size, number = min(int(query.get("PageSize", "50")), MOST_PAGE), int(query.get("Page", "0"))
        contents = list(self)
        shown = contents[number * size : (number + 1) * size]
        following = (
            f"{url}?PageSize={size}&Page={number + 1}" if len(contents) > (number + 1) * size else None
        )
        return {
            "contents": [content.as_json(with_approval=with_approval) for content in shown],
            "meta": {"key": "contents", "page": number, "page_size": size, "next_page_url": following},
        }


def _checked(body: Any) -> Json:
    """The types of an object that somebody creates; raises `Refused`."""
    types = body.get("types") if isinstance(body, dict) else None
    if not isinstance(types, dict) or not types:
        raise Refused(400, 60222, "Content types are required")
    buttons = (types.get(BUTTONS) or {}).get("actions") or []
    picker = types.get(LIST) or {}
    rows = picker.get("items") or []
    wrong = (
        len(buttons) > MOST_BUTTONS
        or len(rows) > MOST_ROWS
        or (BUTTONS in types and not buttons)
        or (LIST in types and not rows)
        or not _fits(buttons, "title", MOST_BUTTON_TITLE)
        or not _fits(rows, "item", MOST_ROW_TITLE)
        or not _fits([*buttons, *rows], "id", MOST_ID)
        or any(len(row.get("description", "")) > MOST_DESCRIPTION for row in rows)
        or not 1 <= len(picker.get("button", "x")) <= MOST_BUTTON_TITLE
        or any(
            len(shape.get("body", "")) > MOST_BODY_WITH_CHOICES for shape in types.values() if rows or buttons
        )
    )
    if wrong:
        raise Refused(400, 60223, "Content is over WhatsApp's limits")
    return dict(types)


def _fits(choices: Sequence[Mapping[str, str]], name: str, most: int) -> bool:
    return all(1 <= len(one.get(name, "")) <= most for one in choices)


def render(content: Content, variables: str) -> Rendered:
    """What a person sees of it; raises `Refused` where the variables do not fill it."""
    given = _given(variables)

    def filled(text: str) -> str:
        if "{{" not in text:
            return text
        return _VARIABLE.sub(lambda found: given.get(found[1], content.variables.get(found[1], "")), text)

    kind, shape = next(iter(content.types.items()))
    text = filled(str(shape.get("body") or shape.get("title") or ""))
    keyboard = [
        [{"text": filled(one["title"]), "callback_data": filled(one["id"])}]
        for one in shape.get("actions") or ()
    ]
    rows = [
        {
            "id": filled(one["id"]),
            "title": filled(one["item"]),
            "description": filled(one.get("description", "")),
        }
        for one in shape.get("items") or ()
    ]
    titles = [row[0]["text"] for row in keyboard], [row["title"] for row in rows]
    _check_filled(text, [row[0]["callback_data"] for row in keyboard] + [row["id"] for row in rows], *titles)
    return Rendered(text, keyboard, {"button": shape["button"], "rows": rows} if kind == LIST else None)


def _given(variables: str) -> Mapping[str, str]:
    try:
        given = json.loads(variables or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(
        isinstance(value, str) and not _UNFIT.search(value) for value in given.values()
    ):
        raise Refused(400, 21656, "The ContentVariables Parameter is invalid")
    return given


def _check_filled(text: str, ids: Sequence[str], titles: Sequence[str], row_titles: Sequence[str]) -> None:
    """The limits once more: variables may have broken them."""
    wrong = (
        not text.strip()
        or (ids and len(text) > MOST_BODY_WITH_CHOICES)
        or not all(1 <= len(id_) <= MOST_ID for id_ in ids)
        or len(set(ids)) < len(ids)
        or not all(1 <= len(title) <= MOST_BUTTON_TITLE for title in titles)
        or not all(1 <= len(title) <= MOST_ROW_TITLE for title in row_titles)
    )
    if wrong:
        raise Refused(400, 21656, "The ContentVariables Parameter is invalid")
