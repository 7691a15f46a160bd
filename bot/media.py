"""Files that come with messages: fetched after the provider has its 200, tried again when that fails."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from bot.database import Database
from bot.pacing import back_off_ms
from bot.sender import real_now_ms
from bot.tables import Media, table
from channels.channel import Channel
from channels.errors import MediaGone
from channels.message import Media as IncomingMedia

log = structlog.get_logger(__name__)

_MEDIA = table(Media)
AT_ONCE = 4  # files fetched at the same time
MOST_TRIES = 8  # with the back-off's doubling: about four minutes, longer than providers' hiccups
FETCH_TIMEOUT_S = 120
IDLE_S = 2.0


class MediaFetcher:
    """Fetches pending files into the media folder, under random names."""

    def __init__(self, database: Database, channels: Mapping[str, Channel], folder: Path) -> None:
        self._database = database
        self._channels = channels
        self._folder = folder
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A message with a file was stored."""
        self._wake.set()

    async def run(self) -> None:
        """Fetch what is pending until cancelled."""
        while True:
            rows = await self._database.write(partial(_claim, now_ms=real_now_ms(), most=AT_ONCE))
            if rows:
                await asyncio.gather(*map(self._fetch, rows))
                continue
            self._wake.clear()
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()

    async def _fetch(self, row: Any) -> None:
        channel = self._channels.get(row.channel)
        if channel is None:
            return  # the channel left the configuration; its files wait for it to come back
        path = self._folder / row.channel / secrets.token_hex(16)
        media = IncomingMedia(row.kind, row.reference, row.content_type, row.file_name, row.size_bytes)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                size = await _store(channel, media, path)
            result: dict[str, Any] = {
                "state": "stored",
                "path": str(path.relative_to(self._folder)),
                "size_bytes": size,
            }
        except MediaGone:
            result = {"state": "gone"}
        except Exception as error:
            log.warning("media.not_fetched", channel=row.channel, error=type(error).__name__)
            again_ms = real_now_ms() + back_off_ms(row.attempts)
            result = (
                {"state": "failed"} if row.attempts + 1 >= MOST_TRIES else {"next_attempt_at_ms": again_ms}
            )
        if result.get("state") != "stored":
            await asyncio.to_thread(path.unlink, missing_ok=True)
        update = sa.update(_MEDIA).where(_MEDIA.c.id == row.id).values(result)
        await self._database.write(lambda connection: connection.execute(update).rowcount)


def _claim(connection: Connection, now_ms: int, most: int) -> list[Any]:
    """Pending files whose time has come, leased: if this process dies, another try comes later."""
    due = (
        sa.select(_MEDIA)
        .where(_MEDIA.c.state == "pending", _MEDIA.c.next_attempt_at_ms <= now_ms)
        .order_by(_MEDIA.c.next_attempt_at_ms)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = list(connection.execute(due))
    if rows:
        mine = _MEDIA.c.id.in_([row.id for row in rows])
        lease = {"attempts": _MEDIA.c.attempts + 1, "next_attempt_at_ms": now_ms + FETCH_TIMEOUT_S * 1000}
        connection.execute(sa.update(_MEDIA).where(mine).values(lease))
    return rows


async def _store(channel: Channel, media: IncomingMedia, path: Path) -> int:
    size = 0
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    with path.open("wb") as file:
        async for chunk in channel.fetch_media(media):
            file.write(chunk)
            size += len(chunk)
    return size
