"""Kill -9 under load: what was acknowledged and is lost, doubled or out of order afterwards (R2, R7).

    python -m benchmarks.kills [--kills 50] [--database sqlite|postgresql://...]

Some five seconds a kill: 50 kills take four minutes. The gateway runs as `zuruf serve`; this process is the
Telegram that delivers 200 messages a second, again and again until each is taken, and gets the answers.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
import uvloop

from benchmarks.load import Client, answering
from bot.database import open_database
from bot.delivery import abandon_sends
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.run import free_port

SECRET = "kill-secret"
CHATS = 100
MOST_UNCLEAR_A_KILL = 50
READY_S = 30
PER_S = 200
FIRST, EACH = 10, 90  # each chat counts from 10 to 99: the bot's answer to a bare number names it
ANSWER = re.compile(r"Die (\d+) kann ich")
Said = tuple[int, int]  # chat, number
CONFIG = """
[server]
listen = "127.0.0.1:{server}"
public_url = "http://127.0.0.1:{server}"
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
rate_per_s = 100000
"""


@dataclass
class Books:
    """What was found when everything had settled."""

    kills: int
    accepted: int = 0
    lost: int = 0  # acknowledged, and not stored or not answered
    stored_twice: int = 0
    answered_twice: int = 0
    inversions: int = 0
    slowest_ready_s: float = 0.0

    @property
    def hold(self) -> bool:
        """Whether the promise was kept."""
        doubled_fairly = self.answered_twice <= MOST_UNCLEAR_A_KILL * self.kills
        return not (self.lost or self.stored_twice or self.inversions) and doubled_fairly


class Gateway:
    """`zuruf serve` in a process of its own."""

    def __init__(self, folder: Path, provider: FakeTelegram, database: str) -> None:
        self.port = free_port()
        self.database = database
        self.config = folder / "config.toml"
        self.config.write_text(
            CONFIG.format(
                server=self.port,
                console=free_port(),
                database=database,
                folder=folder,
                token=provider.token,
                secret=SECRET,
                api_url=provider.url,
            )
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Start; the seconds until it was ready."""
        command = (sys.executable, "-m", "zuruf", "serve", "--config", str(self.config))
        self._process = await asyncio.create_subprocess_exec(
            *command, "--log-level", "ERROR", stderr=asyncio.subprocess.DEVNULL
        )
        return await answering(self.port, "/readyz", READY_S)

    async def kill(self) -> None:
        """Kill -9."""
        if self._process:
            self._process.kill()
            await self._process.wait()
            self._process = None


async def run_kills(
    folder: Path,
    database: str,
    kills: int,
    *,
    between_s: float = 2,
    settled_s: float = 120,
    wait_for_leases: bool = True,
) -> Books:
    """Deliver under load while the gateway is killed and started again; then count.

    On PostgreSQL another process could still be at what a killed one was sending, so its leases run for
    half a minute. Without `wait_for_leases` they are ended as soon as nothing else is left to do.
    """
    books = Books(kills)
    async with FakeTelegram() as provider:
        gateway = Gateway(folder, provider, database)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(gateway.kill)
            await gateway.start()
            deliveries = _Deliveries(gateway.port, provider)
            delivering = asyncio.create_task(deliveries.run())
            for _ in range(kills):
                await asyncio.sleep(random.uniform(0.5, 1.5) * between_s)
                await gateway.kill()
                books.slowest_ready_s = max(books.slowest_ready_s, await gateway.start())
                deliveries.reconnect()
            deliveries.enough.set()
            await delivering
            async with asyncio.timeout(settled_s):
                await _until_settled(database, wait_for_leases)
        _count(books, await _stored(database), provider, deliveries.accepted)
    return books


