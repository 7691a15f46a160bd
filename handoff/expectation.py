"""When somebody will answer, in the contact's words: "morgen ab 7 Uhr"."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.dialog import Turn
from handoff.hours import OpeningHours

ONE_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class TeamHours:
    """When the team is there, on the clocks of its place."""

    hours: OpeningHours
    timezone: ZoneInfo

    def expect(self, turn: Turn, when: str) -> str:
        """The standard text `when`-open, or `when`-closed with the next opening."""
        now = datetime.fromtimestamp(turn.now_ms / 1000, self.timezone)
        if self.hours.is_open(now):
            return turn.say(f"{when}-open")
        return turn.say(f"{when}-closed", opening=_in_words(turn, self.hours.next_opening(now), now))


def _in_words(turn: Turn, opening: datetime, now: datetime) -> str:
    return turn.say(
        _day_key((opening.date() - now.date()).days),
        weekday=turn.say("weekdays").split()[opening.weekday()],
        day=str(opening.day),
        month=str(opening.month),
        time=turn.say(
            "opening-time" if opening.minute else "opening-full-hour",
            hour=str(opening.hour),
            minute=f"{opening.minute:02}",
        ),
    )


def _day_key(days: int) -> str:
    if days == 0:
        return "opening-today"
    if days == 1:
        return "opening-tomorrow"
    return "opening-this-week" if days < ONE_WEEK_DAYS else "opening-later"
