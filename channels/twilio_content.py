"""Buttons and lists, which WhatsApp shows through Twilio only by way of a Content object.

An object is a form to fill in: its titles are fixed, the text and the choices' ids are variables. So a menu
needs one object, however often it is shown; its sid is remembered for good.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from channels.channel import ChannelMemory
from channels.errors import SendError
from channels.message import Choice
from channels.twilio_api import TwilioApi

log = structlog.get_logger(__name__)

MOST_KNOWN = 2000  # sids held in this process; all others are in the memory
PAUSE_S = 60.0  # after a refusal, numbered text for so long
LONGEST_LIST_BUTTON = 20


class Contents:
    """The Content objects of one account."""

    def __init__(self, api: TwilioApi, memory: ChannelMemory, list_button: str) -> None:
        self._api = api
        self._memory = memory
        self._list_button = list_button
        self._known: dict[str, str] = {}  # structure -> sid
        self._creating = asyncio.Lock()
        self._refused_until_s: dict[str, float] = {}

    async def sid(self, choices: Sequence[Choice], *, as_list: bool) -> str | None:
        """The object that shows these choices; None where Twilio makes none, so that they go as text."""
        types = self._types(choices, as_list=as_list)
        key = "content:" + hashlib.sha256(msgspec.json.encode(types)).hexdigest()[:32]
        if known := self._known.get(key):
            return known
        if self._refused_until_s.get(key, 0.0) > time.monotonic():
            return None
        async with self._creating:  # a menu that a hundred people open at once is created once
            return self._known.get(key) or await self._find_or_create(key, types, len(choices))

    async def forget(self, sid: str) -> None:
        """Somebody deleted the object at Twilio: make it anew when it is needed next."""
        for key in [key for key, known in self._known.items() if known == sid]:
            del self._known[key]
            await self._memory.put(key, "")

    async def _find_or_create(self, key: str, types: dict[str, Any], choices: int) -> str | None:
        sid = await self._memory.get(key)
        if not sid:
            samples = {str(number): f"sample {number}" for number in range(1, choices + 2)}
            name = f"zuruf {key.removeprefix('content:')}"
            content = {"friendly_name": name, "language": "de", "variables": samples, "types": types}
            try:
                sid = await self._api.create_content(content)
            except SendError as error:
                log.warning("twilio.no_content", kind=error.kind.value, code=error.code)
                sid = ""
            if not sid:
                self._refused_until_s[key] = time.monotonic() + PAUSE_S
                return None
            await self._memory.put(key, sid)
        if len(self._known) >= MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = sid
        return sid

    def _types(self, choices: Sequence[Choice], *, as_list: bool) -> dict[str, Any]:
        numbered = [(choice, f"{{{{{number}}}}}") for number, choice in enumerate(choices, start=2)]
        if not as_list:
            actions = [{"title": choice.title, "id": id_} for choice, id_ in numbered]
            return {"twilio/quick-reply": {"body": "{{1}}", "actions": actions}}
        items = [
            {"item": choice.title, "id": id_}
            | ({"description": choice.description} if choice.description else {})
            for choice, id_ in numbered
        ]
        return {"twilio/list-picker": {"body": "{{1}}", "button": self._list_button, "items": items}}


def variables(text: str, choices: Sequence[Choice]) -> str:
    """What fills the object in, as JSON."""
    values = {"1": text} | {str(number): choice.id for number, choice in enumerate(choices, start=2)}
    return msgspec.json.encode(values).decode()
