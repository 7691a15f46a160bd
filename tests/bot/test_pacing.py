"""When to send and when to try again, as tables."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import (
    FEW,
    LONGEST_RETRY_MS,
    UNCLEAR_HOLD_MS,
    GiveUp,
    Pace,
    Retry,
    Unclear,
    Verdict,
    after_failure,
    back_off_ms,
)
from channels.errors import SendError, SendErrorKind
from channels.message import RateLimit

NOW_MS = 1_000_000
KIND = SendErrorKind


def test_waits_double_up_to_two_minutes_and_vary_by_half() -> None:
    longest = [back_off_ms(attempts, lambda: 1.0) for attempts in range(12)]
    assert longest[:8] == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, LONGEST_RETRY_MS]
    assert set(longest[7:]) == {LONGEST_RETRY_MS}
    assert back_off_ms(3, lambda: 0.0) == 4_000


@given(st.integers(0, 10_000))
def test_no_number_of_failures_waits_longer_than_the_cap(attempts: int) -> None:
    assert 500 <= back_off_ms(attempts) <= LONGEST_RETRY_MS


@given(
    per_s=st.integers(1, 50),
    burst=st.integers(1, 60),
    waits=st.lists(st.floats(0, 0.3), min_size=1, max_size=300),
)
def test_no_second_sees_more_than_burst_and_rate(per_s: int, burst: int, waits: list[float]) -> None:
    pace, now_s, taken = Pace(RateLimit(per_s, burst)), 1000.0, []
    for wait_s in waits:
        now_s += wait_s
        while pace.take(now_s):
            taken.append(now_s)
    for start in taken:
        assert sum(start <= at < start + 1 for at in taken) <= burst + per_s


@given(per_s=st.floats(0.1, 1000), burst=st.integers(1, 50), now_s=st.floats(0, 1e6))
def test_what_is_said_to_be_free_can_be_taken(per_s: float, burst: int, now_s: float) -> None:
    pace = Pace(RateLimit(per_s, burst))
    free = pace.free(now_s)
    assert free == burst
    assert all(pace.take(now_s) for _ in range(free))
    assert not pace.take(now_s)
    assert pace.free(now_s) == 0
    assert 0 < pace.wait_s(now_s) <= 1 / per_s + 1e-3


def test_an_idle_channel_saves_up_no_more_than_its_burst() -> None:
    pace = Pace(RateLimit(10, burst=3))
    pace.take(0.0)
    taken = [number for number in range(10) if pace.take(3600.0)]
    assert taken == [0, 1, 2]


def test_an_even_pace_follows_the_burst() -> None:
    pace, taken = Pace(RateLimit(10, burst=1)), []
    for step in range(1000):
        if pace.take(step / 1000):
            taken.append(step)
    assert {later - earlier for earlier, later in pairwise(taken)} == {100}


def error(kind: SendErrorKind, **more: object) -> SendError:
    return SendError(kind, **more)  # type: ignore[arg-type]  # a table's row


GIVEN_UP = [
    (error(KIND.BLOCKED), GiveUp(address="blocked")),
    (error(KIND.PERMANENT_RECIPIENT), GiveUp(address="undeliverable")),
    (error(KIND.OPT_OUT), GiveUp(opted_out=True)),
    (error(KIND.PERMANENT_CONTENT), GiveUp()),
    (error(KIND.PERMANENT_TEMPLATE), GiveUp()),
    (error(KIND.WINDOW_CLOSED), GiveUp()),
    (error(KIND.NEEDS_TEMPLATE), GiveUp()),
]


@pytest.mark.parametrize(("failed", "verdict"), GIVEN_UP, ids=lambda value: str(value)[:30])
def test_what_cannot_work_is_given_up_at_once(failed: SendError, verdict: Verdict) -> None:
    assert after_failure(failed, 0, NOW_MS, has_reports=True) == verdict


def test_the_providers_own_time_is_kept() -> None:
    failed = error(KIND.RETRY_AFTER, retry_after_s=7.5)
    assert after_failure(failed, 0, NOW_MS, has_reports=False) == Retry(NOW_MS + 7_500)
    assert isinstance(after_failure(error(KIND.RETRY_AFTER), 50, NOW_MS, has_reports=False), Retry)


@pytest.mark.parametrize("kind", [KIND.RETRY_FEW, KIND.RETRY_UNKNOWN])
def test_a_message_of_its_own_trouble_is_tried_a_few_times(kind: SendErrorKind) -> None:
    verdicts = [
        after_failure(error(kind), attempts, NOW_MS, has_reports=False) for attempts in range(FEW + 1)
    ]
    assert [type(verdict) for verdict in verdicts] == [Retry] * FEW + [GiveUp]


@pytest.mark.parametrize(
    "failed",
    [
        error(KIND.RETRY_FEW, scope="channel"),
        error(KIND.STOP_CHANNEL, scope="channel"),
        error(KIND.RETRY_TOMORROW),
    ],
    ids=str,
)
def test_a_channel_in_trouble_costs_no_message(failed: SendError) -> None:
    assert isinstance(after_failure(failed, 1000, NOW_MS, has_reports=False), Retry)


@pytest.mark.parametrize("kind", list(KIND))
def test_what_may_have_arrived_is_unclear_whatever_its_kind(kind: SendErrorKind) -> None:
    failed = error(kind, maybe_sent=True)
    assert after_failure(failed, 0, NOW_MS, has_reports=True) == Unclear(NOW_MS + UNCLEAR_HOLD_MS)
    assert after_failure(failed, 0, NOW_MS, has_reports=False) == Unclear(NOW_MS)
