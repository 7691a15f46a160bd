"""Twilio's list of messages: what became of a send, and what came while our webhook was away."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from channels.channel import ChannelMemory, StoreEvents
from channels.errors import SendError, SendErrorKind, Unreadable
from channels.message import DeliveryState, Event, InboundMessage, Media, OutboundMessage, Receipt, Sender
from channels.twilio_api import Json, TwilioApi
from channels.twilio_updates import PREFIX, address, media_of

MARK = "caught up until"
OVERLAP_MS = 10 * 60_000
# So long Twilio may still be trying to bring a webhook, which says more than the list: what was tapped, where
# a pin is. Whatever is in the list first would stand for good.
WEBHOOKS_TRY_MS = 2 * 60_000
CLOCKS_DIFFER_MS = 10_000
AT_ONCE = 100
_GONE = {"failed", "undelivered", "canceled"}


@dataclass(frozen=True, slots=True)
class Ours:
    """Whom people write to: one number, or else the numbers of a messaging service."""

    sender: str
    messaging_service_sid: str


async def look_up(
    api: TwilioApi,
    ours: Ours,
    message: OutboundMessage,
    said: Collection[str],
    since_ms: int,
    taken: Collection[str],
) -> Receipt | None:
    """The send that nobody answered, found by person, time, and one of the ways in which it may be worded."""
    to, words = PREFIX + message.to.value, {_words(text) for text in said}
    listed = await _listed(api, {"To": to}, since_ms - CLOCKS_DIFFER_MS)
    for one in reversed(listed):  # the oldest that fits: a copy would be younger
        if one.get("to") != to or one.get("direction") == "inbound" or one.get("sid") in taken:
            continue
        if not ours.messaging_service_sid and one.get("from") != ours.sender:
            continue
        if one.get("status") not in _GONE and _words(str(one.get("body") or "")) in words:
            return Receipt(str(one["sid"]), DeliveryState.ACCEPTED)
    return None


async def catch_up(
    api: TwilioApi, memory: ChannelMemory, ours: Ours, started_ms: int, now_ms: int, store: StoreEvents
) -> None:
    """Store what people wrote since the last time; the first time there is nothing to make up for.

    What came since we started and may still come by webhook waits for the next time.
    """
    mark = await memory.get(MARK)
    if mark is not None:
        until_ms = max(started_ms, now_ms - WEBHOOKS_TRY_MS)
        missed = await _written_to(ours, api, int(mark) - OVERLAP_MS, until_ms)
        for start in range(0, len(missed), AT_ONCE):
            events = [await _event(api, one) for one in missed[start : start + AT_ONCE]]
            found: list[Event] = [event for event in events if event]
            if found:
                await store(found)
    await memory.put(MARK, str(now_ms))


async def _written_to(ours: Ours, api: TwilioApi, since_ms: int, until_ms: int) -> Sequence[Json]:
    """The people's messages, the oldest first."""
    listed = await _listed(api, {"To": ours.sender} if ours.sender else {}, since_ms)
    inbound = [one for one in listed if one.get("direction") == "inbound" and _created_ms(one) <= until_ms]
    if not ours.sender:  # then the list is the whole account's
        inbound = [one for one in inbound if one.get("messaging_service_sid") == ours.messaging_service_sid]
    return sorted(inbound, key=_created_ms)


async def _listed(api: TwilioApi, parameters: Mapping[str, str], since_ms: int) -> list[Json]:
    """The messages since then, the newest first; Twilio itself only tells days apart."""
    found: list[Json] = []
    async for page in api.pages({**parameters, "DateSent>": _day(since_ms)}):
        recent = [one for one in page if _created_ms(one) >= since_ms]
        found += recent
        if len(recent) < len(page):
            break
    return found


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
    try:
        listed = await api.get(f"{api.account_url}/Messages/{sid}/Media.json")
    except SendError as error:
        if error.kind is not SendErrorKind.PERMANENT_CONTENT:
            raise
        return None  # deleted meanwhile: no reason to make up for nothing else any more
    for one in listed.get("media_list") or ():
        url = f"{api.account_url}/Messages/{sid}/Media/{one.get('sid')}"
        return media_of(url, str(one.get("content_type") or ""), text, sid)
    return None


def _created_ms(one: Json) -> int:
    for field in ("date_sent", "date_created"):
        with suppress(ValueError, TypeError):
            return int(parsedate_to_datetime(str(one.get(field) or "")).timestamp() * 1000)
    return 0


def _words(text: str) -> str:
    """`text` without its white space, which changes on the way."""
    return " ".join(text.split())


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(max(ms, 0) / 1000, UTC):%Y-%m-%d}"


def _number(value: Any) -> int:
    with suppress(ValueError, TypeError):
        return int(value)
    return 0
