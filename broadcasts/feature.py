"""What the newsletter registers with the hall."""

from bot.feature import Feature
from broadcasts.step import topics
from broadcasts.topics import REGION, TOPIC


def feature() -> Feature:
    """Regions and topics as content, and the menu's way to them."""
    return Feature(name="broadcasts", content=(REGION, TOPIC), targets={"topics": topics})
