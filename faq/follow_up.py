"""What people say right after an answer: "und in Ochsenfurt?", "hilft nicht"."""

import re

from bot.words import fold, folded
from faq.knowledge_base import Wording
from faq.text import words

MOST_WORDS = 4  # more make a question of its own
SHORTEST_TELLING = 4  # letters of a word that says what the follow-up is about
_FRAGMENT = re.compile(
    r"(?:und|and|auch|also|was ist mit|wie ist es|wie sieht es(?: aus)?|what about|how about)\s+(?P<rest>.+)"
)
_QUESTION_WORDS = folded(
    "wann wo wie wer was welche welcher welches warum wieso wohin woher womit kann können muss darf soll"
    " when where how who what which why can could do does must may should"
)
_HELPED = folded(
    "hilft nützt bringt geholfen weitergeholfen weiter gebracht hilfreich hilfe gefragt antwort"
    " help helps helped helpful asked answer"
)
_NOT = folded(
    "nicht nix nichts kein keine falsch falsche not no didnt doesnt isnt wasnt didn doesn isn wasn wrong"
)
_ASIDE = folded(
    "das es dies die der mir uns leider gar da so überhaupt nein ne nee sorry hat habe ich ist war"
    " auch aber wirklich this that the it me us did does is was i t really what sadly"
)


def is_unhelpful(text: str) -> bool:
    """Whether the message says that the answer did not help, and nothing else."""
    said = frozenset(fold(text).split())
    return bool(said & _HELPED) and bool(said & _NOT) and said <= _HELPED | _NOT | _ASIDE


def fragment(text: str) -> str | None:
    """What a short follow-up adds to the question before it; None where it is no follow-up."""
    found = _FRAGMENT.fullmatch(fold(text))
    rest = found["rest"].split() if found else []
    return " ".join(rest) if rest and len(rest) <= MOST_WORDS and rest[0] not in _QUESTION_WORDS else None


def speaks_of(wording: Wording, rest: str) -> bool:
    """Whether an entry says something about what the follow-up adds."""
    said = set(words(" ".join((wording.title, *wording.phrasings, wording.answer))))
    return any(word in said for word in rest.split() if len(word) >= SHORTEST_TELLING)
