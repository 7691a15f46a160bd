"""The virtual phones: a page on which three growers write to the bot, each on another messenger."""

import tomllib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from aiohttp.multipart import BodyPartReader

from bot.clock import Clock
from bot.web.shell import MOST_UPLOAD_BYTES, event_stream
from zuruf.demo.phones_acts import ACTS, Messenger, NotHere, act_on
from zuruf.demo.phones_view import change_view, faults_view, phone_name, snapshot
from zuruf.demo.providers.chats import Change, Chat
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.merged import merged
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio

__all__ = ["PAGES", "Messenger", "Phones", "routes"]

PAGES = Path(__file__).parent / "pages"
STATIC = PAGES / "static"
SLOW_S = 2.0
SHOWN_INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "audio/ogg", "video/mp4"})
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
_MESSENGER = "{messenger:[a-z]{1,20}}"
_PHONE = f"{_MESSENGER}/{{chat:[0-9]{{1,15}}}}"

ONE_HOUR_MS = 3600 * 1000
_STEPS_MS = {"hour": ONE_HOUR_MS, "day": 24 * ONE_HOUR_MS, "week": 7 * 24 * ONE_HOUR_MS}

# What a visitor may ask first, in the language of the phone's owner. Telegram has its start button.
_TRIES = {
    "whatsapp": ("When do I get paid?", "What does pulp cost?"),
    "threema": ("Was kosten Schnizel?", "Wann werden meine Rüben abgeholt?"),
}

# Channel and address of a chat that people have to the bot; whether there was one.
GiveBack = Callable[[str, str], Awaitable[bool]]


def routes(
    providers: Mapping[str, Messenger], clock: Clock, give_back: GiveBack
) -> list[web.AbstractRouteDef]:
    """The page and its calls, for the console of the demo. Its template is in `PAGES`.

    `clock` is the one that gateway and providers go by.
    """
    phones = Phones(providers, clock, give_back)
    return [
        web.get("/", _to_the_phones),
        web.get("/phones", phones.page),
        web.get("/phones/events", phones.events),
        web.get(f"/phones/files/{_MESSENGER}/{{file_id}}", phones.file),
        web.post(
            "/phones/{messenger:[a-z]{1,20}}/faults/{name:flood|slow|down|lost|late}", phones.switch_fault
        ),
        web.post("/phones/clock/{step:hour|day|week}", phones.advance_clock),
        web.post(f"/phones/{_PHONE}/file", phones.take_file),
        web.post(f"/phones/{_PHONE}/give_back", phones.give_chat_back),
        *(web.post(f"/phones/{_PHONE}/{name}", phones.acts(name)) for name in ACTS),
        web.static("/phones/static", STATIC),
    ]


class Phones:
    """Nora's, Tom's and Anna's phones, each on its provider."""

    def __init__(self, providers: Mapping[str, Messenger], clock: Clock, give_back: GiveBack) -> None:
        self.providers = providers
        self.clock = clock
        self.give_back = give_back
        self.words = tomllib.loads((PAGES / "words.toml").read_text(encoding="utf-8"))
        for provider in providers.values():
            _hand_out(provider)

    async def page(self, request: web.Request) -> web.Response:
        """The page, in German or English."""
        words = self.words[_language(request, tuple(self.words))]
        shown = [
            {
                "name": phone_name(channel, chat),
                "messenger": channel,
                "chat": chat,
                "can": provider.can,
                "tries": _TRIES.get(channel, ()),
            }
            for channel, provider in self.providers.items()
            for chat in provider.chats
        ]
        context = {"words": words, "phones": shown}
        return aiohttp_jinja2.render_template("phones.html", request, context)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Everything on the phones, then everything that changes."""
        async with merged(self.providers) as changes, event_stream(request) as stream:
            await stream.send("snapshot", snapshot(self.providers))
            async for channel, change in changes:
                view = change_view(channel, self.providers[channel], change)
                if view is not None:
                    await stream.send(change.kind, view)
        return stream.response

    async def file(self, request: web.Request) -> web.Response:
        """A file that somebody sent; only what browsers show harmlessly is shown, the rest saved."""
        stored = self._provider(request).files.by_id(request.match_info["file_id"])
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
        """Switch a trouble of a whole messenger on or off."""
        name, is_on = request.match_info["name"], bool((await _body(request)).get("on"))
        provider = self._provider(request)
        faults = provider.faults
        if name == "down":
            await (provider.go_down() if is_on else provider.come_up())
        elif name == "late":
            provider.late = is_on and "late" in provider.can
        elif name == "lost":
            faults.forget_plans()
            if is_on:
                faults.plan(Fault(loses_reply=True, methods=provider.sending))
        elif not is_on:
            faults.switch_off(name)
        elif name == "slow":
            faults.switch_on(name, Fault(latency_s=SLOW_S))
        else:
            faults.switch_on(name, Fault(answer=provider.rate_limited(), methods=provider.sending))
        provider.faults_changed()
        return web.json_response(faults_view(provider))

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Let an hour, a day or a week pass."""
        self.clock.advance(_STEPS_MS[request.match_info["step"]])
        next(iter(self.providers.values())).chats.publish(Change("clock"))
        return web.json_response({})

    async def give_chat_back(self, request: web.Request) -> web.Response:
        """The team is done with a chat: the bot answers there again."""
        chat = self._chat(request)
        address = chat.address or str(chat.chat_id)
        return web.json_response({"done": await self.give_back(request.match_info["messenger"], address)})

    async def take_file(self, request: web.Request) -> web.Response:
        """Send an uploaded file: pictures as photos, everything else as it is."""
        provider, chat = self._provider(request), self._chat(request)
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
            provider.send_photo(chat, content, content_type=kind)
        else:
            provider.send_document(chat, Upload(part.filename, kind, content))
        return web.json_response({})

    def acts(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler that lets a phone's owner do something."""

        async def handler(request: web.Request) -> web.Response:
            try:
                result = act_on(name, self._provider(request), self._chat(request), await _body(request))
            except NotHere as refused:
                raise web.HTTPBadRequest(text=str(refused)) from None
            return web.json_response(result)

        return handler

    def _provider(self, request: web.Request) -> Messenger:
        provider = self.providers.get(request.match_info["messenger"])
        if provider is None:
            raise web.HTTPNotFound
        return provider

    def _chat(self, request: web.Request) -> Chat:
        chat = self._provider(request).chats.get(int(request.match_info["chat"]))
        if chat is None:
            raise web.HTTPNotFound
        return chat


def _hand_out(provider: Messenger) -> None:
    """Give each messenger's phone to somebody."""
    if isinstance(provider, FakeTelegram):
        provider.chat(99_000_000_001, "Nora", "de", last_name="Beispiel", started=False)
    elif isinstance(provider, FakeTwilio):
        provider.chat("+493023125002", "Tom Muster", "DE.13023125002").language_code = "en"
    elif isinstance(provider, FakeThreema):
        provider.chat("ANNA0001", "Anna Probe").language_code = "de"


async def _to_the_phones(request: web.Request) -> web.Response:
    raise web.HTTPFound("/phones")


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
