"""How the fake Telegram hands updates over: to a webhook, in order per chat, or to one poller."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.chats import Exchange, Json
from zuruf.demo.providers.telegram.rules import Refused, bad_request

WEBHOOK_TIMEOUT_S = 60
LONGEST_WAIT_S = 60
MOST_POLLED = 100
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(slots=True, eq=False)
class Update:
    """One thing to tell the gateway."""

    update_id: int
    chat_id: int
    kind: str
    body: Json
    on_taken: Callable[[], None]  # called when the gateway has it
    handed_out: bool = False  # to a poller

    def as_json(self) -> Json:
        """The `Update` object of the Bot API."""
        return {"update_id": self.update_id, self.kind: self.body}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where updates go."""

    url: str
    secret_token: str = ""
    max_connections: int = 40


@dataclass(slots=True)
class _LastError:
    at_s: int = 0
    message: str = ""


@dataclass(slots=True)
class UpdateQueue:
    """Updates not yet taken by the gateway, and the work of handing them over."""

    on_exchange: Callable[[Exchange], None]
    first_update_id: int
    time_scale: float = 1.0  # of the waits between repeats; tests make them short
    webhook: Webhook | None = None
    allowed: frozenset[str] = frozenset()  # empty: all but NOT_BY_DEFAULT
    _pending: dict[Update, None] = field(default_factory=dict)
    _by_chat: dict[int, deque[Update]] = field(default_factory=dict)
    _last_of_chat: dict[int, Update] = field(default_factory=dict)
    _couriers: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _poller: asyncio.Future[bool] | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(40))
    _last_error: _LastError = field(default_factory=_LastError)
    _session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Begin to hand over."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_S),
            trust_env=False,
        )
        self._open.set()
        self._dispatch()

    async def stop(self) -> None:
        """Hand nothing over any more; what is pending is lost."""
        await self._dismiss_couriers()
        if self._poller and self.is_polled:
            self._poller.cancel()
        if self._session:
            await self._session.close()

    def pause(self) -> None:
        """Start no delivery until `resume`."""
        self._open.clear()

    def resume(self) -> None:
        """Deliver again."""
        self._open.set()

    def put(self, chat_id: int, kind: str, body: Json, on_taken: Callable[[], None]) -> None:
        """Queue an update, unless the gateway did not ask for its kind."""
        if kind not in self.allowed if self.allowed else kind in NOT_BY_DEFAULT:
            return
        update = Update(self.first_update_id, chat_id, kind, body, on_taken)
        self.first_update_id += 1
        self._last_of_chat[chat_id] = update
        self._enqueue(update)

    def redeliver_last(self, chat_id: int) -> bool:
        """Hand the latest update of a chat over once more, as after a lost answer; false: there is none."""
        update = self._last_of_chat.get(chat_id)
        if update is None or update in self._pending:
            return False
        update.handed_out = False
        self._enqueue(update)
        return True

    @property
    def pending(self) -> int:
        """How many updates wait for the gateway."""
        return len(self._pending)

    @property
    def is_polled(self) -> bool:
        """Whether somebody waits for updates right now."""
        return self._poller is not None and not self._poller.done()

    def _enqueue(self, update: Update) -> None:
        self._pending[update] = None
        self._by_chat.setdefault(update.chat_id, deque()).append(update)
        self._arrived.set()
        self._dispatch_chat(update.chat_id)

    async def set_webhook(self, webhook: Webhook, allowed: frozenset[str], drop_pending: bool) -> None:
        """Deliver to `webhook` from now on."""
        if urlsplit(webhook.url).hostname not in LOOPBACK_HOSTS:
            # The demo must never talk to anybody else's machine.
            raise bad_request("bad webhook: this provider delivers to its own machine only")
        await self.delete_webhook(drop_pending)
        self.webhook, self.allowed = webhook, allowed
        self._slots = asyncio.Semaphore(webhook.max_connections)
        self._last_error = _LastError()
        self._dispatch()

    async def delete_webhook(self, drop_pending: bool) -> None:
        """Keep updates for a poller from now on."""
        self.webhook = None
        await self._dismiss_couriers()
        if drop_pending:
            self._pending.clear()
            self._by_chat.clear()

    def webhook_info(self) -> Json:
        """The `WebhookInfo` object of the Bot API."""
        info: Json = {
            "url": self.webhook.url if self.webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": self.pending,
        }
        if self.webhook:
            info["max_connections"] = self.webhook.max_connections
        if self.allowed:
            info["allowed_updates"] = sorted(self.allowed)
        if self._last_error.message:
            info |= {
                "last_error_date": self._last_error.at_s,
                "last_error_message": self._last_error.message,
            }
        return info

    async def poll(
        self, offset: int, limit: int, timeout_s: float, allowed: frozenset[str] | None
    ) -> list[Json]:
        """Updates from `offset` on; those before it are confirmed. A newer poller ends an older one."""
        if self.webhook:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first",
            )
        if self._poller and self.is_polled:
            self._poller.set_result(True)
        self._poller = turn = asyncio.get_running_loop().create_future()
        if allowed is not None:
            self.allowed = allowed
        for update in [u for u in self._pending if u.handed_out and u.update_id < offset]:
            self._taken(update)
        try:
            await self._something_pending(turn, timeout_s)
        finally:
            if not turn.done():
                turn.cancel()
        updates = list(self._pending)[: min(max(limit, 1), MOST_POLLED)]
        for update in updates:
            update.handed_out = True
        return [update.as_json() for update in updates]

    async def _something_pending(self, turn: asyncio.Future[bool], timeout_s: float) -> None:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not self._pending:
            self._arrived.clear()
            arrival: asyncio.Future[bool] = asyncio.ensure_future(self._arrived.wait())
            left_s = deadline - asyncio.get_running_loop().time()
            await asyncio.wait({arrival, turn}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            arrival.cancel()
            if turn.done():
                raise Refused(
                    409,
                    "Conflict: terminated by other getUpdates request;"
                    " make sure that only one bot instance is running",
                )
            if left_s <= 0:
                return

    def _dispatch(self) -> None:
        for chat_id in self._by_chat:
            self._dispatch_chat(chat_id)

    def _dispatch_chat(self, chat_id: int) -> None:
        if self.webhook and self._session and chat_id not in self._couriers:
            courier = self._empty(chat_id, self.webhook, self._session)
            self._couriers[chat_id] = asyncio.create_task(courier)

    async def _empty(self, chat_id: int, webhook: Webhook, session: aiohttp.ClientSession) -> None:
        while waiting := self._by_chat.get(chat_id):
            await self._deliver(waiting[0], webhook, session)
            self._taken(waiting[0])
        del self._couriers[chat_id]

    def _taken(self, update: Update) -> None:
        self._pending.pop(update, None)
        waiting = self._by_chat[update.chat_id]
        waiting.remove(update)
        if not waiting:
            del self._by_chat[update.chat_id]
        update.on_taken()

    async def _deliver(self, update: Update, webhook: Webhook, session: aiohttp.ClientSession) -> None:
        failures = 0
        while True:
            await self._open.wait()
            async with self._slots:
                retry_after_s = await self._post(update, webhook, session)
            if retry_after_s is None:
                return
            back_off_s = min(2.0**failures, LONGEST_WAIT_S) if failures else 0.0
            await asyncio.sleep(max(back_off_s, retry_after_s) * self.time_scale)
            failures += 1

    async def _post(self, update: Update, webhook: Webhook, session: aiohttp.ClientSession) -> float | None:
        """Deliver once. None: taken; else how long the gateway asks us to wait."""
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret_token
        body = msgspec.json.encode(update.as_json())
        began, status, retry_after_s = time.monotonic(), 0, 0.0
        try:
            async with session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                status, retry_after_s = answer.status, _seconds(answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError):
            status = 0
        took_ms = round((time.monotonic() - began) * 1000)
        self.on_exchange(Exchange("webhook", update.kind, status, took_ms))
        if 200 <= status < 300:
            return None
        trouble = f"Wrong response from the webhook: {status}" if status else "Connection failed"
        self._last_error = _LastError(int(time.time()), trouble)
        return retry_after_s

    async def _dismiss_couriers(self) -> None:
        couriers = list(self._couriers.values())
        self._couriers.clear()
        for courier in couriers:
            courier.cancel()
        await asyncio.gather(*couriers, return_exceptions=True)


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), 3600.0) if retry_after and retry_after.isdecimal() else 0.0


def as_kinds(value: Any) -> frozenset[str] | None:
    """The kinds of update asked for; None: nothing said about them."""
    return None if value is None else frozenset(map(str, value))
