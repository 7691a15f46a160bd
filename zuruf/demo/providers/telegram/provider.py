"""The Bot API of the fake Telegram for the gateway, and hands for the people who write."""

import time
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.multipart import BodyPartReader

from zuruf.demo.providers.chats import Chats
from zuruf.demo.providers.faults import Answer, FloodLimit
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.telegram.files import TelegramFiles
from zuruf.demo.providers.telegram.methods import SENDING_METHODS, BotMethods, Method
from zuruf.demo.providers.telegram.people import People
from zuruf.demo.providers.telegram.rules import Refused
from zuruf.demo.providers.telegram.updates import UpdateQueue

DEMO_TOKEN = "88000000001:demo-token-of-the-virtual-phones"  # noqa: S105 (opens nothing anywhere)
RETRY_AFTER_S = 3
_JSON = {"Content-Type": "application/json"}


class FakeTelegram(People, Provider):
    """One bot. `flood_limit` sets how many messages it may send."""

    can: ClassVar[frozenset[str]] = frozenset({"edit", "react", "contact", "block"})
    sending: ClassVar[frozenset[str]] = SENDING_METHODS

    def __init__(
        self,
        token: str = DEMO_TOKEN,
        bot_name: str = "Rübenservice",
        username: str = "ruebenservice_demo_bot",
        port: int = 0,
        clock: Callable[[], float] = time.time,
        time_scale: float = 1.0,
    ) -> None:
        self.token = token
        self.flood_limit = FloodLimit()
        identity = {"is_bot": True, "first_name": bot_name, "username": username}
        chats = Chats({"id": int(token.partition(":")[0]), **identity}, clock)
        files = TelegramFiles()
        # A gateway that kept its database must not take a new provider's updates for old ones.
        updates = UpdateQueue(self._delivered, first_update_id=int(clock()), time_scale=time_scale)
        People.__init__(self, chats, updates, BotMethods(chats, files, updates, self.flood_limit))
        Provider.__init__(self, chats, files, port)
        self._method_prefix = f"/bot{token}/"
        self._file_prefix = f"/file/bot{token}/"

    async def _open(self) -> None:
        self.updates.start()

    async def _close(self) -> None:
        await self.updates.stop()

    def _pause(self) -> None:
        self.updates.pause()

    def _resume(self) -> None:
        self.updates.resume()

    def rate_limited(self) -> Answer:
        """Come again in three seconds."""
        return rate_limited(RETRY_AFTER_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith(self._method_prefix):
            return await self._call(request, path[len(self._method_prefix) :])
        if path.startswith(self._file_prefix):
            return self._download(path[len(self._file_prefix) :])
        if path.startswith("/bot") and ":" in path.partition("/bot")[2].partition("/")[0]:
            return _refusal(Refused(401, "Unauthorized"))
        return _refusal(Refused(404, "Not Found"))

    async def _call(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        found = self.methods.find(name)
        if found is None:
            return _refusal(Refused(404, "Not Found: method not found"))
        name, method = found
        try:
            parameters = await _parameters(request)
        except ValueError:
            return _refusal(Refused(400, "Bad Request: can't parse the request"))
        return await self._carry_out(request, name, lambda: _result(method, parameters))

    def _download(self, path: str) -> web.Response:
        stored = self.files.by_path(str(PurePosixPath(path)))
        if stored is None:
            return _refusal(Refused(404, "Not Found"))
        return web.Response(body=stored.upload.content, content_type="application/octet-stream")


async def _result(method: Method, parameters: dict[str, Any]) -> web.Response:
    try:
        body = b'{"ok":true,"result":' + msgspec.json.encode(await method(parameters)) + b"}"
    except Refused as refused:
        return _refusal(refused)
    return web.Response(body=body, headers=_JSON)


def _refusal(refused: Refused) -> web.Response:
    return web.Response(status=refused.status, body=_refusal_body(refused), headers=_JSON)


def _refusal_body(refused: Refused) -> bytes:
    body: dict[str, Any] = {
        "ok": False,
        "error_code": refused.status,
        "description": refused.description,
    }
    if refused.parameters:
        body["parameters"] = refused.parameters
    return msgspec.json.encode(body)


async def _parameters(request: web.BaseRequest) -> dict[str, Any]:
    if request.content_type == "application/json":
        body = await request.content.read()
        parameters = msgspec.json.decode(body) if body else {}
        if not isinstance(parameters, dict):
            raise ValueError("not an object")
        return parameters
    query = dict(request.query) if request.query_string else {}
    if request.content_type == "multipart/form-data":
        return query | await _multipart(request)
    if request.content_type == "application/x-www-form-urlencoded":
        return query | dict(parse_qsl((await request.content.read()).decode(), keep_blank_values=True))
    return query


async def _multipart(request: web.BaseRequest) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("nested multipart")
        content = bytearray()
        while chunk := await part.read_chunk():  # in pieces: the server's own limit is far below Telegram's
            content += chunk
        if part.filename is None:
            parts[part.name] = content.decode()
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            parts[part.name] = Upload(part.filename, kind, bytes(content))
    return parts


def rate_limited(retry_after_s: int) -> Answer:
    """Telegram's answer to too many messages."""
    description = f"Too Many Requests: retry after {retry_after_s}"
    return Answer(429, _refusal_body(Refused(429, description, retry_after=retry_after_s)))
