"""When people answer: "Mo-Do 07:00-12:00, 13:00-17:00; Fr 07:00-13:00", read and asked.

Hours are the clock on the wall: where it is put back, an hour between 02:00 and 03:00 counts twice, and
where it is put forward, it does not exist.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_MINUTES = 24 * 60
_QUARTER = timedelta(minutes=15)  # every change of a clock anywhere falls on a quarter of an hour, UTC
_DAY_NAMES = (
    ("mo", "mon", "montag", "monday"),
    ("di", "die", "dienstag", "tu", "tue", "tues", "tuesday"),
    ("mi", "mit", "mittwoch", "we", "wed", "wednesday"),
    ("do", "don", "donnerstag", "th", "thu", "thur", "thurs", "thursday"),
    ("fr", "fre", "freitag", "fri", "friday"),
    ("sa", "sam", "samstag", "sonnabend", "sat", "saturday"),
    ("so", "son", "sonntag", "su", "sun", "sunday"),
)
_WEEKDAYS = {name: weekday for weekday, names in enumerate(_DAY_NAMES) for name in names}
_PIECE = re.compile(r"(?P<days>\D*?)\s*(?P<range>\d.*)?")
_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DASHES = str.maketrans("–—", "--")


class HoursError(ValueError):
    """These opening hours cannot be understood."""


@dataclass(frozen=True, slots=True)
class MinuteRange:
    """From one minute of the day up to, not including, another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The ranges of each weekday, Monday first."""

    week: tuple[tuple[MinuteRange, ...], ...]

    @classmethod
    def parse(cls, text: str) -> "OpeningHours":
        """The hours that `text` describes; raises HoursError naming the piece that is wrong."""
        if text.replace(" ", "") == "24/7":
            return cls(((MinuteRange(0, DAY_MINUTES),),) * 7)
        week: list[set[MinuteRange]] = [set() for _ in range(7)]
        for part in text.translate(_DASHES).split(";"):
            for weekdays, hours in _part(part):
                for weekday in weekdays:
                    week[weekday].add(hours)
        return cls(tuple(_merged(ranges) for ranges in week))

    def is_open(self, moment: datetime) -> bool:
        """Whether people are there at `moment`, which is in the organisation's timezone."""
        _zone(moment)
        minute = moment.hour * 60 + moment.minute
        return any(each.start <= minute < each.end for each in self.week[moment.weekday()])

    def next_opening(self, moment: datetime) -> datetime:
        """When people are next there: `moment` itself while they are, else the start of their next hours."""
        if self.is_open(moment):
            return moment
        zone, since = _zone(moment), moment.astimezone(UTC)
        for days in range(15):  # a second week, for hours that a change of the clocks swallows
            for instant in self._candidates(moment.date() + timedelta(days=days), zone):
                local = instant.astimezone(zone)
                if instant > since and self.is_open(local):
                    return local
        raise HoursError("nobody is ever there")

    def _candidates(self, day: date, zone: tzinfo) -> list[datetime]:
        """The instants, in UTC and in order, at which the hours of `day` can begin."""
        starts = [time(each.start // 60, each.start % 60) for each in self.week[day.weekday()]]
        walls = [datetime.combine(day, start, zone) for start in starts]
        instants = {wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)}
        return sorted({*instants, *_if_clocks_change(day, zone)})


def parse_range(text: str, *, may_pass_midnight: bool = False) -> MinuteRange:
    """One "07:00-17:00"; raises HoursError. Where it may pass midnight, `end` can lie before `start`."""
    found = _RANGE.fullmatch(text.translate(_DASHES).strip())
    if not found:
        raise HoursError(f'"{text.strip()}" is not a time range such as "07:00-17:00"')
    numbers = [int(number) for number in found.groups()]
    start, end = _minute(text, *numbers[:2]), _minute(text, *numbers[2:])
    if start in (end, DAY_MINUTES) or (end < start and not may_pass_midnight):
        raise HoursError(
            f'"{text.strip()}" ends before it begins; write what lies after midnight as hours of the next day'
        )
    return MinuteRange(start, end)


def _part(text: str) -> Iterator[tuple[list[int], MinuteRange]]:
    """What stands between semicolons: "Mo, Mi-Do 07:00-12:00, 13:00-17:00"."""
    weekdays: list[int] = []
    days_complete = False
    for piece in text.split(","):
        found = _PIECE.fullmatch(piece.strip())
        if not found or not piece.strip():
            raise HoursError(f'"{piece.strip() or text.strip()}" is neither days nor a time range')
        if found["days"]:
            named = _weekdays(found["days"])
            weekdays = named if days_complete else [*weekdays, *named]
            days_complete = False
        if found["range"]:
            if not weekdays:
                raise HoursError(f'"{piece.strip()}" does not say on which days, such as "Mo-Fr"')
            days_complete = True
            yield weekdays, parse_range(found["range"])
    if not days_complete:
        raise HoursError(f'"{text.strip()}" does not say from when to when, such as "07:00-17:00"')


def _weekdays(text: str) -> list[int]:
    names = [name.strip(" .:").lower() for name in text.split("-")]
    unknown = [name for name in names if name not in _WEEKDAYS]
    if unknown or len(names) > 2:
        raise HoursError(f'"{text.strip()}" is not a day or a range of days such as "Mo-Fr"')
    first, last = _WEEKDAYS[names[0]], _WEEKDAYS[names[-1]]
    return [(first + offset) % 7 for offset in range((last - first) % 7 + 1)]


def _minute(text: str, hour: int, minute: int) -> int:
    if minute > 59 or hour * 60 + minute > DAY_MINUTES:
        raise HoursError(f'"{text.strip()}" names a time that no clock shows')
    return hour * 60 + minute


def _merged(ranges: set[MinuteRange]) -> tuple[MinuteRange, ...]:
    merged: list[MinuteRange] = []
    for each in sorted(ranges, key=lambda each: each.start):
        if merged and each.start <= merged[-1].end:
            merged[-1] = MinuteRange(merged[-1].start, max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return tuple(merged)


def _if_clocks_change(day: date, zone: tzinfo) -> list[datetime]:
    """Every quarter of an hour of a day on which the clocks change; nothing on all others."""
    midnights = [datetime.combine(day + timedelta(days=days), time(), zone) for days in (0, 1)]
    if midnights[0].utcoffset() == midnights[1].utcoffset():
        return []
    first, last = (midnight.astimezone(UTC) for midnight in midnights)
    return [first + number * _QUARTER for number in range((last - first) // _QUARTER)]


def _zone(moment: datetime) -> tzinfo:
    if moment.tzinfo is None:
        raise ValueError("opening hours need a moment with its timezone")
    return moment.tzinfo
