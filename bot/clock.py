"""The business clock: what windows, schedules and retention go by. Leases and pacing use the real one."""

import time


class Clock:
    """UTC as epoch milliseconds, set `offset_ms` ahead of the machine's."""

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms

    def now_ms(self) -> int:
        """The business time."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def advance(self, by_ms: int) -> None:
        """Let time pass, for the demo and the tests; it never runs backwards."""
        if by_ms < 0:
            raise ValueError("a clock only advances")
        self._offset_ms += by_ms
