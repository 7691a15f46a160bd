"""A load generator that costs little, so that what is measured is the server.

Speaks just enough HTTP/1.1 over kept connections: one request at a time on each.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        self._received = b""
        if self._answer and not self._answer.done():
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    async def post(self, request: bytes) -> int:
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


class Client:
    """A pool of kept connections to one port on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """The status that the server answers with."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        connection = self._free.pop() if self._free else await self._connect()
        status = await connection.post(head.encode() + body)
        self._free.append(connection)
        return status

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """End the connections."""
        for connection in self._free:
            connection.close()


@dataclass(slots=True)
class Measured:
    """What a run took."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0
    cpu_s: float = 0.0  # of the measured process

    @property
    def per_s(self) -> float:
        """Finished requests a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the requests stayed within."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


Act = Callable[[int], Awaitable[bool]]


async def closed_loop(act: Act, count: int, in_flight: int) -> Measured:
    """`count` acts, always `in_flight` of them under way; an act returns whether it was served."""
    measured, numbers = Measured(), iter(range(count))

    async def work() -> None:
        for number in numbers:
            await _timed(act, number, measured)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    measured.seconds = time.perf_counter() - started
    return measured


async def open_loop(act: Act, count: int, per_s: float) -> Measured:
    """`count` acts begun at an even pace, however long each takes: latency as callers see it."""
    measured = Measured()
    started = time.perf_counter()
    tasks = []
    for number in range(count):
        delay = started + number / per_s - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(_timed(act, number, measured)))
    await asyncio.gather(*tasks)
    measured.seconds = time.perf_counter() - started
    return measured


async def _timed(act: Act, number: int, measured: Measured) -> None:
    began = time.perf_counter()
    if await act(number):
        measured.latencies_s.append(time.perf_counter() - began)
    else:
        measured.refused += 1


@asynccontextmanager
async def process(*command: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of this benchmark's own, ended afterwards."""
    started = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
            try:
                await asyncio.wait_for(started.wait(), 30)
            except TimeoutError:
                started.kill()
                await started.wait()


async def answering(port: int, path: str, timeout_s: float = 30) -> float:
    """Seconds until a server on loopback answers 200 on `path`."""
    started = time.perf_counter()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    while time.perf_counter() - started < timeout_s:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            line = await reader.readline()
            writer.close()
            if b" 200 " in line:
                return time.perf_counter() - started
        except OSError:
            pass
        await asyncio.sleep(0.02)
    raise TimeoutError(f"nothing answered on port {port} within {timeout_s} s")
