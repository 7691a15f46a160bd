"""Twilio's REST interfaces for one WhatsApp sender, and hands for the people who write to it."""

import asyncio
import hmac
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import msgspec
from aiohttp import web

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.chats import Chat, ChatMessage, Chats, Json
from zuruf.demo.providers.couriers import Couriers
from zuruf.demo.providers.faults import Answer, FloodLimit
from zuruf.demo.providers.files import Files, StoredFile, Upload, file_content, kind_of
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.twilio.lists import Lists
from zuruf.demo.providers.twilio.people import People
from zuruf.demo.providers.twilio.reports import Reports
from zuruf.demo.providers.twilio.rules import MOST_TEXT, Content, Refused, check_content, render
from zuruf.demo.providers.twilio.webhooks import Webhooks

ACCOUNT_SID = "AC000000000000000000000000000de300"
AUTH_TOKEN = "auth-token-of-the-virtual-phones"  # noqa: S105 - opens nothing anywhere
SENDER = "whatsapp:+14155238886"
MOST_MEDIA_BYTES = 16 * 1024 * 1024
FETCH_TIMEOUT_S = 10
_JSON = {"Content-Type": "application/json"}
_ADDRESS = re.compile(r"whatsapp:(\+[0-9]{5,20}|[A-Z]{2}\.[A-Za-z0-9.]{1,140})")
_MEDIA = re.compile(r"/Messages/(MM[0-9a-f]{32})/Media/(ME[0-9a-f]{32})")
_MEDIA_LIST = re.compile(r"/Messages/(MM[0-9a-f]{32})/Media\.json")


