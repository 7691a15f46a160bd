"""What can go wrong at a provider: planned by tests and benchmarks, switched by the demo's fault buttons."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def from_sample(cls, sample: Mapping[str, Any]) -> "Answer":
        """An answer as `_outbound_answers.json` files describe it: status, headers, body."""
        body = sample["body"]
        content = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        return cls(sample["status"], content, sample["headers"])


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one call."""

    latency_s: float = 0.0
    answer: Answer | None = None  # instead of the provider's own; the call is not carried out
    loses_reply: bool = False  # the call is carried out, then the connection is cut instead of an answer
    cuts: bool = False  # the connection is cut once the request was read; nothing is carried out
    methods: frozenset[str] = frozenset()  # empty: every call


class Faults:
    """Faults that stand until they are switched off, and faults planned for the next calls."""

    def __init__(self) -> None:
        self._standing: dict[str, Fault] = {}
        self._planned: deque[Fault] = deque()

    @property
    def standing(self) -> frozenset[str]:
        """The names of the faults that are switched on."""
        return frozenset(self._standing)

    def switch_on(self, name: str, fault: Fault) -> None:
        """Let `fault` befall every call it is meant for until `switch_off(name)`."""
        self._standing[name] = fault

    def switch_off(self, name: str) -> None:
        """End a standing fault; nothing happens when there is none."""
        self._standing.pop(name, None)

    def plan(self, *faults: Fault) -> None:
        """Let each of `faults` befall one of the next calls that it is meant for, in this order."""
        self._planned.extend(faults)

    def forget_plans(self) -> None:
        """Drop what was planned and did not happen yet."""
        self._planned.clear()

    @property
    def planned(self) -> int:
        """How many planned faults are still to come."""
        return len(self._planned)

    def draw(self, method: str) -> Fault | None:
        """All that befalls a call of `method` now, as one fault; uses up what was planned."""
        if not self._standing and not self._planned:
            return None
        faults = [fault for fault in self._standing.values() if _concerns(fault, method)]
        planned = next((fault for fault in self._planned if _concerns(fault, method)), None)
        if planned:
            self._planned.remove(planned)
            faults.insert(0, planned)
        if not faults:
            return None
        return Fault(
            latency_s=max(fault.latency_s for fault in faults),
            answer=next((fault.answer for fault in faults if fault.answer), None),
            loses_reply=any(fault.loses_reply for fault in faults),
            cuts=any(fault.cuts for fault in faults),
        )


def _concerns(fault: Fault, method: str) -> bool:
    return not fault.methods or method in fault.methods


class FloodLimit:
    """At most so many messages in any second, overall and for one chat. None: no limit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.messages_per_s: int | None = None
        self.messages_per_chat_s: int | None = None
        self._clock = clock
        self._all: deque[float] = deque()
        self._by_chat: defaultdict[int, deque[float]] = defaultdict(deque)

    def admit(self, chat_id: int) -> int | None:
        """Count one message, or say in how many whole seconds to come again."""
        if self.messages_per_s is None and self.messages_per_chat_s is None:
            return None
        now = self._clock()
        windows = ((self._all, self.messages_per_s), (self._by_chat[chat_id], self.messages_per_chat_s))
        waits = [_wait_s(window, most, now) for window, most in windows if most is not None]
        if any(waits):
            return max(1, ceil(max(waits)))
        for window, _ in windows:
            window.append(now)
        return None


def _wait_s(window: deque[float], most: int, now: float) -> float:
    while window and window[0] <= now - 1:
        window.popleft()
    return window[0] + 1 - now if len(window) >= most else 0.0
