"""What contacts can subscribe to: topics, and the regions that topics speak to."""

from bot.content import ContentItem, ContentKind, Localised
from bot.menu_content import Title


class Region(ContentItem):
    """`[[region]]`: where a contact farms."""

    title: Title


class Topic(ContentItem):
    """`[[topic]]`: something to subscribe to; `regional` ones are sent per region."""

    title: Title
    description: Localised
    regional: bool = False


REGION = ContentKind("region", Region, file="topics.toml")
TOPIC = ContentKind("topic", Topic, file="topics.toml")
