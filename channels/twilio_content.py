"""Buttons and lists, which WhatsApp shows through Twilio only by way of a Content object.

An object is a form to fill in: its titles are fixed; the text, line by line, and the choices' ids are
variables. So a menu needs one object, however often it is shown; its sid is remembered for good.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from channels.channel import ChannelMemory
from channels.errors import SendError
from channels.message import Choice
from channels.twilio_api import TwilioApi

log = structlog.get_logger(__name__)

MOST_KNOWN = 2000  # sids held in this process; all others are in the memory
MOST_VARIABLES = 100
CREATE_TIMEOUT_S = 5.0  # well within the time that a send may take: then it goes as numbered text
PAUSE_S = 60.0  # after a refusal, numbered text for so long
LONGEST_LIST_BUTTON = 20
# A variable may hold no line break, no tab and no more than four spaces in a row (21656).
_GAP = re.compile(r"[ \t]*\t[ \t]*| {5,}")


@dataclass(frozen=True, slots=True)
class Filled:
    """A Content object and what fills it in, as JSON."""

    sid: str
    variables: str


class Contents:
    """The Content objects of one account."""

    def __init__(self, api: TwilioApi, memory: ChannelMemory, list_button: str) -> None:
        self._api = api
        self._memory = memory
        self._list_button = list_button
        self._known: dict[str, str] = {}  # structure -> sid
        self._creating: dict[str, asyncio.Lock] = {}
        self._refused_until_s: dict[str, float] = {}

    async def filled(self, text: str, choices: Sequence[Choice], *, as_list: bool) -> Filled | None:
        """The object that shows this; None where Twilio makes none, so that the choices go as text."""
        body, lines = _form(text)
        values = [*lines, *(choice.id for choice in choices)]
        if not lines or len(values) > MOST_VARIABLES:
            return None
        types = self._types(body, choices, len(lines) + 1, as_list=as_list)
        sid = await self._sid(types, len(values))
        if sid is None:
            return None
        given = {str(number): value for number, value in enumerate(values, start=1)}
        return Filled(sid, msgspec.json.encode(given).decode())

    async def forget(self, sid: str) -> None:
        """Somebody deleted the object at Twilio: make it anew when it is needed next."""
        for key in [key for key, known in self._known.items() if known == sid]:
            del self._known[key]
            if await self._memory.get(key) == sid:  # else another process was faster
                await self._memory.put(key, "")

    async def _sid(self, types: dict[str, Any], variables: int) -> str | None:
        key = "content:" + hashlib.sha256(msgspec.json.encode(types)).hexdigest()[:32]
        if known := self._known.get(key):
            return known
        # A menu that a hundred people open at once is created once, and once refused, not asked for again.
        async with self._creating.setdefault(key, asyncio.Lock()):
            sid = self._known.get(key)
            if not sid and self._refused_until_s.get(key, 0.0) <= time.monotonic():
                sid = await self._memory.get(key) or await self._create(key, types, variables)
            if sid:
                self._remember(key, sid)
        return sid or None

    def _remember(self, key: str, sid: str) -> None:
        self._creating.pop(key, None)
        self._refused_until_s.pop(key, None)
        if len(self._known) >= MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = sid

    async def _create(self, key: str, types: dict[str, Any], variables: int) -> str:
        samples = {str(number): f"sample {number}" for number in range(1, variables + 1)}
        name = f"zuruf {key.removeprefix('content:')}"
        content = {"friendly_name": name, "language": "de", "variables": samples, "types": types}
        sid = ""
        try:
            async with asyncio.timeout(CREATE_TIMEOUT_S):
                sid = await self._api.create_content(content)
        except TimeoutError:
            log.warning("twilio.no_content", kind="time-out", code="")
        except SendError as error:
            log.warning("twilio.no_content", kind=error.kind.value, code=error.code)
        if sid:
            await self._memory.put(key, sid)
        else:
            if len(self._refused_until_s) >= MOST_KNOWN:
                self._refused_until_s.clear()
                self._creating.clear()
            self._refused_until_s[key] = time.monotonic() + PAUSE_S
        return sid

    def _types(self, body: str, choices: Sequence[Choice], first_id: int, *, as_list: bool) -> dict[str, Any]:
        numbered = [(choice, _variable(number)) for number, choice in enumerate(choices, start=first_id)]
        if not as_list:
            actions = [{"title": choice.title, "id": id_} for choice, id_ in numbered]
            return {"twilio/quick-reply": {"body": body, "actions": actions}}
        items = [
            {"item": choice.title, "id": id_}
            | ({"description": choice.description} if choice.description else {})
            for choice, id_ in numbered
        ]
        return {"twilio/list-picker": {"body": body, "button": self._list_button, "items": items}}


def _form(text: str) -> tuple[str, Sequence[str]]:
    """The text as a form with one variable a line, since none may hold a line break; and its lines."""
    body, lines = [], []
    for line in text.strip().splitlines():
        words = _GAP.sub(" ", line).strip()
        if words:
            lines.append(words)
        body.append(_variable(len(lines)) if words else "")
    return "\n".join(body), lines


def _variable(number: int) -> str:
    return f"{{{{{number}}}}}"
