"""Webhook in, menu answer out: how many a second, how long each takes, and that none is lost or doubled.

    python -m benchmarks.pipeline [--messages 10000] [--database sqlite|postgresql://...]

The gateway runs as `zuruf serve` in a process of its own, with synchronous=FULL. This process is the
load generator and the fake Telegram. In the same run it loads a bare aiohttp handler that only says 200.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.load import Client, Measured, answering, closed_loop, open_loop, process
from zuruf.demo import SAMPLE_CONTENT
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.telegram import FakeTelegram

SECRET = "benchmark-secret"
ANSWER_TIMEOUT_S = 60.0
CONFIG = """
[server]
listen = "127.0.0.1:{server}"
[console]
listen = "127.0.0.1:{console}"
[storage]
database = "{database}"
media = "{folder}/media"
[channels.telegram]
kind = "telegram"
token = "{token}"
webhook_secret = "{secret}"
api_url = "{api_url}"
rate_per_s = 1000000
"""


@dataclass
class Phones:
    """People who write to the bot and wait for what it says; one message at a time each."""

    client: Client
    chats: list[int]
    waiting: dict[int, "asyncio.Future[None]"] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)
    updates: int = 0
    turns: dict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def answered(self, chat_id: int) -> None:
        """A bubble reached this phone."""
        self.answers[chat_id] += 1
        waiter = self.waiting.pop(chat_id, None)
        if waiter and not waiter.done():
            waiter.set_result(None)

    async def write(self, number: int) -> bool:
        """Ask for the menu, and wait for it; false if the webhook was refused."""
        chat_id = self.chats[number % len(self.chats)]
        async with self.turns[chat_id]:
            return await self._ask(chat_id)

    async def _ask(self, chat_id: int) -> bool:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting[chat_id] = answer
        self.asked[chat_id] += 1
        self.updates += 1
        body = json.dumps(_update(self.updates, chat_id)).encode()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        status = await self.client.post("/webhooks/telegram", body, headers)
        if status != 200:
            self.waiting.pop(chat_id, None)
            return False
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await answer
        return True


def _update(number: int, chat_id: int) -> dict[str, Any]:
    person = {"id": chat_id, "first_name": "Nora", "language_code": "de"}
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_790_000_000,
            "from": {**person, "is_bot": False},
            "chat": {"id": chat_id, "first_name": "Nora", "type": "private"},
            "text": "Menü",
        },
    }


@asynccontextmanager
async def gateway(
    folder: Path, provider: FakeTelegram, database: str
) -> AsyncIterator[tuple[int, int, float]]:
    """`zuruf serve` with the sample content: its port, its process id, its seconds until ready."""
    config, server = folder / "config.toml", _free_port()
    config.write_text(
        CONFIG.format(
            server=server,
            console=_free_port(),
            database=database,
            folder=folder,
            token=provider.token,
            secret=SECRET,
            api_url=provider.url,
        )
    )
    zuruf = (sys.executable, "-m", "zuruf")
    async with process(
        *zuruf, "content", "import", str(SAMPLE_CONTENT), "--config", str(config)
    ) as importing:
        assert await importing.wait() == 0
    async with process(*zuruf, "serve", "--config", str(config), "--log-level", "ERROR") as serving:
        ready_s = await answering(server, "/readyz")
        yield server, serving.pid, ready_s


async def measure(messages: int, database: str) -> None:
    """One run of everything, printed as a table."""
    bare = await _measure_bare(messages)
    with TemporaryDirectory(prefix="zuruf-benchmark-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/zuruf.db" if database == "sqlite" else database
        async with FakeTelegram() as provider, gateway(folder, provider, url) as (port, pid, ready_s):
            memory_mb = _memory_mb(pid)
            phones = Phones(Client(port), [provider.chat(1000 + number).chat_id for number in range(512)])
            listening = asyncio.create_task(_listen(provider, phones))
            await closed_loop(phones.write, len(phones.chats), 32)  # everybody's first contact: two bubbles
            await _quiet(phones)
            meter = Meter(pid)
            runs = {"32 in flight": await meter.of(closed_loop(phones.write, messages, 32))}
            per_s = runs["32 in flight"].per_s
            runs["at half that rate"] = await meter.of(open_loop(phones.write, messages // 2, per_s / 2))
            runs["256 in flight"] = await meter.of(closed_loop(phones.write, messages, 256))
            provider.faults.switch_on("slow", Fault(latency_s=0.05))
            runs["256 in flight, provider takes 50 ms"] = await meter.of(
                closed_loop(phones.write, messages, 256)
            )
            await _quiet(phones)
            lost, doubled = _books(phones)
            after_mb = _memory_mb(pid)
            listening.cancel()
    _show(runs, bare, [ready_s, memory_mb, after_mb], lost, doubled)


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
        body = json.dumps(_update(1, 1)).encode()

        async def post(number: int) -> bool:
            return await client.post("/webhooks/telegram", body, {}) == 200

        await closed_loop(post, messages // 4, 32)
        measured = await meter.of(closed_loop(post, messages * 2, 32))
        client.close()
        return measured


async def _listen(provider: FakeTelegram, phones: Phones) -> None:
    with provider.subscribe() as changes:
        async for change in changes:
            if change.kind == "message" and change.message and change.message.from_bot:
                phones.answered(change.chat_id)


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show(runs: dict[str, Measured], bare: Measured, figures: list[float], lost: int, doubled: int) -> None:
    columns = ("messages/s", "of bare", "p50 ms", "p99 ms", "cpu us each", "refused")
    grid = Table("run", *columns, box=None, pad_edge=False)
    grid.add_row("bare aiohttp handler, 32 in flight", *_cells(bare, bare))
    for name, run in runs.items():
        grid.add_row(name, *_cells(run, bare))
    console = Console(width=120)
    console.print(grid)
    without, with_latency = runs["256 in flight"], runs["256 in flight, provider takes 50 ms"]
    ready_s, idle_mb, after_mb = figures
    console.print(f"with 50 ms latency / without: {with_latency.per_s / without.per_s:.2f}")
    console.print(f"lost {lost}, doubled {doubled}")
    console.print(f"ready after {ready_s:.2f} s; memory idle {idle_mb:.0f} MB, afterwards {after_mb:.0f} MB")


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
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, or a postgresql:// URL of an empty database"
    )
    arguments = parser.parse_args()
    uvloop.run(measure(arguments.messages, arguments.database))


if __name__ == "__main__":
    main()
