"""What the hand-off to people registers with the hall."""

from zoneinfo import ZoneInfo

from bot.dialog import Place
from bot.feature import Feature
from handoff.expectation import TeamHours
from handoff.hours import OpeningHours
from handoff.step import Handoff


def feature(hours: OpeningHours, timezone: ZoneInfo) -> Feature:
    """The way to people who are there in `hours`."""
    handoff = Handoff(TeamHours(hours, timezone))
    return Feature(
        name="handoff",
        steps=(
            (Place.HANDOFF, handoff.beside_people),
            (Place.SMALL_TALK, handoff.complaint),
            (Place.FALLBACK, handoff.fallback),
        ),
        targets={"agent": handoff.target},
    )
