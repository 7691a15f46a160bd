"""Mends typing mistakes against the words that the knowledge base knows."""

from collections.abc import Iterable, Iterator
from itertools import islice

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST_MENDED = 4  # below that nearly every word is one slip away from another
TWO_SLIPS_FROM = 8  # letters
_SHORTEST_HALF = 3  # of two words that were run together
_MOST_MENDED = 40  # words of one question: no message may make the gateway work for long


class Speller:
    """Knows the words of one knowledge base; the more usual word wins where two are as near."""

    def __init__(self, words_by_use: Iterable[str]) -> None:
        self._words = list(words_by_use)
        self._known = frozenset(self._words)

    def mend(self, words: Iterable[str]) -> list[str]:
        """`words` with slips mended and words run together split; unknown words stay as they are."""
        words = iter(words)
        mended = [fixed for word in islice(words, _MOST_MENDED) for fixed in self._mend(word)]
        return [*mended, *words]

    def _mend(self, word: str) -> Iterator[str]:
        if word in self._known or len(word) < SHORTEST_MENDED or word.isdigit():
            yield word
            return
        slips = 2 if len(word) >= TWO_SLIPS_FROM else 1
        nearest = process.extractOne(word, self._words, scorer=OSA.distance, score_cutoff=slips)
        if nearest:
            yield nearest[0]
        else:
            yield from self._split(word)

    def _split(self, word: str) -> tuple[str, ...]:
        for cut in range(_SHORTEST_HALF, len(word) - _SHORTEST_HALF + 1):
            if word[:cut] in self._known and word[cut:] in self._known:
                return word[:cut], word[cut:]
        return (word,)