class FakeTwilio(People, Provider):
    """One account with one WhatsApp sender. Set `webhooks.url` as one does in Twilio's console."""

    can: ClassVar[frozenset[str]] = frozenset({"contact", "block", "window", "late"})
    sending: ClassVar[frozenset[str]] = frozenset({"send"})

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        sender: str = SENDER,
        bot_name: str = "Rübenservice",
        port: int = 0,
        clock: Callable[[], float] = time.time,
        time_scale: float = 1.0,
    ) -> None:
        super(People, self).__init__(Chats({"first_name": bot_name}, clock), Files(), port)
        self.account_sid, self.sender = account_sid, sender
        self.flood_limit = FloodLimit()
        self.couriers = Couriers(lambda failures, status: None, self._delivered, time_scale)
        self.webhooks = Webhooks(self.couriers, auth_token)
        self.couriers.rule = self.webhooks.rule
        self.reports = Reports(self.chats, self.webhooks, account_sid, sender, lambda: self.late, time_scale)
        self.contents: dict[str, Content] = {}
        self.media_urls: dict[str, StoredFile] = {}
        self._media_of: dict[str, list[str]] = {}  # message sid -> media sids
        self.last_forms: dict[int, Mapping[str, str]] = {}
        self.store_saw_proof = False  # somebody sent the account's proof to the file store
        self.early_404s = 0  # how many of the next file requests come too early
        self.balance = "42.00"
        self.status = "active"
        self._lists = Lists(self.chats, account_sid, sender)
        self._account_path = f"/2010-04-01/Accounts/{account_sid}"
        self._proof = "Basic " + b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._session: aiohttp.ClientSession | None = None

    async def _open(self) -> None:
        self.couriers.start()
        self._session = aiohttp.ClientSession(trust_env=False)

    async def _close(self) -> None:
        await self.reports.stop()
        await self.couriers.stop()
        if self._session:
            await self._session.close()

    def _pause(self) -> None:
        self.couriers.pause()

    def _resume(self) -> None:
        self.couriers.resume()

    def rate_limited(self) -> Answer:
        """Twilio does not say when to come again."""
        return Answer(429, Refused(429, 20429, "Too Many Requests").body)

    def approve(self, name: str, language: str, text: str, category: str = "UTILITY") -> Content:
        """Have WhatsApp approve a template."""
        names = dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", text))
        content = self._keep({"twilio/text": {"body": text}}, name, language, dict.fromkeys(names, "..."))
        content.approval, content.category = "approved", category
        return content

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/cdn/"):
            return self._from_the_store(request)
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._proof.encode()):
            return Refused(401, 20003, "Authentication Error - invalid username").response
        if request.method == "POST" and path == f"{self._account_path}/Messages.json":
            fields = dict(parse_qsl((await request.content.read()).decode(), keep_blank_values=True))
            return await self._carry_out(request, "send", lambda: self._send_message(fields))
        body = await request.content.read()
        return await self._carry_out(request, _name(request), lambda: self._answer(request, body))

    async def _send_message(self, fields: Mapping[str, str]) -> web.Response:
        try:
            chat, message = await self._sent(fields)
        except Refused as refused:
            return refused.response
        shown = self._lists.as_json(chat, message) | {"status": "queued"}
        return web.Response(status=201, body=msgspec.json.encode(shown), headers=_JSON)

    async def _sent(self, fields: Mapping[str, str]) -> tuple[Chat, ChatMessage]:
        chat = self._recipient(fields)
        wait_s = self.flood_limit.admit(chat.chat_id)
        if wait_s is not None:
            raise Refused(429, 20429, "Too Many Requests")
        said: dict[str, Any] = {"text": fields.get("Body", "")}
        is_template = False
        if fields.get("ContentSid"):
            content = self.contents.get(fields["ContentSid"])
            if content is None:
                raise Refused(400, 21655, "The ContentSid is Invalid")
            is_template = content.approval == "approved"
            rendered = render(content, fields.get("ContentVariables", ""))
            said = {"text": rendered.text, "keyboard": rendered.keyboard, "picker": rendered.picker}
        elif fields.get("MediaUrl"):
            said["content"] = await self._fetched(fields["MediaUrl"])
        elif not said["text"]:
            raise Refused(400, 21619, "Message body is required")
        if len(said["text"]) > MOST_TEXT:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        refusal = self.reports.refusal(chat, is_template=is_template)
        message = self.chats.write(chat, from_bot=True, deleted=bool(refusal), **said)
        self.reports.follow(chat, message, fields.get("StatusCallback", ""), refusal)
        return chat, message

    def _recipient(self, fields: Mapping[str, str]) -> Chat:
        if fields.get("From") != self.sender:
            raise Refused(400, 63007, "Twilio could not find a Channel with the specified From address")
        found = _ADDRESS.fullmatch(fields.get("To", ""))
        if not found:
            raise Refused(400, 21211, "The 'To' number is not a valid phone number.")
        number = found[1].lstrip("+")
        chat = self.chats.get(int(number)) if number.isdecimal() else None
        chat = chat or next((one for one in self.chats if one.also_known_as == found[1]), None)
        if chat is None:
            raise Refused(400, 63024, "Invalid message recipient")
        return chat

    async def _fetched(self, url: str) -> Json:
        """The file at an address of the gateway, as Twilio gets it before it sends it on."""
        if urlsplit(url).hostname not in LOOPBACK_HOSTS or self._session is None:
            raise Refused(400, 21620, "Invalid media URL(s)")
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S), self._session.get(url) as answer:
                content = await answer.content.read(MOST_MEDIA_BYTES + 1)
        except (aiohttp.ClientError, OSError):
            raise Refused(400, 63019, "Media failed to download") from None
        if answer.status != 200 or len(content) > MOST_MEDIA_BYTES:
            raise Refused(400, 63019, "Media failed to download")
        disposition = answer.content_disposition
        upload = Upload((disposition and disposition.filename) or "", answer.content_type, content)
        kind = kind_of(answer.content_type)
        return file_content(kind, self.files.keep(kind, upload))

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            answer = self._read(request, body)
        except Refused as refused:
            return refused.response
        if isinstance(answer, web.Response):
            return answer
        return web.Response(body=msgspec.json.encode(answer), headers=_JSON)

    def _read(self, request: web.BaseRequest, body: bytes) -> Json | web.Response:
        path = request.path
        below = path.removeprefix(self._account_path) if path.startswith(self._account_path) else ""
        if below == "/Messages.json":
            return self._lists.page(request.query)
        if below == ".json":
            return {"sid": self.account_sid, "friendly_name": "Demo", "status": self.status}
        if below == "/Balance.json":
            return {"account_sid": self.account_sid, "balance": self.balance, "currency": "EUR"}
        if found := _MEDIA.fullmatch(below):
            return self._redirected(found[2])
        if found := _MEDIA_LIST.fullmatch(below):
            return self._media_list(found[1])
        if path == "/v1/Content" and request.method == "POST":
            return self._created(body)
        if path == "/v1/ContentAndApprovals":
            shown = [content.as_json(with_approval=True) for content in self.contents.values()]
            return {"contents": shown, "meta": {"next_page_url": None}}
        if path.startswith("/v1/Content/") and request.method == "DELETE":
            self.contents.pop(path.rpartition("/")[2], None)
            return web.Response(status=204)
        if listed := self._lists.find(path.rpartition("/")[2].removesuffix(".json")):
            return self._lists.as_json(*listed)
        raise Refused(404, 20404, "The requested resource was not found")

    def _created(self, body: bytes) -> web.Response:
        try:
            given = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise Refused(400, 60220, "The body is not JSON") from None
        types = check_content(given)
        name, language = str(given.get("friendly_name", "")), str(given.get("language", ""))
        content = self._keep(types, name, language, given.get("variables") or {})
        return web.Response(status=201, body=msgspec.json.encode(content.as_json()), headers=_JSON)

    def _keep(self, types: Json, name: str, language: str, variables: Mapping[str, str]) -> Content:
        content = Content(f"HX{len(self.contents) + 1:032x}", name, language, types, variables)
        self.contents[content.sid] = content
        return content

    def _media_url(self, sid: str, file: StoredFile) -> str:
        media_sid = f"ME{int(file.file_id[-8:]):032x}"
        self.media_urls[media_sid] = file
        self._media_of[sid] = [media_sid]
        return f"{self.url}{self._account_path}/Messages/{sid}/Media/{media_sid}"

    def _redirected(self, media_sid: str) -> web.Response:
        if self.early_404s:
            self.early_404s -= 1
            raise Refused(404, 20404, "The requested resource was not found")
        if media_sid not in self.media_urls:
            raise Refused(404, 20404, "The requested resource was not found")
        # By another name, so that it counts as another host.
        store = f"http://localhost:{self._port}/cdn/{media_sid}?Expires=1&Signature=x"
        return web.Response(status=307, headers={"Location": store})

    def _from_the_store(self, request: web.BaseRequest) -> web.Response:
        self.store_saw_proof |= "Authorization" in request.headers
        stored = self.media_urls.get(request.path.rpartition("/")[2])
        if stored is None:
            return web.Response(status=404)
        return web.Response(body=stored.upload.content, content_type=stored.upload.content_type)

    def _media_list(self, sid: str) -> Json:
        files = [(media_sid, self.media_urls[media_sid]) for media_sid in self._media_of.get(sid, ())]
        return {
            "media_list": [
                {"sid": media_sid, "content_type": stored.upload.content_type} for media_sid, stored in files
            ]
        }


def _name(request: web.BaseRequest) -> str:
    """What a call is about, for whoever watches the wire."""
    path = request.path
    if path.startswith("/v1/"):
        return "create content" if request.method == "POST" else "templates"
    if "/Media/" in path or path.endswith("/Media.json"):
        return "media"
    return "list" if path.endswith("/Messages.json") else "account"
