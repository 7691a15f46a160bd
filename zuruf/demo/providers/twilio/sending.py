"""What the gateway asks Twilio to send: checked as Twilio checks it, its file fetched, its form filled in."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.chats import Json
from zuruf.demo.providers.files import MEBIBYTE, Files, Upload, file_content, kind_of
from zuruf.demo.providers.twilio.contents import Contents, render
from zuruf.demo.providers.twilio.rules import BAD_MEDIA, MOST_TEXT, NO_MEDIA, Refused, Undeliverable

MOST_IMAGE_BYTES, MOST_MEDIA_BYTES = 5 * MEBIBYTE, 16 * MEBIBYTE
FETCH_TIMEOUT_S = 10
_OFFICE = "application/vnd.openxmlformats-officedocument."
ACCEPTED = frozenset(
    {
        *("image/jpeg", "image/png", "image/webp"),
        *("audio/ogg", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg"),
        *("video/mp4", "application/pdf", "application/msword", "text/vcard"),
        *(_OFFICE + kind for kind in ("wordprocessingml.document", "presentationml.presentation")),
        _OFFICE + "spreadsheetml.sheet",
    }
)
_PIN = re.compile(r"geo:(-?[0-9.]+),(-?[0-9.]+)(?:\|(.*))?", re.DOTALL)
_CAPTIONED = frozenset({"photo", "video"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One message to bring."""

    said: Mapping[str, Any]  # the bubble's fields
    is_template: bool = False
    undeliverable: str = ""  # the code with which it will be reported; "": it can be brought


class Desk:
    """Takes orders."""

    def __init__(self, contents: Contents, files: Files) -> None:
        self._contents = contents
        self._files = files
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Be ready to fetch files."""
        self._session = aiohttp.ClientSession(trust_env=False)

    async def close(self) -> None:
        """Fetch nothing more."""
        if self._session:
            await self._session.close()

    async def read(self, fields: Mapping[str, str]) -> Asked:
        """What a form asks to send; raises `Refused`."""
        if fields.get("ContentSid"):
            return self._filled_in(fields)
        text = fields.get("Body", "")
        if len(text) > MOST_TEXT:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if fields.get("MediaUrl"):
            return await self._with_file(text, fields["MediaUrl"])
        if fields.get("PersistentAction"):
            return Asked({"content": {"location": _pin(fields["PersistentAction"])}})
        if not text.strip():
            raise Refused(400, 21619, "A text message body or media urls must be specified.")
        return Asked({"text": text})

    def _filled_in(self, fields: Mapping[str, str]) -> Asked:
        content = self._contents.for_sending(fields["ContentSid"])
        rendered = render(content, fields.get("ContentVariables", ""))
        said = {"text": rendered.text, "keyboard": rendered.keyboard, "picker": rendered.picker}
        return Asked(said, is_template=content.approval == "approved")

    async def _with_file(self, text: str, url: str) -> Asked:
        try:
            if urlsplit(url).hostname not in LOOPBACK_HOSTS:
                raise ValueError("a fake provider calls its own machine only")
        except ValueError:
            raise Refused(400, 21620, "Invalid media URL(s)") from None
        try:
            upload = await self._fetched(url)
        except Undeliverable as refused:
            return Asked({"text": text}, undeliverable=refused.code)
        kind = kind_of(upload.content_type)
        content = file_content(kind, self._files.keep(kind, upload))
        return Asked({"text": text if kind in _CAPTIONED else "", "content": content})

    async def _fetched(self, url: str) -> Upload:
        """A file of the gateway, looked at before it is got."""
        if self._session is None:
            raise Undeliverable(NO_MEDIA)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                async with self._session.head(url) as answer:
                    _check(answer, answer.content_length or 0)
                async with self._session.get(url) as answer:
                    content = await answer.read()
        except (aiohttp.ClientError, OSError):
            raise Undeliverable(NO_MEDIA) from None
        _check(answer, len(content))
        disposition = answer.content_disposition
        return Upload((disposition and disposition.filename) or "", answer.content_type, content)


def _check(answer: aiohttp.ClientResponse, size: int) -> None:
    if answer.status != 200:
        raise Undeliverable(NO_MEDIA)
    most = MOST_IMAGE_BYTES if answer.content_type.startswith("image/") else MOST_MEDIA_BYTES
    if answer.content_type not in ACCEPTED or size > most:
        raise Undeliverable(BAD_MEDIA)


def _pin(action: str) -> Json:
    found = _PIN.fullmatch(action)
    if not found:
        raise Refused(400, 63030, "Unsupported parameter for type of Channels message")
    pin: Json = {"latitude": float(found[1]), "longitude": float(found[2])}
    return pin | ({"title": found[3]} if found[3] else {})
