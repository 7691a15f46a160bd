"""What Twilio and WhatsApp accept, in their own words and codes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from zuruf.demo.providers.chats import Json, Keyboard

MOST_TEXT = 1600
MOST_BODY_WITH_CHOICES = 1024
MOST_BUTTONS, MOST_BUTTON_TITLE = 3, 20
MOST_ROWS, MOST_ROW_TITLE, MOST_DESCRIPTION = 10, 24, 72
MOST_ID = 200
WINDOW_S = 24 * 3600
_VARIABLE = re.compile(r"\{\{([0-9A-Za-z_]+)\}\}")
_JSON = {"Content-Type": "application/json"}


class Refused(Exception):
    """Twilio does not carry this call out."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        """As Twilio writes it."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        told = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        return msgspec.json.encode(told)

    @property
    def response(self) -> web.Response:
        """The answer."""
        return web.Response(status=self.status, body=self.body, headers=_JSON)


@dataclass(slots=True)
class Content:
    """A Content object: a form with variables, and what WhatsApp says of it as a template."""

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


def check_content(body: Any) -> Json:
    """The types of an object that somebody creates; raises `Refused`."""
    types = body.get("types") if isinstance(body, dict) else None
    if not isinstance(types, dict) or not types:
        raise Refused(400, 60222, "Content types are required")
    buttons = (types.get("twilio/quick-reply") or {}).get("actions") or []
    rows = (types.get("twilio/list-picker") or {}).get("items") or []
    wrong = (
        len(buttons) > MOST_BUTTONS
        or any(not 1 <= len(one.get("title", "")) <= MOST_BUTTON_TITLE for one in buttons)
        or len(rows) > MOST_ROWS
        or any(not 1 <= len(one.get("item", "")) <= MOST_ROW_TITLE for one in rows)
        or any(len(one.get("description", "")) > MOST_DESCRIPTION for one in rows)
        or not 1 <= len((types.get("twilio/list-picker") or {}).get("button", "x")) <= MOST_BUTTON_TITLE
    )
    if wrong:
        raise Refused(400, 60223, "Content is over WhatsApp's limits")
    return dict(types)


def render(content: Content, variables: str) -> Rendered:
    """What a person sees of it; raises `Refused` where the variables do not fill it."""
    try:
        given = json.loads(variables or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, 21656, "The ContentVariables Parameter is invalid")

    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda found: given.get(found[1], content.variables.get(found[1], "")), text)

    kind, shape = next(iter(content.types.items()))
    text = filled(str(shape.get("body") or shape.get("title") or ""))
    actions, items = shape.get("actions") or [], shape.get("items") or []
    if (actions or items) and len(text) > MOST_BODY_WITH_CHOICES:
        raise Refused(400, 21656, "The body is over 1024 characters")
    keyboard = [
        [{"text": filled(one["title"]), "callback_data": filled(one.get("id") or one["title"])}]
        for one in actions
    ]
    rows = [
        {
            "id": filled(one["id"]),
            "title": filled(one["item"]),
            "description": filled(one.get("description", "")),
        }
        for one in items
    ]
    ids = [row[0]["callback_data"] for row in keyboard] + [row["id"] for row in rows]
    if any(not 1 <= len(id_) <= MOST_ID for id_ in ids) or len(set(ids)) < len(ids):
        raise Refused(400, 21656, "The ids of the choices are missing, too long or not different")
    picker = {"button": shape.get("button", ""), "rows": rows} if kind == "twilio/list-picker" else None
    return Rendered(text, keyboard, picker)
