"""What the FAQ registers with the hall."""

from collections.abc import Iterable
from functools import lru_cache, partial

from bot.content import Content
from bot.dialog import Place, Target
from bot.feature import Feature
from channels.message import InboundMessage
from faq.knowledge_base import CATEGORY, ENTRY, Entry
from faq.matcher import Decision, Matcher, Phrasing
from faq.reading import Reading, read
from faq.step import CLARIFY, Faq

SHORT = 24  # characters; longer texts are hardly ever typed twice


class LiveMatcher:
    """The matcher of the live revision: a new one is fitted aside and takes over whole."""

    def __init__(self, answer_precision: float) -> None:
        self._answer_precision = answer_precision
        self._phrasings: tuple[Phrasing, ...] = ()
        self._take_over((), Matcher((), answer_precision))

    def _take_over(self, phrasings: tuple[Phrasing, ...], matcher: Matcher) -> None:
        self._phrasings, self._matcher = phrasings, matcher
        # "Menü", "ja", "danke" are most of what is typed, and always mean the same to one matcher.
        self._read_short = lru_cache(maxsize=512)(partial(read, decide=matcher.decide))

    def follow(self, content: Content) -> None:
        """Learn the phrasings of a new revision; up to half a second at 1,000 of them."""
        phrasings = tuple(phrasings_of(content.all("entry", Entry).values()))
        if phrasings != self._phrasings:
            self._take_over(phrasings, Matcher(phrasings, self._answer_precision))

    def decide(self, question: str, language: str | None = None) -> Decision:
        """The decision of the moment's matcher."""
        return self._matcher.decide(question, language)

    def foresee(self, message: InboundMessage) -> Reading | None:
        """What a message asks, worked out before any lock is taken."""
        if message.choice is not None or not self._phrasings:
            return None
        reported = (message.sender.language or "")[:2].lower() or None
        if len(message.text) <= SHORT:
            return self._read_short(message.text, reported)
        return read(message.text, reported, self.decide)


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
