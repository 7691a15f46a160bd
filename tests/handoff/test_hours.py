from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.hours import HoursError, MinuteRange, OpeningHours, parse_range

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = "2026-06-01"  # and the days after it
EIGHT_TO_NOON = MinuteRange(8 * 60, 12 * 60)


def berlin(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("Mo-Fr 08:00-12:00", {0, 1, 2, 3, 4}),
        ("Mo - Fr 8:00 - 12:00", {0, 1, 2, 3, 4}),
        ("Mo.–Fr. 08:00–12:00", {0, 1, 2, 3, 4}),
        ("Montag-Mittwoch 08:00-12:00", {0, 1, 2}),
        ("Mon-Wed 08:00-12:00", {0, 1, 2}),
        ("tuesday 08:00-12:00", {1}),
        ("Di 08:00-12:00", {1}),
        ("Do: 08:00-12:00", {3}),
        ("Th 08:00-12:00", {3}),
        ("Mo, Mi, Fr 08:00-12:00", {0, 2, 4}),
        ("Mo-Di, Fr 08:00-12:00", {0, 1, 4}),
        ("Fr-Mo 08:00-12:00", {4, 5, 6, 0}),
        ("Mo 08:00-12:00, Mi 08:00-12:00", {0, 2}),
        ("Mo 08:00-12:00; So 08:00-12:00", {0, 6}),
        ("Mo-So 08:00-12:00", set(range(7))),
        ("Sonnabend-Sonntag 08:00-12:00", {5, 6}),
    ],
)
def test_days_are_understood_in_german_and_english(text: str, weekdays: set[int]) -> None:
    week = OpeningHours.parse(text).week
    assert {weekday for weekday in range(7) if week[weekday]} == weekdays
    assert {hours for ranges in week for hours in ranges} == {EIGHT_TO_NOON}


def test_a_range_without_days_continues_the_days_before_it() -> None:
    hours = OpeningHours.parse("Mo-Do 07:00-12:00, 13:00-17:00; Fr 07:00-13:00")
    assert hours.week[0] == hours.week[3] == (MinuteRange(420, 720), MinuteRange(780, 1020))
    assert hours.week[4] == (MinuteRange(420, 780),)
    assert hours.week[5] == hours.week[6] == ()


def test_ranges_that_touch_become_one() -> None:
    assert OpeningHours.parse("Mo 07:00-12:00, 11:00-13:00, 13:00-14:00").week[0] == (MinuteRange(420, 840),)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", '"" is neither days nor a time range'),
        ("Mo-Fr", '"Mo-Fr" does not say from when to when'),
        ("07:00-17:00", '"07:00-17:00" does not say on which days'),
        ("Mo-Fr 07:00-17:00; 08:00-09:00", '"08:00-09:00" does not say on which days'),
        ("Mo-Fr 07:00-17:00; Xy 08:00-09:00", '"Xy" is not a day'),
        ("Mo-Mi-Fr 07:00-17:00", '"Mo-Mi-Fr" is not a day or a range of days'),
        ("Mo-Fr 07:00", '"07:00" is not a time range'),
        ("Mo-Fr 7-17 Uhr", '"7-17 Uhr" is not a time range'),
        ("Mo-Fr 17:00-07:00", '"17:00-07:00" ends before it begins'),
        ("Mo-Fr 07:00-07:00", '"07:00-07:00" ends before it begins'),
        ("Mo-Fr 07:00-24:01", '"07:00-24:01" names a time that no clock shows'),
        ("Mo-Fr 07:60-09:00", '"07:60-09:00" names a time that no clock shows'),
        ("Mo-Fr 07:00-12:00,", "is neither days nor a time range"),
        ("Mo-Fr 07:00-12:00, Sa", "does not say from when to when"),
    ],
)
def test_an_error_names_the_piece_that_is_wrong(text: str, named: str) -> None:
    with pytest.raises(HoursError) as failure:
        OpeningHours.parse(text)
    assert named in str(failure.value)


