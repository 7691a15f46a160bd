"""What the FAQ makes of one message: the questions in it, each with its decision."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.small_talk import is_small_talk
from bot.words import fold
from faq.matcher import Decision
from faq.text import MOST_CHARACTERS, sentences

FEWEST_LETTERS = 2
_WEIGHT = {"handoff": 0, "clarify": 1, "answer": 2}
_ASKS = re.compile(
    r"((und|and|bis|ab|seit|von|in|auf|mit|fur|zu|an|from|until|by) )?"
    r"(wann|wo|wie|wer|wen|wem|was|welche[rsnm]?|warum|wieso|weshalb|wohin|woher|womit|wofur|wieviele?"
    r"|kann|konnen|konnte|gibt|muss|mussen|darf|durfen|soll|ist|sind|habt|haben sie|bekomme|kriege"
    r"|when|where|how|who|what|which|why|can|could|do|does|did|is|are|may|must|should|will)\b"
)

Decide = Callable[[str, str | None], Decision]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a message."""

    text: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Reading:
    """The questions of one message, in order; at least one."""

    questions: tuple[Asked, ...]

    @property
    def sure(self) -> bool:
        """One clear question with a sure answer: served even while the person waits for people."""
        return len(self.questions) == 1 and self.questions[0].decision.sure


def read(text: str, language: str | None, decide: Decide) -> Reading | None:
    """The questions in `text`; None where there is nothing to understand: no words, only numbers.

    Sentences are also decided singly. With several, those that ask are the questions, and the others
    are what surrounds them; where none plainly asks, the message is one question unless every sentence
    has its own answer.
    """
    text = text[:MOST_CHARACTERS]
    if sum(character.isalpha() for character in text) < FEWEST_LETTERS:
        return None
    whole = Asked(text.strip(), decide(text, language))
    parts = [part for part in sentences(text) if not is_small_talk(part)]
    if len(parts) == 0 or parts == [whole.text]:
        return Reading((whole,))
    asking = [part for part in parts if _asks(part)]
    singly = [Asked(part, decide(part, language)) for part in asking or parts]
    return Reading(tuple(_settle(whole, singly, plain=bool(asking))))


def _settle(whole: Asked, singly: Sequence[Asked], *, plain: bool) -> Sequence[Asked]:
    if len(singly) == 1:
        return [max(singly[0], whole, key=lambda asked: _weight(asked.decision))]
    answered = [asked for asked in singly if asked.decision.decision == "answer"]
    if len(answered) == len(singly):
        return singly
    if not plain or (not answered and whole.decision.decision == "answer"):
        return [whole]
    return singly


def _weight(decision: Decision) -> int:
    return _WEIGHT[decision.decision]


def _asks(part: str) -> bool:
    return "?" in part or _ASKS.match(fold(part)) is not None
