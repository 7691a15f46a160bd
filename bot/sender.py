"""Empties a channel's outbox: claim, pace, send, record."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy import Connection

from bot.database import Database
from bot.delivery import NotSent, SendResult, Sent, record, sweep, take_back
from bot.outbox import SendJob, claim, next_due_ms
from bot.pacing import UNCLEAR_HOLD_MS, Pace, after_failure, back_off_ms, is_window_closed
from bot.settling import Settler
from channels.channel import Channel
from channels.errors import SendError, SendErrorKind

log = structlog.get_logger(__name__)

MOST_IN_FLIGHT = 512  # rate x latency of the fastest channel, with room
SEND_TIMEOUT_S = 20.0  # shorter than the lease: a live process always answers for its sends
IDLE_S = 1.0  # how often to look for what another process put into the outbox
SWEEP_S = 1.0
RESERVATION_S = 15.0  # longer than any batch takes to commit
TOLERATED_FAILURES = 3  # in a row, before the whole channel waits for its provider


def real_now_ms() -> int:
    """Real time: leases and pacing never follow the demo's clock."""
    return time.time_ns() // 1_000_000


class Sender:
    """The sends of one channel in this process."""

    def __init__(
        self,
        channel: Channel,
        database: Database,
        record_result: Callable[[SendResult], Awaitable[None]],
        owner: int,
        on_stop: Callable[[str, SendError], None] = lambda name, error: None,
        business_now_ms: Callable[[], int] = real_now_ms,
    ) -> None:
        self.channel = channel
        self._database = database
        self._record = record_result
        self._owner = owner
        self._on_stop = on_stop
        self._business_now_ms = business_now_ms
        self._settler = Settler(channel, database)
        self._pace = Pace(channel.capabilities.rate)
        self._open: dict[int, asyncio.Task[None]] = {}  # by message id
        self._unrecorded: set[int] = set()  # answered for, but the database would not take it
        self._reserved: deque[float] = deque()  # when slots were given for jobs that have not started yet
        self._claiming = False
        self._wake = asyncio.Event()
        self._backlog = True  # there may be something queued, so the end of a send is worth a look
        self._paused_until_s = 0.0
        self._failures = 0  # of the channel itself, in a row
        self._limited: dict[int, float] = {}  # conversation -> until when the provider wants no more
        self._stopping = False

    def take_slot(self) -> bool:
        """Whether a message may be sent at this moment; the caller then starts it with `start`."""
        now_s = time.monotonic()
        free = not self._stopping and self._paused_until_s <= now_s and self.in_flight < MOST_IN_FLIGHT
        if free and self._pace.take(now_s):
            self._reserved.append(now_s)
            return True
        return False

    @property
    def in_flight(self) -> int:
        """How many sends are open or about to be."""
        # A slot whose batch failed is never started: it comes back by itself.
        while self._reserved and self._reserved[0] < time.monotonic() - RESERVATION_S:
            self._reserved.popleft()
        return len(self._open) + len(self._reserved)

    def start(self, job: SendJob) -> None:
        """Send a job that had its slot; its row already says `sending`."""
        if self._reserved:
            self._reserved.popleft()
        self._launch(job)

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._backlog = True
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        sweeping = asyncio.create_task(self._sweep_for_ever(), name=f"sweep {self.channel.name}")
        settling = asyncio.create_task(self._settle_for_ever(), name=f"settle {self.channel.name}")
        try:
            while True:
                self._wake.clear()  # before looking: what comes in meanwhile is not missed
                await self._send_due()
                await self._wait_for_work()
        finally:
            sweeping.cancel()
            settling.cancel()

    def hold(self) -> None:
        """Send nothing more from this process: what comes in is queued for another one."""
        self._stopping = True

    async def drain(self, timeout_s: float) -> None:
        """Take no more, and wait until what is open, or about to be, is answered for and recorded."""
        self.hold()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.in_flight or self._claiming:
                    await asyncio.wait([*self._open.values(), asyncio.ensure_future(asyncio.sleep(0.05))])

    async def _send_due(self) -> None:
        while not self._stopping:
            now_s = time.monotonic()
            most = min(self._pace.free(now_s), MOST_IN_FLIGHT - self.in_flight)
            if self._failures > TOLERATED_FAILURES:
                most = min(most, 1 - len(self._open))  # feel out a provider in trouble with one message
            if most <= 0 or self._paused_until_s > now_s:
                return
            work = partial(
                claim, channel=self.channel.name, now_ms=real_now_ms(), most=most, owner=self._owner
            )
            self._claiming = True
            try:
                for job in (jobs := await self._database.write(work)):
                    self._pace.take(now_s)
                    self._launch(job)
            finally:
                self._claiming = False
            if not jobs:
                return

    async def _wait_for_work(self) -> None:
        due_ms = await self._database.read(partial(next_due_ms, channel=self.channel.name))
        wait_s = IDLE_S
        self._backlog = due_ms is not None
        if due_ms is not None:
            now_s = time.monotonic()
            free_in_s = max(self._pace.wait_s(now_s), self._paused_until_s - now_s)
            in_s = max(free_in_s, (due_ms - real_now_ms()) / 1000)
            # Due, yet not claimed: its conversation has a send open, whose end will wake us.
            wait_s = min(IDLE_S, in_s) if in_s > 0 else IDLE_S / 4
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()

    def _launch(self, job: SendJob) -> None:
        task = asyncio.create_task(self._send(job), name=f"send {self.channel.name}")
        message_id = job.message.message_id
        self._open[message_id] = task
        task.add_done_callback(lambda _: self._open.pop(message_id, None))

    async def _send(self, job: SendJob) -> None:
        result: SendResult
        try:
            self._heed_the_window(job)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                result = Sent(job, await self.channel.send(job.message))
        except SendError as error:
            result = self._failed(job, error)
        except TimeoutError:
            result = self._failed(
                job, SendError(SendErrorKind.RETRY_UNKNOWN, code="time-out", maybe_sent=True)
            )
        except Exception as error:
            # Ours to blame, not the provider's: sending it again would fail the same way.
            log.exception("send.crashed", channel=self.channel.name)
            code = type(error).__name__
            result = self._failed(job, SendError(SendErrorKind.PERMANENT_CONTENT, code=code))
        else:
            self._failures = 0
        await self._keep(result)
        if self._backlog or isinstance(result, NotSent):
            self.wake()

    def _heed_the_window(self, job: SendJob) -> None:
        """Raise what the provider would say anyway, perhaps an hour later, of free text out of time."""
        window_h = self.channel.capabilities.window_h
        if job.message.template is None and is_window_closed(
            window_h, job.last_inbound_at_ms, self._business_now_ms()
        ):
            raise SendError(SendErrorKind.NEEDS_TEMPLATE, code="window closed", scope="recipient")

    async def _keep(self, result: SendResult) -> None:
        for attempt in range(5):
            try:
                await self._record(result)
                return
            except Exception:
                # The lease keeps the row ours meanwhile; after it the send counts as unclear.
                log.exception("send.not_recorded", channel=self.channel.name, attempt=attempt)
                await asyncio.sleep(back_off_ms(attempt) / 1000)
        self._unrecorded.add(result.job.message.message_id)

    def _failed(self, job: SendJob, error: SendError) -> NotSent:
        name, reports = self.channel.name, self.channel.capabilities.reports_name_ours
        log.warning("send.failed", channel=name, kind=error.kind.value, code=error.code, attempt=job.attempts)
        self._mind_the_channel(job, error)
        verdict = after_failure(error, job.attempts, real_now_ms(), has_reports=reports)
        return NotSent(job, error, verdict)

    def _mind_the_channel(self, job: SendJob, error: SendError) -> None:
        now_s = time.monotonic()
        if error.kind is SendErrorKind.STOP_CHANNEL:
            self._paused_until_s = now_s + 60
            self._on_stop(self.channel.name, error)
        elif error.kind is SendErrorKind.RETRY_AFTER:
            until_s = now_s + (error.retry_after_s or 1)
            self._limited = {who: until for who, until in self._limited.items() if until > now_s}
            self._limited[job.conversation_id] = until_s
            # One limited chat is that chat's; two at a time are the whole account.
            if error.scope == "channel" or len(self._limited) > 1:
                self._paused_until_s = max(self._paused_until_s, *self._limited.values())
        elif error.scope == "channel" or error.maybe_sent:
            self._failures += 1
            if self._failures > TOLERATED_FAILURES:
                self._paused_until_s = now_s + back_off_ms(self._failures) / 1000

    async def _settle_for_ever(self) -> None:
        """Apart from the sweep: a provider in trouble takes its time to answer."""
        while self.channel.capabilities.looks_up:
            try:
                for found in await self._settler.look(real_now_ms()):
                    await self._keep(found)
                    self.wake()
            except Exception:
                log.exception("settle.failed", channel=self.channel.name)
            await asyncio.sleep(SWEEP_S)

    async def _sweep_for_ever(self) -> None:
        hold_ms = UNCLEAR_HOLD_MS if self.channel.capabilities.reports_name_ours else 0
        name = self.channel.name
        while True:
            try:
                now_ms, under_way = real_now_ms(), {*self._open, *self._unrecorded}
                settle = partial(sweep, channel=name, now_ms=now_ms, hold_ms=hold_ms)
                forgotten = partial(
                    take_back, channel=name, now_ms=now_ms, owner=self._owner, under_way=under_way
                )
                if await self._database.write(settle) + await self._database.write(forgotten):
                    self.wake()
            except Exception:
                log.exception("sweep.failed", channel=name)
            await asyncio.sleep(SWEEP_S)


def recorder(database: Database) -> Callable[[SendResult], Awaitable[None]]:
    """Records results in shared commits; one for all channels of a process."""

    def work(connection: Connection, results: list[SendResult]) -> list[None]:
        record(connection, results)
        return [None] * len(results)

    return database.batched(work)
