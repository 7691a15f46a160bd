"""Twilio's REST interfaces for one WhatsApp sender, and hands for the people who write to it."""

import hmac
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, Json
from zuruf.demo.providers.couriers import Couriers
from zuruf.demo.providers.faults import Answer, FloodLimit
from zuruf.demo.providers.files import Files
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.twilio.contents import Contents
from zuruf.demo.providers.twilio.lists import Lists
from zuruf.demo.providers.twilio.media import MediaStore
from zuruf.demo.providers.twilio.people import People
from zuruf.demo.providers.twilio.reports import Reports
from zuruf.demo.providers.twilio.rules import Refused, not_found, too_many
from zuruf.demo.providers.twilio.sending import Desk
from zuruf.demo.providers.twilio.webhooks import Retries, Webhooks

ACCOUNT_SID = "AC000000000000000000000000000de300"
AUTH_TOKEN = "auth-token-of-the-virtual-phones"  # noqa: S105 - opens nothing anywhere
SENDER = "whatsapp:+14155238886"
MESSAGING_SERVICE_SID = "MG000000000000000000000000000de300"
_JSON = {"Content-Type": "application/json"}
_ADDRESS = re.compile(r"whatsapp:(\+[0-9]{5,20}|[A-Z]{2}\.[A-Za-z0-9.]{1,140})")
_MESSAGE = re.compile(r"/Messages/([A-Z]{2}[0-9a-f]{32})\.json")
_MEDIA = re.compile(r"/Messages/(MM[0-9a-f]{32})/Media/(ME[0-9a-f]{32})(?:\.json)?")
_MEDIA_LIST = re.compile(r"/Messages/(MM[0-9a-f]{32})/Media\.json")
_CONTENT = re.compile(r"/v1/Content/(HX[0-9a-f]{32})")
_FOR_THE_TOKEN = frozenset({".json", "/Balance.json"})
_TYPING = "/v2/Indicators/Typing.json"


