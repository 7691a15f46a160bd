"""What every fake provider is: an HTTP server on loopback that can be down, slow, or lose its answers."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from zuruf.demo.providers.chats import Change, Chats, Exchange, Watch
from zuruf.demo.providers.faults import Answer, Faults
from zuruf.demo.providers.files import Files

SHUTDOWN_S = 1.0
BACKLOG = 1024  # a gateway under load opens its connections all at once
LOOK_AGAIN_S = 0.02


class Provider(ABC):
    """One account at one provider. `faults` make it difficult; `calls` keeps count.

    It serves the demo, the tests and the benchmarks, so a call takes the shortest way: no router, no
    middleware, nothing parsed that was not sent.
    """

    # What people can do beside writing: edit, delete, react, contact, block; and what can be tried on the
    # provider: window (closing it), late (reports).
    can: ClassVar[frozenset[str]] = frozenset()
    sending: ClassVar[frozenset[str]] = frozenset()  # the calls that send a message, for faults

    def __init__(self, chats: Chats, files: Files, port: int = 0) -> None:
        self.chats = chats
        self.files = files
        self.faults = Faults()
        self.calls: Counter[tuple[str, int]] = Counter()  # by call and status; 0: cut off
        self.late = False  # reports of what became of messages come late, in the wrong order, and twice
        self._port = port
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call, by way of `_carry_out` where faults may befall it."""

    @abstractmethod
    def rate_limited(self) -> Answer:
        """The answer to too many messages."""

    @abstractmethod
    async def _open(self) -> None:
        """Begin to deliver."""

    @abstractmethod
    async def _close(self) -> None:
        """Deliver nothing more."""

    @abstractmethod
    def _pause(self) -> None:
        """Hold deliveries back."""

    @abstractmethod
    def _resume(self) -> None:
        """Deliver again."""

    async def start(self) -> None:
        """Listen, and deliver what people write."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await self._runner.setup()
        await self._listen(self._runner)
        await self._open()

    async def stop(self) -> None:
        """End everything, the watches too."""
        self.chats.dismiss_watchers()
        await self._close()
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
        """Refuse connections, break open ones, and hold deliveries back."""
        if self._site and self._runner and self._runner.server:
            await self._site.stop()
            self._site = None
            self._pause()
            for connection in self._runner.server.connections:
                connection.force_close()
            self.faults_changed()

    async def come_up(self) -> None:
        """Be there again, on the same port."""
        if self._site is None and self._runner:
            await self._listen(self._runner)
            self._resume()
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

    async def _carry_out(
        self, request: web.BaseRequest, name: str, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Answer the call `name`, unless a fault befalls it."""
        began = time.monotonic()
        fault = self.faults.draw(name)
        if fault:
            self.faults_changed()  # it may have been the last one planned
            if fault.latency_s:
                await asyncio.sleep(fault.latency_s)
            if fault.cuts:
                return self._cut_off(request, name, began)
        planned = fault.answer if fault else None
        response = _planned(planned) if planned else await answer()
        if fault and fault.loses_reply:
            return self._cut_off(request, name, began)
        self._called(name, response.status, began)
        return response

    def _cut_off(self, request: web.BaseRequest, name: str, began: float) -> web.Response:
        self._called(name, 0, began)
        if request.transport:
            request.transport.abort()
        return web.Response()  # goes nowhere

    def _called(self, name: str, status: int, began: float) -> None:
        self.calls[name, status] += 1
        if self.chats.watched:
            took_ms = round((time.monotonic() - began) * 1000)
            self.chats.publish(Change("exchange", exchange=Exchange("call", name, status, took_ms)))

    def _delivered(self, exchange: Exchange) -> None:
        if self.chats.watched:
            self.chats.publish(Change("exchange", exchange=exchange))


def _planned(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
