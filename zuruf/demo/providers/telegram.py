"""A Telegram of our own on 127.0.0.1: the Bot API for the gateway, and hands for the people who write.

It serves the demo, the tests and the benchmarks, so a call takes the shortest way: no router, no
middleware, nothing parsed that was not sent.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.multipart import BodyPartReader

from zuruf.demo.providers.faults import Answer, Faults, FloodLimit
from zuruf.demo.providers.telegram_chats import Change, Chats, Exchange, Watch
from zuruf.demo.providers.telegram_files import Files, Upload
from zuruf.demo.providers.telegram_methods import BotMethods
from zuruf.demo.providers.telegram_people import People
from zuruf.demo.providers.telegram_rules import Refused
from zuruf.demo.providers.telegram_updates import UpdateQueue

DEMO_TOKEN = "88000000001:demo-token-of-the-virtual-phones"  # noqa: S105 (opens nothing anywhere)
SHUTDOWN_S = 1.0
BACKLOG = 1024  # a gateway under load opens its connections all at once
LOOK_AGAIN_S = 0.02
_JSON = {"Content-Type": "application/json"}


class FakeTelegram(People):
    """One bot at one provider. `faults` and `flood_limit` make it difficult; `calls` keeps count."""

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
        self.faults = Faults()
        self.flood_limit = FloodLimit()
        self.calls: Counter[tuple[str, int]] = Counter()  # by method and status; 0: cut off
        identity = {"is_bot": True, "first_name": bot_name, "username": username}
        chats = Chats({"id": int(token.partition(":")[0]), **identity}, clock)
        files = Files()
        # A gateway that kept its database must not take a new provider's updates for old ones.
        updates = UpdateQueue(self._delivered, first_update_id=int(clock()), time_scale=time_scale)
        super().__init__(chats, files, updates, BotMethods(chats, files, updates, self.flood_limit))
        self._method_prefix = f"/bot{token}/"
        self._file_prefix = f"/file/bot{token}/"
        self._port = port
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None

    async def start(self) -> None:
        """Listen, and deliver updates."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await self._runner.setup()
        await self._listen(self._runner)
        self.updates.start()

    async def stop(self) -> None:
        """End everything, the watches too."""
        self.chats.dismiss_watchers()
        await self.updates.stop()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What a gateway takes as `api_url`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_down(self) -> bool:
        """Whether connections are refused."""
        return self._site is None

    async def go_down(self) -> None:
        """Refuse connections, break open ones, and hold updates back."""
        if self._site and self._runner and self._runner.server:
            await self._site.stop()
            self._site = None
            self.updates.pause()
            for connection in self._runner.server.connections:
                connection.force_close()
            self.faults_changed()

    async def come_up(self) -> None:
        """Be there again, on the same port."""
        if self._site is None and self._runner:
            await self._listen(self._runner)
            self.updates.resume()
            self.faults_changed()

    def faults_changed(self) -> None:
        """Tell the watchers that faults were switched."""
        self.chats.publish(Change("faults"))

    def subscribe(self) -> Watch:
        """Everything that changes from now on, for pages and tests; close it, or use it in a `with`."""
        return self.chats.watch()

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait for something to become true of the chats; raises `TimeoutError`."""
        with self.subscribe() as changes:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    with contextlib.suppress(TimeoutError):  # not everything that changes is told
                        await asyncio.wait_for(anext(changes), LOOK_AGAIN_S)

    async def _listen(self, runner: web.ServerRunner) -> None:
        site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=BACKLOG, reuse_address=True)
        await site.start()
        self._site = site
        self._port = runner.addresses[0][1]

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
        began = time.monotonic()
        found = self.methods.find(name)
        if found is None:
            return _refusal(Refused(404, "Not Found: method not found"))
        name, method = found
        try:
            parameters = await _parameters(request)
        except ValueError:
            return _refusal(Refused(400, "Bad Request: can't parse the request"))
        fault = self.faults.draw(name)
        if fault:
            self.faults_changed()  # it may have been the last one planned
        if fault and fault.latency_s:
            await asyncio.sleep(fault.latency_s)
        if fault and fault.cuts:
            return self._cut_off(request, name, began)
        if fault and fault.answer:
            response = _planned(fault.answer)
        else:
            try:
                body = b'{"ok":true,"result":' + msgspec.json.encode(await method(parameters)) + b"}"
                response = web.Response(body=body, headers=_JSON)
            except Refused as refused:
                response = _refusal(refused)
        if fault and fault.loses_reply:
            return self._cut_off(request, name, began)
        self._called(name, response.status, began)
        return response

    def _cut_off(self, request: web.BaseRequest, name: str, began: float) -> web.Response:
        self._called(name, 0, began)
        if request.transport:
            request.transport.abort()
        return web.Response()  # goes nowhere

    def _download(self, path: str) -> web.Response:
        stored = self.files.by_path(str(PurePosixPath(path)))
        if stored is None:
            return _refusal(Refused(404, "Not Found"))
        return web.Response(body=stored.upload.content, content_type="application/octet-stream")

    def _called(self, name: str, status: int, began: float) -> None:
        self.calls[name, status] += 1
        if self.chats.watched:
            took_ms = round((time.monotonic() - began) * 1000)
            self.chats.publish(Change("exchange", exchange=Exchange("call", name, status, took_ms)))

    def _delivered(self, exchange: Exchange) -> None:
        if self.chats.watched:
            self.chats.publish(Change("exchange", exchange=exchange))


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


def _planned(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


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
        content = bytes(await part.read())
        if part.filename is None:
            parts[part.name] = content.decode()
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            parts[part.name] = Upload(part.filename, kind, content)
    return parts


def rate_limited(retry_after_s: int) -> Answer:
    """Telegram's answer to too many messages."""
    description = f"Too Many Requests: retry after {retry_after_s}"
    return Answer(429, _refusal_body(Refused(429, description, retry_after=retry_after_s)))
