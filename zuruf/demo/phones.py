"""The virtual phones: a page on which two growers write to the bot, and what their taps do."""

import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from aiohttp.multipart import BodyPartReader

from bot.clock import Clock
from bot.web.shell import MOST_UPLOAD_BYTES, event_stream
from zuruf.demo.phones_view import change_view, faults_view, snapshot
from zuruf.demo.providers.chats import Change, Chat, ChatMessage, NoSuchButton
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram import FakeTelegram, rate_limited
from zuruf.demo.providers.telegram.methods import SENDING_METHODS
from zuruf.demo.providers.telegram.rules import MOST_TEXT_UNITS, utf16_units

PAGES = Path(__file__).parent / "pages"
STATIC = PAGES / "static"
SAMPLE_VOICE_S = 4
SAMPLE_PLACE = (49.6634, 10.0712)  # a field near Ochsenfurt
SAMPLE_PHONE_NUMBER = "+493023125001"  # reserved for film and television
RETRY_AFTER_S = 3
_CHAT = "{chat:[0-9]{1,15}}"
SLOW_S = 2.0
SHOWN_INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "audio/ogg", "video/mp4"})
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
_FAULTS = {
    "flood": Fault(answer=rate_limited(RETRY_AFTER_S), methods=SENDING_METHODS),
    "slow": Fault(latency_s=SLOW_S),
}

ONE_HOUR_MS = 3600 * 1000
_STEPS_MS = {"hour": ONE_HOUR_MS, "day": 24 * ONE_HOUR_MS, "week": 7 * 24 * ONE_HOUR_MS}

Act = Callable[["Phones", Chat, dict[str, Any]], Any]
GiveBack = Callable[[int], Awaitable[bool]]  # a chat that people have to the bot; whether there was one


def routes(provider: FakeTelegram, clock: Clock, give_back: GiveBack) -> list[web.AbstractRouteDef]:
    """The page and its calls, for the console of the demo. Its template is in `PAGES`.

    `clock` is the one that gateway and provider go by.
    """
    phones = Phones(provider, clock, give_back)
    return [
        web.get("/", _to_the_phones),
        web.get("/phones", phones.page),
        web.get("/phones/events", phones.events),
        web.get("/phones/files/{file_id}", phones.file),
        web.post("/phones/faults/{name:flood|slow|down|lost}", phones.switch_fault),
        web.post("/phones/clock/{step:hour|day|week}", phones.advance_clock),
        web.post(f"/phones/{_CHAT}/file", phones.take_file),
        web.post(f"/phones/{_CHAT}/give_back", phones.give_chat_back),
        *(web.post(f"/phones/{_CHAT}/{name}", phones.acts(act)) for name, act in _ACTS.items()),
        web.static("/phones/static", STATIC),
    ]


