"""A Bot API on loopback that answers as told and remembers what it was asked."""

import asyncio
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

CUT = object()  # answer: drop the connection instead
HANG = object()  # answer: none, until the client goes away


@dataclass
class Call:
    """One call that reached the fake."""

    method: str
    parameters: dict[str, Any]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class FakeBotApi:
    """Answers each method from its queue; the last answer stays."""

    token: str
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    files: dict[str, bytes] = field(default_factory=dict)
    file_status: int = 200
    url: str = ""
    called: asyncio.Condition = field(default_factory=asyncio.Condition)

    def answer(self, method: str, *answers: Any) -> None:
        """Queue answers: results, or samples with `status` and `body`, or `CUT`, or `HANG`."""
        self.answers[method].extend(answers)

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every call of `method`."""
        return [call.parameters for call in self.calls if call.method == method]

    async def start(self) -> TestServer:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", f"/bot{self.token}/{{method}}", self._called)
        app.router.add_get(f"/file/bot{self.token}/{{path:.+}}", self._file)
        server = TestServer(app)
        await server.start_server(access_log=None)
        self.url = str(server.make_url("")).rstrip("/")
        return server

    async def _called(self, request: web.Request) -> web.StreamResponse:
        call = await _read(request)
        async with self.called:
            self.calls.append(call)
            self.called.notify_all()
        queue = self.answers[call.method]
        answer = queue[0] if len(queue) == 1 else queue.popleft() if queue else True
        if answer is CUT:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if answer is HANG:
            await asyncio.Event().wait()
        if isinstance(answer, dict) and "status" in answer and "body" in answer:
            body = answer["body"]
            text = body if isinstance(body, str) else json.dumps(body)
            return web.Response(status=answer["status"], text=text, headers=answer.get("headers"))
        return web.json_response({"ok": True, "result": answer})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        body = self.files.get(request.match_info["path"], b"")
        response = web.StreamResponse(status=self.file_status)
        await response.prepare(request)
        for start in range(0, len(body), 1 << 20):
            await response.write(body[start : start + (1 << 20)])
        return response


async def _read(request: web.Request) -> Call:
    method = request.match_info["method"]
    if request.content_type == "application/json":
        return Call(method, await request.json())
    call = Call(method, {})
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            call.files[name] = (value.filename, value.file.read())
        else:
            call.parameters[name] = value
    return call
