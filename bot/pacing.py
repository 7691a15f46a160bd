"""When to send and when to try again: arithmetic only, no sleeping."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Literal

from channels.errors import SendError, SendErrorKind
from channels.message import RateLimit

FIRST_RETRY_MS = 1_000
LONGEST_RETRY_MS = 120_000
ONE_HOUR_MS = 3_600_000
FEW = 5  # tries for what is probably wrong with this one message
ROUNDING_S = 1e-6  # clocks count from the machine's start: their last digits are noise
UNCLEAR_HOLD_MS = 60_000  # how long a status report may settle what became of a send


class Pace:
    """A generic cell rate: on average `per_s` a second, at most `burst` at once.

    Keeps one number, the time at which the next message would be due at an even pace
    (the "theoretical arrival time" of ITU-T I.371).
    """

    def __init__(self, limit: RateLimit) -> None:
        self._interval_s = 1 / limit.per_s
        self._slack_s = self._interval_s * (limit.burst - 1)
        self._due_s = 0.0

    def take(self, now_s: float) -> bool:
        """Take a slot if one is free now."""
        if self._due_s - self._slack_s > now_s + ROUNDING_S:
            return False
        self._due_s = max(self._due_s, now_s) + self._interval_s
        return True

    def free(self, now_s: float) -> int:
        """How many slots are free now."""
        early_s = now_s + ROUNDING_S + self._slack_s - max(self._due_s, now_s)
        return floor(early_s / self._interval_s) + 1 if early_s >= 0 else 0

    def wait_s(self, now_s: float) -> float:
        """How long until a slot is free."""
        return max(0.0, self._due_s - self._slack_s - now_s)


@dataclass(frozen=True, slots=True)
class Retry:
    """The message goes back to the queue until this time; its conversation waits with it."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may have arrived. Until this time a status report can say; then policy decides."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will not be sent; `address` is what that says about the person's address."""

    address: Literal["", "blocked", "undeliverable"] = ""
    opted_out: bool = False


Verdict = Retry | Unclear | GiveUp
_OF_THE_CHANNEL = {SendErrorKind.STOP_CHANNEL, SendErrorKind.RETRY_TOMORROW}


def back_off_ms(attempts: int, jitter: Callable[[], float] = random.random) -> int:
    """How long to wait before try `attempts` + 1: doubling, capped, between half and whole of it."""
    longest = min(FIRST_RETRY_MS * 2**attempts, LONGEST_RETRY_MS)
    return int(longest * (0.5 + jitter() / 2))


def after_failure(error: SendError, attempts: int, now_ms: int, *, has_reports: bool) -> Verdict:
    """What becomes of a message whose send failed.

    `attempts` counts the tries that failed before this one, `has_reports` says whether the channel
    reports deliveries, so that waiting can settle an unclear send.
    """
    if error.maybe_sent:
        return Unclear(now_ms + (UNCLEAR_HOLD_MS if has_reports else 0))
    wait_ms = back_off_ms(attempts)
    match error.kind:
        case SendErrorKind.RETRY_AFTER:
            return Retry(now_ms + (int(error.retry_after_s * 1000) if error.retry_after_s else wait_ms))
        case SendErrorKind.RETRY_FEW if error.scope == "channel" or attempts < FEW:
            return Retry(now_ms + wait_ms)
        case SendErrorKind.RETRY_UNKNOWN if attempts < FEW:
            return Retry(now_ms + wait_ms)
        case kind if kind in _OF_THE_CHANNEL:
            # The channel is at fault, not the message: it keeps its place until somebody mends it.
            return Retry(now_ms + LONGEST_RETRY_MS)
    return giving_up(error.kind)


def giving_up(kind: SendErrorKind) -> GiveUp:
    """What a failure that cannot be mended says about the person and their address."""
    match kind:
        case SendErrorKind.BLOCKED:
            return GiveUp(address="blocked")
        case SendErrorKind.PERMANENT_RECIPIENT:
            return GiveUp(address="undeliverable")
        case SendErrorKind.OPT_OUT:
            return GiveUp(opted_out=True)
    return GiveUp()


def is_window_closed(window_h: int | None, last_inbound_at_ms: int | None, now_ms: int) -> bool:
    """Whether only a template may be sent to somebody who last wrote then; business time."""
    if window_h is None:
        return False
    return last_inbound_at_ms is None or now_ms >= last_inbound_at_ms + window_h * ONE_HOUR_MS