class Phones:
    """Nora's and Tom's phones on one provider."""

    def __init__(self, provider: FakeTelegram, clock: Clock, give_back: GiveBack) -> None:
        self.provider = provider
        self.clock = clock
        self.give_back = give_back
        self.words = tomllib.loads((PAGES / "words.toml").read_text(encoding="utf-8"))
        provider.chat(99_000_000_001, "Nora", "de", last_name="Beispiel", started=False)
        provider.chat(99_000_000_002, "Tom", "en", last_name="Muster", started=False)

    async def page(self, request: web.Request) -> web.Response:
        """The page, in German or English."""
        words = self.words[_language(request, tuple(self.words))]
        return aiohttp_jinja2.render_template(
            "phones.html", request, {"words": words, "chats": list(self.provider.chats)}
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Everything on the phones, then everything that changes."""
        with self.provider.subscribe() as changes:
            async with event_stream(request) as stream:
                await stream.send("snapshot", snapshot(self.provider))
                async for change in changes:
                    view = change_view(self.provider, change)
                    if view is not None:
                        await stream.send(change.kind, view)
        return stream.response

    async def file(self, request: web.Request) -> web.Response:
        """A file that somebody sent; only what browsers show harmlessly is shown, the rest saved."""
        stored = self.provider.files.by_id(request.match_info["file_id"])
        if stored is None:
            raise web.HTTPNotFound
        kind = stored.upload.content_type
        if kind in SHOWN_INLINE:
            return web.Response(body=stored.upload.content, content_type=kind)
        return web.Response(
            body=stored.upload.content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": "attachment"},
        )

    async def switch_fault(self, request: web.Request) -> web.Response:
        """Switch a trouble of the whole messenger on or off."""
        name, is_on = request.match_info["name"], bool((await _body(request)).get("on"))
        provider = self.provider
        if name == "down":
            await (provider.go_down() if is_on else provider.come_up())
        elif name == "lost":
            provider.faults.forget_plans()
            if is_on:
                provider.faults.plan(Fault(loses_reply=True, methods=SENDING_METHODS))
        elif is_on:
            provider.faults.switch_on(name, _FAULTS[name])
        else:
            provider.faults.switch_off(name)
        provider.faults_changed()
        return web.json_response(faults_view(provider))

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Let an hour, a day or a week pass."""
        self.clock.advance(_STEPS_MS[request.match_info["step"]])
        self.provider.chats.publish(Change("clock"))
        return web.json_response({})

    async def give_chat_back(self, request: web.Request) -> web.Response:
        """The team is done with a chat: the bot answers there again."""
        return web.json_response({"done": await self.give_back(self._chat(request).chat_id)})

    async def take_file(self, request: web.Request) -> web.Response:
        """Send an uploaded file: pictures as photos, everything else as it is."""
        chat = self._chat(request)
        if request.content_type != "multipart/form-data":
            raise web.HTTPBadRequest(text="A file is missing.")
        part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader) or not part.filename:
            raise web.HTTPBadRequest(text="A file is missing.")
        content = bytes(await part.read())
        if not 0 < len(content) <= MOST_UPLOAD_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_UPLOAD_BYTES, len(content))
        kind = part.headers.get("Content-Type", "application/octet-stream")
        if kind in PICTURES:
            self.provider.send_photo(chat, content, content_type=kind)
        else:
            self.provider.send_document(chat, Upload(part.filename, kind, content))
        return web.json_response({})

    def acts(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler that lets a phone's owner do `act`."""

        async def handler(request: web.Request) -> web.Response:
            try:
                result = act(self, self._chat(request), await _body(request))
            except (KeyError, TypeError, NoSuchButton):
                raise web.HTTPBadRequest(text="This cannot be done here.") from None
            return web.json_response(result if isinstance(result, dict) else {})

        return handler

    def _chat(self, request: web.Request) -> Chat:
        chat = self.provider.chats.get(int(request.match_info["chat"]))
        if chat is None:
            raise web.HTTPNotFound
        return chat


async def _to_the_phones(request: web.Request) -> web.Response:
    raise web.HTTPFound("/phones")


def _say(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    quoted = body.get("reply_to")
    if quoted is not None:
        quoted = _message(chat, {"message": quoted}).message_id
    phones.provider.say(chat, _text(body), reply_to=quoted)


def _tap(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.tap(chat, _message(chat, body), str(body["button"]))


def _photo(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.send_photo(chat, (STATIC / "sample-photo.jpg").read_bytes())


def _voice(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.send_voice(chat, (STATIC / "sample-voice.ogg").read_bytes(), SAMPLE_VOICE_S)


def _location(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.send_location(chat, *SAMPLE_PLACE)


def _contact(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.send_contact(chat, SAMPLE_PHONE_NUMBER)


def _edit(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    message = _message(chat, body)
    if message.from_bot:
        raise KeyError("not one's own")
    phones.provider.edit(chat, message, _text(body))


def _react(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    phones.provider.react(
        chat, _message(chat, body), str(body["emoji"]).encode("utf-8", "replace").decode()[:8]
    )


def _block(phones: Phones, chat: Chat, body: dict[str, Any]) -> None:
    (phones.provider.block if body["on"] else phones.provider.unblock)(chat)


def _redeliver(phones: Phones, chat: Chat, body: dict[str, Any]) -> dict[str, bool]:
    return {"done": phones.provider.redeliver_last(chat)}


_ACTS: dict[str, Act] = {
    "say": _say,
    "tap": _tap,
    "photo": _photo,
    "voice": _voice,
    "location": _location,
    "contact": _contact,
    "edit": _edit,
    "react": _react,
    "block": _block,
    "redeliver": _redeliver,
}


def _message(chat: Chat, body: dict[str, Any]) -> ChatMessage:
    message = chat.messages[body["message"]]
    if message.deleted:
        raise KeyError("deleted")
    return message


def _text(body: dict[str, Any]) -> str:
    # Half a surrogate pair has no encoding, and would end every stream of the page from then on.
    text = str(body["text"]).encode("utf-8", "replace").decode().strip()
    if not text or utf16_units(text) > MOST_TEXT_UNITS:
        raise web.HTTPBadRequest(text=f"A message has 1 to {MOST_TEXT_UNITS} characters.")
    return text


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="A JSON object is expected.")
    return body


def _language(request: web.Request, known: tuple[str, ...]) -> str:
    wishes = [request.query.get("lang", ""), *request.headers.get("Accept-Language", "").split(",")]
    for wish in wishes:
        language = wish.strip()[:2].lower()
        if language in known:
            return language
    return known[0]