class _Deliveries:
    """Messages at a steady pace, in order within each chat, repeated until they are taken."""

    def __init__(self, port: int, provider: FakeTelegram) -> None:
        self.accepted: list[Said] = []
        self.enough = asyncio.Event()
        self._port = port
        self._client = Client(port)
        self._provider = provider
        self._chats: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self) -> None:
        """Deliver until it is enough, and until all of that is taken."""
        started, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not self.enough.is_set():
                number += 1
                group.create_task(self._deliver(number))
                await asyncio.sleep(started + number / PER_S - time.monotonic())
        self._client.close()

    def reconnect(self) -> None:
        """Forget the connections to a killed process."""
        self._client = Client(self._port)

    async def _deliver(self, number: int) -> None:
        block, place = divmod(number, CHATS * EACH)
        chat_id, said = 1000 + block * CHATS + place % CHATS, FIRST + place // CHATS
        self._provider.chat(chat_id)
        body = json.dumps(_update(number, chat_id, str(said))).encode()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with self._chats[chat_id]:
            for _ in range(1000):
                with suppress(OSError, RuntimeError):  # uvloop's word for a connection that has ended
                    async with asyncio.timeout(10):
                        if await self._client.post("/webhooks/telegram", body, headers) == 200:
                            self.accepted.append((chat_id, said))
                            return
                await asyncio.sleep(0.1)
        raise TimeoutError(f"update {number} was never taken")


def _update(number: int, chat_id: int, text: str) -> dict[str, object]:
    person = {"id": chat_id, "first_name": "Nora", "language_code": "de"}
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_790_000_000,
            "from": {**person, "is_bot": False},
            "chat": {"id": chat_id, "first_name": "Nora", "type": "private"},
            "text": text,
        },
    }


async def _until_settled(database: str, wait_for_leases: bool) -> None:
    opened = open_database(database)
    before = -1
    while left := await opened.read(lambda c: c.scalar(sa.text("SELECT count(*) FROM outbox")) or 0):
        if left == before and opened.is_postgresql and not wait_for_leases:
            await opened.write(abandon_sends)
        before = left
        await asyncio.sleep(0.5)
    await opened.close()


async def _stored(database: str) -> list[Said]:
    """What people said, as stored, in the order of each conversation."""
    opened = open_database(database)
    query = (
        "SELECT address.reply_value, message.text FROM message"
        " JOIN conversation ON conversation.id = message.conversation_id"
        " JOIN address ON address.id = conversation.address_id"
        " WHERE message.direction = 'in' ORDER BY message.conversation_id, message.position"
    )
    rows = await opened.read(lambda connection: connection.execute(sa.text(query)).all())
    await opened.close()
    return [(int(row[0]), int(row[1])) for row in rows]


def _count(books: Books, stored: list[Said], provider: FakeTelegram, accepted: list[Said]) -> None:
    answers = [
        (chat.chat_id, int(found[1]))
        for chat in provider.chats
        for message in chat.from_bot
        if (found := ANSWER.search(message.text))
    ]
    times_stored, times_answered = Counter(stored), Counter(answers)
    books.accepted = len(accepted)
    books.lost = sum(not times_stored[said] or not times_answered[said] for said in accepted)
    books.stored_twice = sum(times - 1 for times in times_stored.values())
    books.answered_twice = sum(times - 1 for times in times_answered.values())
    books.inversions = _inversions(stored) + _inversions(answers)


def _inversions(said: list[Said]) -> int:
    return sum(
        chat == next_chat and number > next_number
        for (chat, number), (next_chat, next_number) in pairwise(said)
    )


def main() -> None:
    """Read the arguments, kill, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, or a postgresql:// URL of an empty database"
    )
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="zuruf-kills-") as folder:
        url = arguments.database
        url = f"sqlite:///{folder}/zuruf.db" if url == "sqlite" else url
        books = uvloop.run(run_kills(Path(folder), url, arguments.kills))
    for name, figure in asdict(books).items():
        print(f"{name.replace('_', ' ')}: {figure:g}")
    sys.exit(not books.hold)


if __name__ == "__main__":
    main()