@given(st.text(alphabet="MoDiFrSa 0123456789:-,;/", max_size=40))
def test_any_text_is_hours_or_a_named_error(text: str) -> None:
    with suppress(HoursError):
        assert any(OpeningHours.parse(text).week)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (f"{MONDAY}T06:59:59", False),
        (f"{MONDAY}T07:00:00", True),
        (f"{MONDAY}T11:59:59", True),
        (f"{MONDAY}T12:00:00", False),
        (f"{MONDAY}T13:00:00", True),
        ("2026-06-05T13:00:00", False),
        ("2026-06-06T10:00:00", False),
    ],
)
def test_the_first_minute_is_open_and_the_last_is_not(moment: str, expected: bool) -> None:
    hours = OpeningHours.parse("Mo-Do 07:00-12:00, 13:00-17:00; Fr 07:00-13:00")
    assert hours.is_open(berlin(moment)) is expected


@pytest.mark.parametrize(
    ("text", "moment", "opening"),
    [
        ("Mo-Fr 07:00-17:00", f"{MONDAY}T05:00", f"{MONDAY}T07:00+02:00"),
        ("Mo-Fr 07:00-17:00", f"{MONDAY}T08:30", f"{MONDAY}T08:30+02:00"),
        ("Mo-Fr 07:00-17:00", f"{MONDAY}T17:00", "2026-06-02T07:00+02:00"),
        ("Mo-Fr 07:00-17:00", "2026-06-05T20:00", "2026-06-08T07:00+02:00"),
        ("Mo-Fr 07:00-12:00, 13:00-17:00", f"{MONDAY}T12:30", f"{MONDAY}T13:00+02:00"),
        ("Mo 07:00-08:00", f"{MONDAY}T08:00", "2026-06-08T07:00+02:00"),
        ("24/7", f"{MONDAY}T03:00", f"{MONDAY}T03:00+02:00"),
        ("So 00:00-24:00", "2026-06-06T23:59", "2026-06-07T00:00+02:00"),
        # across the change of the clocks the hours stay where the wall clock has them
        ("Mo-Fr 07:00-17:00", "2026-03-27T20:00", "2026-03-30T07:00+02:00"),
        ("Mo-Fr 07:00-17:00", "2026-10-23T20:00", "2026-10-26T07:00+01:00"),
        # 02:30 does not exist on 29 March 2026: open from 03:00, the first minute after it
        ("So 02:30-06:00", "2026-03-29T01:00", "2026-03-29T03:00+02:00"),
        # hours that the change swallows whole: the week after
        ("So 02:15-02:45", "2026-03-29T01:00", "2026-04-05T02:15+02:00"),
        ("So 02:15-02:45", "2026-10-25T01:00", "2026-10-25T02:15+02:00"),
        # 02:50 summer time: the clock goes back to 02:00 in ten minutes
        ("So 01:30-02:45", "2026-10-25T02:50", "2026-10-25T02:00+01:00"),
    ],
)
def test_the_next_opening(text: str, moment: str, opening: str) -> None:
    found = OpeningHours.parse(text).next_opening(berlin(moment))
    assert found.astimezone(UTC) == datetime.fromisoformat(opening)
    assert found.tzinfo is BERLIN


def test_the_second_pass_of_a_repeated_hour_has_its_own_opening() -> None:
    found = OpeningHours.parse("So 02:20-06:00").next_opening(berlin("2026-10-25T02:10", fold=1))
    assert found.astimezone(UTC) == datetime.fromisoformat("2026-10-25T02:20+01:00")


@given(
    st.sampled_from(
        ["Mo-Fr 07:00-17:00", "Sa-So 02:30-03:30", "So 00:00-01:00, 01:30-02:15", "Mi 23:15-24:00"]
    ),
    st.sampled_from(["2026-03-27T20:00", "2026-10-23T22:00", "2026-12-30T10:00"]),
    st.integers(0, 4 * 24 * 60),
)
def test_the_next_opening_is_the_first_open_minute(text: str, start: str, minutes: int) -> None:
    hours = OpeningHours.parse(text)
    instant = berlin(start).astimezone(UTC) + timedelta(minutes=minutes)
    expected = instant
    while not hours.is_open(expected.astimezone(BERLIN)):
        expected += timedelta(minutes=1)
    assert hours.next_opening(instant.astimezone(BERLIN)).astimezone(UTC) == expected


def test_a_moment_without_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        OpeningHours.parse("24/7").is_open(datetime(2026, 6, 1, 8))  # noqa: DTZ001 - the mistake under test


def test_quiet_hours_may_pass_midnight() -> None:
    assert parse_range("20:00-08:00", may_pass_midnight=True) == MinuteRange(1200, 480)
