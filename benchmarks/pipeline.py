"""Webhook in, menu answer out: how many a second, how long each takes, and that none is lost or doubled.

    python -m benchmarks.pipeline [--messages 10000] [--channel telegram|whatsapp|threema]
                                  [--database sqlite|postgresql://...]

The gateway runs as `zuruf serve` in a process of its own, with synchronous=FULL. This process is the
load generator and the fake provider. In the same run it loads a bare aiohttp handler that only says 200.
"""

import argparse
import asyncio
import os
import re
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.load import Client, Measured, answering, closed_loop, open_loop, process
from benchmarks.writers import WRITERS, Writer
from zuruf.demo import SAMPLE_CONTENT
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.faults import Fault
from zuruf.demo.run import write_config
from zuruf.settings import load

ANSWER_TIMEOUT_S = 60.0
PEOPLE = 512


@dataclass
class Phones:
    """People who write to the bot and wait for what it says; one message at a time each."""

    client: Client
    writer: Writer
    waiting: dict[int, "asyncio.Future[None]"] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)
    messages: int = 0
    turns: dict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def answered(self, chat_id: int) -> None:
        """A bubble reached this phone."""
        self.answers[chat_id] += 1
        waiter = self.waiting.pop(chat_id, None)
        if waiter and not waiter.done():
            waiter.set_result(None)

    async def write(self, number: int) -> bool:
        """Ask for the menu, and wait for it; false if the webhook was refused."""
        chat = self.writer.chats[number % len(self.writer.chats)]
        async with self.turns[chat.chat_id]:
            return await self._ask(chat)

    async def _ask(self, chat: Chat) -> bool:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting[chat.chat_id] = answer
        self.asked[chat.chat_id] += 1
        self.messages += 1
        post = self.writer.says(self.messages, chat)
        if await self.client.post(post.path, post.body, post.headers) != 200:
            self.waiting.pop(chat.chat_id, None)
            return False
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await answer
        return True


@asynccontextmanager
async def gateway(folder: Path, writer: Writer, database: str) -> AsyncIterator[tuple[int, int, float]]:
    """`zuruf serve` with the sample content: its port, its process id, its seconds until ready."""
    config = write_config(folder, writer.messengers, database, more="rate_per_s = 1000000\n")
    server = load(config, {}).server.listen.port
    zuruf = (sys.executable, "-m", "zuruf")
    async with process(
        *zuruf, "content", "import", str(SAMPLE_CONTENT), "--config", str(config)
    ) as importing:
        assert await importing.wait() == 0
    async with process(*zuruf, "serve", "--config", str(config), "--log-level", "ERROR") as serving:
        ready_s = await answering(server, "/readyz")
        yield server, serving.pid, ready_s


async def measure(messages: int, channels: list[str], database: str) -> None:
    """One run of everything, printed as tables."""
    bare = await _measure_bare(messages)
    _show("bare aiohttp handler", {"32 in flight": bare}, bare)
    for channel in channels:
        await _measure_channel(channel, messages, database, bare)


