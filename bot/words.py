"""Short typed words, compared as people mean them."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

Item = TypeVar("Item")

_NOT_A_WORD = re.compile(r"[^\w\s]|_", re.UNICODE)
_DIGRAPHS = str.maketrans({"ß": "ss", "æ": "a", "œ": "o", "ø": "o"})
_BOT_NAME = re.compile(r"^(\s*/\w+)@\w+")  # Telegram's "/stop@ServiceBot"
_REPEATED = re.compile(r"(.)\1+")

SHORTEST_NEAR_MISS = 8  # letters; shorter words have too many neighbours that mean something else
LEAST_LIKENESS = 85  # per cent, for titles that are not typed exactly
LEAST_LEAD = 8  # per cent points before the next best title


@lru_cache(maxsize=256)  # every step of a turn asks for the same text, and menus for the same titles
def fold(text: str) -> str:
    """`text` in lower case, without accents, punctuation and doubled spaces: "Menü!" -> "menu".

    Umlauts lose their dots and the spellings ae, oe, ue become a, o, u, so that "Menue", "Menü" and
    "Menu" are one word. Meant for comparing, not for showing.
    """
    # Styled letters ("𝐒𝐓𝐎𝐏") are letters, and have a lower case only once they are plain.
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_DIGRAPHS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    words = _NOT_A_WORD.sub(" ", bare).split()
    return re.sub(r"([aou])e", r"\1", " ".join(words))


def folded(words: str) -> frozenset[str]:
    """The words of a list, folded: what a table of words is compared with."""
    return frozenset(fold(words).split())


# Said for politeness; what is meant stays the same without them.
COURTESY = folded(
    "bitte danke gern gerne mal doch jetzt sofort endlich ich wir mich mir möchte möchten will wollen würde"
    " hallo hi hey guten tag moin und please pls now thanks thank you hello i we me want would like to the a"
    " kindly just ok okay"
)


@lru_cache(maxsize=4096)
def squeeze(word: str) -> str:
    """`word` with repeated letters said once: "stoppp" -> "stop"."""
    return _REPEATED.sub(r"\1", word)


@lru_cache(maxsize=1024)  # a turn's steps ask for the same text with a dozen lists
def words_beside(text: str, aside: frozenset[str] = COURTESY) -> tuple[str, ...]:
    """The folded words of `text` without those in `aside`; a bot's name after a command goes, too."""
    return tuple(word for word in fold(_BOT_NAME.sub(r"\1", text)).split() if word not in aside)


class Vocabulary:
    """Words that mean the same to us; long ones are also known by a single slip of the finger.

    `unlike` are words of another meaning that a slip must not turn into one of these.
    """

    def __init__(self, words: str, unlike: str = "") -> None:
        known = fold(words).split()
        self._squeezed = frozenset(squeeze(word) for word in known)
        self._long = tuple(word for word in known if len(word) >= SHORTEST_NEAR_MISS)
        self._unlike = tuple(fold(unlike).split())

    def __contains__(self, word: str) -> bool:
        if word in self._unlike:
            return False
        return squeeze(word) in self._squeezed or self._by_a_slip(word)

    def _by_a_slip(self, word: str) -> bool:
        if len(word) < SHORTEST_NEAR_MISS - 1:
            return False
        slipped = any(OSA.distance(word, known, score_cutoff=1) == 1 for known in self._long)
        return slipped and all(OSA.distance(word, other, score_cutoff=1) > 1 for other in self._unlike)

    def alone_in(self, text: str, aside: frozenset[str] = COURTESY) -> bool:
        """Whether `text` says one of these words and, but for `aside`, nothing else."""
        said = words_beside(text, aside)
        return bool(said) and (squeeze("".join(said)) in self._squeezed or all(word in self for word in said))


def closest(word: str, spellings: Iterable[tuple[str, Item]]) -> Item | None:
    """What the folded `word` names: an equal spelling, else the one near miss that stands alone."""
    spellings = list(spellings)
    for spelling, item in spellings:
        if spelling == word:
            return item
    if len(word) < 4:
        return None
    ranked = sorted(
        ((fuzz.ratio(word, spelling), item) for spelling, item in spellings), key=lambda pair: -pair[0]
    )
    if not ranked or ranked[0][0] < LEAST_LIKENESS:
        return None
    likeness, best = ranked[0]
    rivals = [other for other, item in ranked[1:] if item != best]
    return best if not rivals or likeness - rivals[0] >= LEAST_LEAD else None
