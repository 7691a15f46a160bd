"""Twilio's list of messages: what became of a send, and what came while our webhook was away."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import structlog

from channels.channel import ChannelMemory, StoreEvents
from channels.errors import Unreadable
from channels.message import DeliveryState, Event, InboundMessage, Media, OutboundMessage, Receipt, Sender
from channels.twilio_api import Json, TwilioApi
from channels.twilio_updates import PREFIX, address, media_of

log = structlog.get_logger(__name__)

MARK = "caught up until"
OVERLAP_MS = 10 * 60_000  # Twilio may still be repeating a webhook for so long
CLOCKS_DIFFER_MS = 10_000
AT_ONCE = 100
_GONE = {"failed", "undelivered", "canceled"}


async def look_up(
    api: TwilioApi, message: OutboundMessage, said: Collection[str], since_ms: int, taken: Collection[str]
) -> Receipt | None:
    """The send that nobody answered, found by person, time, and one of the ways in which it may be worded."""
    to, words = PREFIX + message.to.value, {text.strip() for text in said}
    listed = await api.messages({"To": to, "DateSent>": _day(since_ms)})
    for one in reversed(listed):  # the oldest that fits: a copy would be younger
        if one.get("to") != to or one.get("direction") == "inbound" or one.get("sid") in taken:
            continue
        if one.get("status") in _GONE or _created_ms(one) < since_ms - CLOCKS_DIFFER_MS:
            continue
        if str(one.get("body") or "").strip() in words:
            return Receipt(str(one["sid"]), DeliveryState.ACCEPTED)
    return None


async def catch_up(
    api: TwilioApi, memory: ChannelMemory, senders: Collection[str], now_ms: int, store: StoreEvents
) -> None:
    """Store what people wrote since the last time; the first time there is nothing to make up for."""
    mark = await memory.get(MARK)
    if mark is not None:
        since_ms = int(mark) - OVERLAP_MS
        missed = [one for one in await _written_since(api, since_ms, senders) if _created_ms(one) >= since_ms]
        for start in range(0, len(missed), AT_ONCE):
            events = [await _event(api, one) for one in missed[start : start + AT_ONCE]]
            found: list[Event] = [event for event in events if event]
            if found:
                await store(found)
    await memory.put(MARK, str(now_ms))


async def _written_since(api: TwilioApi, since_ms: int, senders: Collection[str]) -> Sequence[Json]:
    """The people's messages, the oldest first."""
    pages = [
        await api.messages({"DateSent>": _day(since_ms)} | ({"To": sender} if sender else {}))
        for sender in (senders or [""])
    ]
    inbound = [one for page in pages for one in page if one.get("direction") == "inbound"]
    return sorted(inbound, key=_created_ms)


async def _event(api: TwilioApi, one: Json) -> Event | None:
    """A listed message as its webhook would have told it; what the list lacks is lost but for its words."""
    sid = str(one.get("sid") or "")
    try:
        who = address(str(one.get("from") or ""))
    except Unreadable:
        return None  # another channel's: an SMS, a call
    text = str(one.get("body") or "").strip()
    media = await _media(api, sid, text) if _number(one.get("num_media")) else None
    return InboundMessage(
        dedupe_key=sid,
        sender=Sender((who,)),
        provider_id=sid,
        sent_at_ms=_created_ms(one),
        text="" if media and media.file_name == text else text,
        media=media,
        unsupported="" if text or media else "unknown",
    )


async def _media(api: TwilioApi, sid: str, text: str) -> Media | None:
    listed = await api.get(f"{api.account_url}/Messages/{sid}/Media.json")
    for one in listed.get("media_list") or ():
        url = f"{api.account_url}/Messages/{sid}/Media/{one.get('sid')}"
        return media_of(url, str(one.get("content_type") or ""), text, sid)
    return None


def _created_ms(one: Json) -> int:
    for field in ("date_sent", "date_created"):
        with suppress(ValueError, TypeError):
            return int(parsedate_to_datetime(str(one.get(field) or "")).timestamp() * 1000)
    return 0


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(max(ms, 0) / 1000, UTC):%Y-%m-%d}"


def _number(value: Any) -> int:
    with suppress(ValueError, TypeError):
        return int(value)
    return 0