class FakeTwilio(People, Provider):
    """One account with one WhatsApp sender. Set `webhooks.url` as one does in Twilio's console."""

    can: ClassVar[frozenset[str]] = frozenset({"contact", "block", "read", "window", "late"})
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
        self.couriers = Couriers(Retries().wait_s, self._delivered, time_scale)
        self.webhooks = Webhooks(self.couriers, auth_token)
        self.reports = Reports(self.chats, self.webhooks, account_sid, sender, lambda: self.late, time_scale)
        self.contents = Contents()
        self.approve = self.contents.approve
        self.media = MediaStore()
        self.last_forms: dict[int, Mapping[str, str]] = {}
        self.templates_sent: set[int] = set()
        self.balance = "42.00"
        self.status = "active"
        self._desk = Desk(self.contents, self.files)
        self._lists = Lists(self.chats, account_sid, sender, self.reports.outcome)
        self._account_path = f"/2010-04-01/Accounts/{account_sid}"
        self._proof = _proof(account_sid, auth_token)
        self._key_proofs: list[bytes] = []

    @property
    def account_url(self) -> str:
        """Where the account's messages and files are."""
        return self.url + self._account_path

    def add_key(self, sid: str, secret: str) -> None:
        """Make an API key, good for messages and their files but not for the account itself."""
        self._key_proofs.append(_proof(sid, secret))

    async def _open(self) -> None:
        self.couriers.start()
        self._desk.open()

    async def _close(self) -> None:
        await self.reports.stop()
        await self.couriers.stop()
        await self._desk.close()

    def _pause(self) -> None:
        self.couriers.pause()

    def _resume(self) -> None:
        self.couriers.resume()

    def rate_limited(self) -> Answer:
        """Twilio does not say when to come again."""
        return Answer(429, too_many().body)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.path.startswith("/cdn/"):
                return self.media.fetch(request)
            self._check_proof(request)
        except Refused as refused:
            return refused.response
        body = await request.content.read()
        if request.method == "POST" and request.path == f"{self._account_path}/Messages.json":
            return await self._carry_out(request, "send", lambda: self._send_message(body))
        return await self._carry_out(request, _name(request), lambda: self._answer(request, body))

    def _check_proof(self, request: web.BaseRequest) -> None:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(given, self._proof):
            return
        is_key = any(hmac.compare_digest(given, proof) for proof in self._key_proofs)
        if not is_key or request.path.removeprefix(self._account_path) in _FOR_THE_TOKEN:
            raise Refused(401, 20003, "Authentication Error - invalid username")

    async def _send_message(self, body: bytes) -> web.Response:
        try:
            chat, message = await self._sent(_fields(body))
        except Refused as refused:
            return refused.response
        shown = self._lists.as_json(chat, message)
        shown |= {"status": "queued", "error_code": None, "error_message": None}
        return web.Response(status=201, body=msgspec.json.encode(shown), headers=_JSON)

    async def _sent(self, fields: Mapping[str, str]) -> tuple[Chat, ChatMessage]:
        chat, callback_url = self._recipient(fields), fields.get("StatusCallback", "")
        if self.flood_limit.admit(chat.chat_id) is not None:
            raise too_many()
        if callback_url and urlsplit(callback_url).hostname not in LOOPBACK_HOSTS:
            raise Refused(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
        asked = await self._desk.read(fields)
        refusal = self.reports.refusal(chat, is_template=asked.is_template) or asked.undeliverable
        message = self.chats.write(chat, from_bot=True, deleted=bool(refusal), **asked.said)
        if asked.is_template:
            self.templates_sent.add(message.message_id)
        self.reports.follow(chat, message, callback_url, refusal)
        return chat, message

    def _recipient(self, fields: Mapping[str, str]) -> Chat:
        by_service = fields.get("MessagingServiceSid") == MESSAGING_SERVICE_SID
        if not by_service and fields.get("From") != self.sender:
            raise Refused(400, 63007, "Twilio could not find a Channel with the specified From address")
        to = fields.get("To", "")
        found = _ADDRESS.fullmatch(to)
        if not found:
            raise Refused(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        number = found[1].lstrip("+")
        chat = self.chats.get(int(number)) if number.isdecimal() else None
        chat = chat or next((one for one in self.chats if one.also_known_as == found[1]), None)
        if chat is None:
            raise Refused(400, 63024, "Invalid message recipient")
        return chat

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        path = request.path
        try:
            if path.startswith(self._account_path):
                answer = self._of_the_account(request, path.removeprefix(self._account_path))
            elif path == _TYPING and request.method == "POST":
                answer = self._typing(_fields(body))
            else:
                answer = self._of_contents(request, body)
        except Refused as refused:
            return refused.response
        if isinstance(answer, web.Response):
            return answer
        return web.Response(body=msgspec.json.encode(answer), headers=_JSON)

    def _of_the_account(self, request: web.BaseRequest, below: str) -> Json | web.Response:
        if below == "/Messages.json":
            return self._lists.page(request.query)
        if below == ".json":
            return {"sid": self.account_sid, "friendly_name": "Demo", "status": self.status}
        if below == "/Balance.json":
            return {"account_sid": self.account_sid, "balance": self.balance, "currency": "EUR"}
        if found := _MEDIA_LIST.fullmatch(below):
            return self.media.page(found[1])
        if found := _MEDIA.fullmatch(below):
            if request.method != "DELETE":
                return self.media.where(found[1], found[2], self._port)
            self.media.delete(found[1], found[2])
            return web.Response(status=204)
        if found := _MESSAGE.fullmatch(below):
            return self._lists.as_json(*self._lists.find(found[1]))
        raise not_found()

    def _of_contents(self, request: web.BaseRequest, body: bytes) -> Json | web.Response:
        path, url = request.path, self.url + request.path
        if path == "/v1/Content" and request.method == "POST":
            created = self.contents.create(body).as_json()
            return web.Response(status=201, body=msgspec.json.encode(created), headers=_JSON)
        if path in ("/v1/Content", "/v1/ContentAndApprovals"):
            return self.contents.page(url, request.query, with_approval=path.endswith("Approvals"))
        found = _CONTENT.fullmatch(path)
        if not found:
            raise not_found()
        if request.method != "DELETE":
            return self.contents.get(found[1]).as_json()
        self.contents.delete(found[1])
        return web.Response(status=204)

    def _typing(self, fields: Mapping[str, str]) -> Json:
        """The bot has read up to this message, and writes."""
        chat, message = self._lists.find(fields.get("messageId", ""))
        if fields.get("channel") != "whatsapp" or message.from_bot:
            raise Refused(400, 20001, "Invalid parameter")
        for said in chat.transcript:
            if not said.from_bot and said.message_id <= message.message_id:
                said.read = True
                self.chats.changed(chat, said)
        self.chats.publish(Change("typing", chat.chat_id))
        return {"success": True}


def _proof(user: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode())


def _fields(body: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _name(request: web.BaseRequest) -> str:
    """What a call is about, for whoever watches the wire."""
    path = request.path
    if path.startswith("/v1/"):
        return "create content" if request.method == "POST" else "templates"
    if path == _TYPING:
        return "typing"
    if "/Media" in path:
        return "media"
    return "list" if path.endswith("/Messages.json") else "account"
