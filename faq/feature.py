"""What the FAQ registers with the hall."""

from collections.abc import Iterable

from bot.content import Content
from bot.dialog import Place, Target
from bot.feature import Feature
from channels.message import InboundMessage
from faq.knowledge_base import CATEGORY, ENTRY, Entry
from faq.matcher import Decision, Matcher, Phrasing
from faq.reading import Reading, read
from faq.step import CLARIFY, Faq


class LiveMatcher:
    """The matcher of the live revision: a new one is fitted aside and takes over whole."""

    def __init__(self, answer_precision: float) -> None:
        self._answer_precision = answer_precision
        self._phrasings: tuple[Phrasing, ...] = ()
        self._matcher = Matcher((), answer_precision)

    def follow(self, content: Content) -> None:
        """Learn the phrasings of a new revision; up to half a second at 1,000 of them."""
        phrasings = tuple(phrasings_of(content.all("entry", Entry).values()))
        if phrasings != self._phrasings:
            self._phrasings, self._matcher = phrasings, Matcher(phrasings, self._answer_precision)

    def decide(self, question: str, language: str | None = None) -> Decision:
        """The decision of the moment's matcher."""
        return self._matcher.decide(question, language)

    def foresee(self, message: InboundMessage) -> Reading | None:
        """What a message asks, worked out before any lock is taken."""
        if message.choice is not None or not self._phrasings:
            return None
        reported = (message.sender.language or "")[:2].lower()
        return read(message.text, reported or None, self.decide)


def phrasings_of(entries: Iterable[Entry]) -> Iterable[Phrasing]:
    """All ways to ask for the entries: their phrasings, and their titles, which people have read."""
    for entry in entries:
        for language, wording in entry.wordings.items():
            for text in (*wording.phrasings, wording.title):
                yield Phrasing(text, entry.id, language)


def feature(answer_precision: float, hand_off: Target) -> Feature:
    """The FAQ. `hand_off(turn, reason)` gives the conversation to people; reasons are those of `SetMode`."""
    matcher = LiveMatcher(answer_precision)
    faq = Faq(matcher.decide, hand_off)
    return Feature(
        name="faq",
        content=(CATEGORY, ENTRY),
        steps=((Place.FAQ, faq.step),),
        answers={CLARIFY: faq.chosen},
        targets={"faq": faq.show},
        foresee=matcher.foresee,
        on_content=matcher.follow,
    )
