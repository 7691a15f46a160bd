"""How a fake provider brings its webhooks: in order per chat, repeated by its own rule, then lost."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.chats import Exchange

TIMEOUT_S = 15.0

# How many deliveries failed so far, and the last one's status (0: no connection) -> seconds to wait for the
# next try; None: there is none.
Rule = Callable[[int, int], float | None]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One webhook to bring."""

    chat: str  # parcels of one chat set out in order
    what: str  # for whoever watches
    url: str
    body: bytes
    headers: Mapping[str, str]
    on_taken: Callable[[], None] = lambda: None
    on_lost: Callable[[], None] = lambda: None
    rule: Rule | None = None  # of this one; None: the couriers' own


class Couriers:
    """Brings parcels, from `start` to `stop`."""

    def __init__(self, rule: Rule, on_exchange: Callable[[Exchange], None], time_scale: float = 1.0) -> None:
        self.rule = rule
        self._on_exchange = on_exchange
        self.time_scale = time_scale  # of all waits; tests make them short
        self._session: aiohttp.ClientSession | None = None
        self._open = asyncio.Event()
        self._turns: dict[str, asyncio.Lock] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to bring."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            trust_env=False,
        )
        self._open.set()

    async def stop(self) -> None:
        """Bring nothing more; what is under way is lost."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session:
            await self._session.close()

    def pause(self) -> None:
        """Start no delivery until `resume`."""
        self._open.clear()

    def resume(self) -> None:
        """Bring again."""
        self._open.set()

    @property
    def under_way(self) -> int:
        """How many parcels are neither taken nor lost."""
        return len(self._under_way)

    def send(self, parcel: Parcel, after_s: float = 0.0) -> None:
        """Bring a parcel, by and by."""
        if urlsplit(parcel.url).hostname not in LOOPBACK_HOSTS:
            raise ValueError("a fake provider calls its own machine only")
        task = asyncio.create_task(self._bring(parcel, after_s), name=f"courier {parcel.what}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def pause_s(self, seconds: float) -> None:
        """Let so much of the provider's time pass."""
        await asyncio.sleep(seconds * self.time_scale)

    async def _bring(self, parcel: Parcel, after_s: float) -> None:
        if after_s:
            await self.pause_s(after_s)
        failures, rule = 0, parcel.rule or self.rule
        # The first try waits for its turn; a repeat holds nobody else up.
        async with self._turns.setdefault(parcel.chat, asyncio.Lock()):
            status = await self._post(parcel)
        while not 200 <= status < 300:
            wait_s = rule(failures, status)
            if wait_s is None:
                parcel.on_lost()
                return
            failures += 1
            await self.pause_s(wait_s)
            status = await self._post(parcel)
        parcel.on_taken()

    async def _post(self, parcel: Parcel) -> int:
        await self._open.wait()
        began, status = time.monotonic(), 0
        if self._session is None:
            return status
        try:
            async with self._session.post(
                parcel.url, data=parcel.body, headers=parcel.headers, allow_redirects=False
            ) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, OSError):
            status = 0
        took_ms = round((time.monotonic() - began) * 1000)
        self._on_exchange(Exchange("webhook", parcel.what, status, took_ms))
        return status
