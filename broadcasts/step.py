"""What a menu row that leads to "topics" shows."""

from bot.dialog import Outcome, Reply, Turn
from broadcasts.topics import Topic


def topics(turn: Turn, _: str) -> Outcome:
    """Name the topics, and say plainly that nobody can sign up for them yet."""
    lines = [
        f"• *{turn.content.word(topic.title, turn.language)}*: "
        f"{turn.content.word(topic.description, turn.language)}"
        for topic in turn.content.all("topic", Topic).values()
    ]
    text = turn.say("topics", topics="\n".join(lines)) if lines else turn.say("topics-none")
    return Outcome((Reply(text),))
