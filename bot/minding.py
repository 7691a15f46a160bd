"""Keeps an eye on each messenger account: fetches what its webhook missed, and warns before it stops."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from channels.channel import Channel, StoreEvents
from channels.errors import SendError
from channels.message import Gap

log = structlog.get_logger(__name__)

CATCH_UP_S = 300.0
WARN_EVERY = 12  # rounds: the account itself is asked once an hour
Tell = Callable[[str, str], None]  # what it is about, and what is wrong; empty: nothing any more


async def mind(channel: Channel, store: StoreEvents, tell: Tell) -> None:
    """Look after one channel until cancelled; a provider that does not answer is asked again next time."""
    rounds = 0
    while True:
        await _guarded(channel, "list", tell, lambda: _catch_up(channel, store, tell))
        if rounds % WARN_EVERY == 0:
            await _guarded(channel, "account", tell, lambda: _look_at_account(channel, tell))
        rounds += 1
        await asyncio.sleep(CATCH_UP_S)


async def _catch_up(channel: Channel, store: StoreEvents, tell: Tell) -> None:
    gap = await channel.catch_up(store)
    if gap:
        log.error("channel.gap", channel=channel.name, from_ms=gap.from_ms, until_ms=gap.until_ms)
        tell(f"channel {channel.name} gap", _in_words(gap))


async def _look_at_account(channel: Channel, tell: Tell) -> None:
    warning = await channel.account_warning()
    if warning:
        log.error("channel.account", channel=channel.name, warning=warning)
    tell(f"channel {channel.name} account", warning)


async def _guarded(channel: Channel, what: str, tell: Tell, look: Callable[[], Awaitable[None]]) -> None:
    about = f"channel {channel.name} {what}"
    try:
        tell(about, "")
        await look()
    except SendError as error:
        log.warning("channel.not_minded", channel=channel.name, what=what, kind=error.kind.value)
        tell(about, f"the provider cannot be asked: {error}")


def _in_words(gap: Gap) -> str:
    begin, end = (
        f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC" for ms in (gap.from_ms, gap.until_ms)
    )
    return f"nothing could arrive from {begin} to {end}, and the messenger repeats nothing for so long"