async def _measure_channel(channel: str, messages: int, database: str, bare: Measured) -> None:
    writer = WRITERS[channel](PEOPLE)
    with TemporaryDirectory(prefix="zuruf-benchmark-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/zuruf.db" if database == "sqlite" else database
        async with writer.provider, gateway(folder, writer, url) as (port, pid, ready_s):
            idle_mb = _memory_mb(pid)
            phones = Phones(Client(port), writer)
            listening = asyncio.create_task(_listen(phones))
            await closed_loop(phones.write, len(writer.chats), 32)  # everybody's first contact: two bubbles
            await _quiet(phones)
            runs = await _runs(phones, Meter(pid), messages)
            await _quiet(phones)
            lost, doubled = _books(phones)
            after_mb = _memory_mb(pid)
            listening.cancel()
    _show(channel, runs, bare)
    slow, quick = runs["256 in flight, provider takes 50 ms"], runs["256 in flight"]
    Console(width=120).print(
        f"with 50 ms latency / without: {slow.per_s / quick.per_s:.2f}; lost {lost}, doubled {doubled};"
        f" ready after {ready_s:.2f} s; memory idle {idle_mb:.0f} MB, afterwards {after_mb:.0f} MB\n"
    )


async def _runs(phones: Phones, meter: "Meter", messages: int) -> dict[str, Measured]:
    runs = {"32 in flight": await meter.of(closed_loop(phones.write, messages, 32))}
    per_s = runs["32 in flight"].per_s
    runs["at half that rate"] = await meter.of(open_loop(phones.write, messages // 2, per_s / 2))
    runs["256 in flight"] = await meter.of(closed_loop(phones.write, messages, 256))
    faults = phones.writer.provider.faults
    faults.switch_on("slow", Fault(latency_s=0.05))
    runs["256 in flight, provider takes 50 ms"] = await meter.of(closed_loop(phones.write, messages, 256))
    faults.switch_off("slow")
    if phones.writer.channel != "telegram":
        phones.writer.reports(are_sent=True)
        runs["32 in flight, with delivery reports"] = await meter.of(
            closed_loop(phones.write, messages // 2, 32)
        )
    return runs


class Meter:
    """What the measured process spends: processor time tells more than the clock on a busy machine."""

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")

    async def of(self, run: Awaitable[Measured]) -> Measured:
        """The same run, with the process's processor time in it."""
        before = self._seconds()
        measured = await run
        measured.cpu_s = self._seconds() - before
        return measured

    def _seconds(self) -> float:
        user, system = self._stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def _quiet(phones: Phones) -> None:
    seen = -1
    while seen != phones.answers.total():
        seen = phones.answers.total()
        await asyncio.sleep(1)


def _books(phones: Phones) -> tuple[int, int]:
    """Answers that never came, and answers too many: one a message, and a greeting at first contact."""
    lost = doubled = 0
    for chat_id, asked in phones.asked.items():
        difference = asked + 1 - phones.answers[chat_id]
        lost += max(0, difference)
        doubled += max(0, -difference)
    return lost, doubled


async def _measure_bare(messages: int) -> Measured:
    port = _free_port()
    async with process(sys.executable, "-m", "benchmarks.bare", str(port)) as serving:
        await answering(port, "/healthz")
        client, meter = Client(port), Meter(serving.pid)
        writer = WRITERS["telegram"](1)
        post = writer.says(1, writer.chats[0])

        async def call(number: int) -> bool:
            return await client.post(post.path, post.body, post.headers) == 200

        await closed_loop(call, messages // 4, 32)
        measured = await meter.of(closed_loop(call, messages * 2, 32))
        client.close()
        return measured


async def _listen(phones: Phones) -> None:
    told: set[tuple[int, int]] = set()
    with phones.writer.provider.subscribe() as changes:
        async for change in changes:
            message = change.message
            if change.kind != "message" or not message or not message.from_bot:
                continue
            # A message that is reported on is told again with each state.
            known = (change.chat_id, message.message_id)
            if known not in told:
                told.add(known)
                phones.answered(change.chat_id)


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show(title: str, runs: Mapping[str, Measured], bare: Measured) -> None:
    columns = ("messages/s", "of bare", "p50 ms", "p99 ms", "cpu us each", "refused")
    grid = Table(title, *columns, box=None, pad_edge=False)
    for name, run in runs.items():
        grid.add_row(name, *_cells(run, bare))
    Console(width=120).print(grid)


def _cells(run: Measured, bare: Measured) -> list[str]:
    return [
        f"{run.per_s:,.0f}",
        f"{run.per_s / bare.per_s:.3f}",
        f"{run.percentile_ms(0.5):.1f}",
        f"{run.percentile_ms(0.99):.1f}",
        f"{run.cpu_s / len(run.latencies_s) * 1e6:.0f}",
        str(run.refused),
    ]


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--channel", choices=sorted(WRITERS), help="one messenger alone; else all of them")
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, or a postgresql:// URL of an empty database"
    )
    arguments = parser.parse_args()
    channels = [arguments.channel] if arguments.channel else list(WRITERS)
    uvloop.run(measure(arguments.messages, channels, arguments.database))


if __name__ == "__main__":
    main()
