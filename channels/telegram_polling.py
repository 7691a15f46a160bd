"""Fetching updates by long polling, for installations without a public address."""

import asyncio
import random
from collections.abc import Sequence

import aiohttp
import msgspec
import structlog

from channels.channel import StoreEvents
from channels.errors import SendError, SendErrorKind, Unreadable
from channels.http import CONNECT_TIMEOUT_S, status_error
from channels.message import Event, UnreadableEvent
from channels.telegram_api import BotApi
from channels.telegram_updates import events
from channels.telegram_wire import ALLOWED_UPDATES

log = structlog.get_logger(__name__)

_WAIT_S = 50  # how long Telegram may think about an answer when there is nothing new
_LIMITS = aiohttp.ClientTimeout(total=_WAIT_S + 20, connect=CONNECT_TIMEOUT_S)
_MOST_UPDATES = 100
_LONGEST_PAUSE_S = 60.0


class _Update(msgspec.Struct):
    update_id: int


async def poll_updates(api: BotApi, name: str, store: StoreEvents) -> None:
    """Fetch and store for ever. The next question acknowledges, so it is asked only after storing.

    Raises `SendError` where asking again cannot help (a revoked token, a second poller), and whatever
    `store` raises; Telegram then keeps the updates for 24 hours.
    """
    offset, failures = 0, 0
    while True:
        try:
            updates = await _fetch(api, offset)
        except SendError as error:
            if error.kind is SendErrorKind.STOP_CHANNEL:
                raise
            failures += 1
            log.warning("telegram.poll_failed", channel=name, reason=str(error), failures=failures)
            await asyncio.sleep(pause_s(failures, error.retry_after_s))
            continue
        failures = 0
        found = [event for number, body in updates for event in _events(number, body)]
        if found:
            await store(found)
        if updates:
            offset = max(number for number, _ in updates) + 1


def pause_s(failures: int, retry_after_s: float | None = None) -> float:
    """How long to wait after so many failures in a row: doubling, up to a minute, never in step."""
    longest = min(_LONGEST_PAUSE_S, 0.5 * 2 ** min(failures, 10))
    return max(retry_after_s or 0.0, random.uniform(longest / 2, longest))


async def _fetch(api: BotApi, offset: int) -> Sequence[tuple[int, bytes]]:
    """The waiting updates, each with its number and as it came."""
    parameters = {
        "offset": offset,
        "limit": _MOST_UPDATES,
        "timeout": _WAIT_S,
        "allowed_updates": ALLOWED_UPDATES,
    }
    result = await api.call("getUpdates", parameters, _LIMITS)
    try:
        bodies = [bytes(raw) for raw in msgspec.json.decode(result, type=list[msgspec.Raw])]
        return [(msgspec.json.decode(body, type=_Update).update_id, body) for body in bodies]
    except (msgspec.DecodeError, UnicodeDecodeError):
        failure = status_error(200)
    raise failure


def _events(number: int, body: bytes) -> list[Event]:
    """What one update means. Not even one that crashes the parser may hold up all that follow."""
    try:
        return events(body)
    except Exception as error:
        reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
        log.warning("telegram.unreadable", update_id=number, reason=reason)
        return [UnreadableEvent(str(number), reason, body)]
