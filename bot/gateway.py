"""One running gateway: channels, inbox and senders on a database, put together and taken apart."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog

from bot.clock import Clock
from bot.content import Content
from bot.database import Database
from bot.delivery import abandon_sends
from bot.dialog import Dialog
from bot.inbox import Accepted, Inbox
from bot.media import MediaFetcher
from bot.minding import mind
from bot.pacing import back_off_ms
from bot.seen import SeenEvents
from bot.sender import Sender, recorder
from bot.unsealing import Unsealer
from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.message import Event

log = structlog.get_logger(__name__)

TAP_TIMEOUT_S = 10.0
DRAIN_S = 25.0  # open sends end within their own time-out; a process manager waits 30 s
Job = Callable[[], Awaitable[None]]


class Gateway:
    """Takes events in and sends messages out, from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        dialog: Dialog,
        content: Callable[[], Content],
        clock: Clock,
        seen_key: bytes,
        media_folder: Path,
    ) -> None:
        self.database = database
        self.channels = channels
        self.troubles: dict[str, str] = {}  # what they are about: what is wrong
        record = recorder(database)
        owner = secrets.randbits(53)  # this gateway, among those that share the database
        self.senders = {
            name: Sender(channel, database, record, owner, self._channel_stopped, clock.now_ms)
            for name, channel in channels.items()
        }
        self.media = MediaFetcher(database, channels, media_folder)
        self.inbox = Inbox(
            database,
            dialog,
            content,
            clock,
            SeenEvents(seen_key),
            {name: channel.capabilities for name, channel in channels.items()},
            lambda name: self.senders[name].take_slot(),
            self._committed,
            owner,
        )
        self.unsealer = Unsealer(database, channels, self.inbox.accept)
        self._tasks: list[asyncio.Task[None]] = []
        self._taps: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to send, to fetch and to listen."""
        if not self.database.is_postgresql:
            # One process per SQLite file: whatever says "sending" was left by the one before us.
            await self.database.write(abandon_sends)
        for name, sender in self.senders.items():
            self.keep_running(f"send {name}", sender.run)
        self.keep_running("media", self.media.run)
        self.keep_running("unseal", self.unsealer.run)
        for name, channel in self.channels.items():
            self.keep_running(f"listen {name}", partial(self._listen, channel))
            store = partial(self._store, name)
            self.keep_running(f"mind {name}", partial(mind, channel, store, self._tell))

    def hold(self) -> None:
        """Take events in, but leave the sending to the process that runs the gateway."""
        for sender in self.senders.values():
            sender.hold()

    async def stop(self) -> None:
        """Let open sends end, then stop everything."""
        await asyncio.gather(*(sender.drain(DRAIN_S) for sender in self.senders.values()))
        for task in (*self._taps, *reversed(self._tasks)):
            task.cancel()
        await asyncio.gather(*self._taps, *self._tasks, return_exceptions=True)

    def keep_running(self, name: str, job: Job) -> None:
        """Run a job until `stop`, again when it fails, not again when it returns."""
        self._tasks.append(asyncio.create_task(_again_and_again(name, job), name=name))

    async def _listen(self, channel: Channel) -> None:
        try:
            await channel.set_up()
            self.troubles.pop(f"channel {channel.name}", None)
            if channel.polls:
                await channel.poll(partial(self._store, channel.name))
        except SendError as error:
            if error.kind is SendErrorKind.STOP_CHANNEL:
                self._channel_stopped(channel.name, error)
            else:
                self._tell(f"channel {channel.name}", f"not set up yet: {error}")
            raise

    async def _store(self, channel: str, events: Sequence[Event]) -> None:
        await self.inbox.accept(channel, events)

    def _committed(self, accepted: Accepted) -> None:
        sender = self.senders[accepted.channel]
        for job in accepted.jobs:
            sender.start(job)
        if accepted.queued:
            sender.wake()
        if accepted.has_media:
            self.media.wake()
        if accepted.sealed:
            self.unsealer.wake()
        if accepted.tap_id:
            self._acknowledge(self.channels[accepted.channel], accepted.tap_id)

    def _tell(self, about: str, trouble: str) -> None:
        if trouble:
            self.troubles[about] = trouble
        else:
            self.troubles.pop(about, None)

    def _acknowledge(self, channel: Channel, tap_id: str) -> None:
        async def acknowledge() -> None:
            # Only stops a little wheel on the phone: not worth a second try.
            with contextlib.suppress(SendError, TimeoutError):
                async with asyncio.timeout(TAP_TIMEOUT_S):
                    await channel.acknowledge_tap(tap_id)

        task = asyncio.create_task(acknowledge(), name="acknowledge tap")
        self._taps.add(task)
        task.add_done_callback(self._taps.discard)

    def _channel_stopped(self, name: str, error: SendError) -> None:
        log.error("channel.stopped", channel=name, kind=error.kind.value, code=error.code)
        self.troubles[f"channel {name}"] = str(error)


async def _again_and_again(name: str, job: Job) -> None:
    failures = 0
    while True:
        try:
            await job()
            return
        except SendError as error:  # the provider's trouble: there is no bug to be traced
            log.warning("job.put_off", job=name, kind=error.kind.value, code=error.code)
        except Exception:
            log.exception("job.failed", job=name)
        await asyncio.sleep(back_off_ms(failures) / 1000)
        failures = min(failures + 1, 10)
