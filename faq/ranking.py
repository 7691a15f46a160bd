"""Ranks the entries of a knowledge base by how well they fit a question.

An entry has one wording per language; its place is that of the wording that fits best.
"""

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from faq.index import Index

# Chosen on the validation questions of six public sets, German and English.
NEAREST_SHARE = 0.45  # of the score: the phrasing most like the question
WHOLE_SHARE = 0.4  # all phrasings of the wording together
COVERED_SHARE = 0.15  # how much of the question's words the wording knows
LEAD_WEIGHT = 0.75  # a lead over the next entry speaks for the first beside its score
MOST_FITS = 4  # three are offered, and the third wants a rival


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one entry fits a question."""

    entry: int
    wording: int
    score: float  # 0..1


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best entries for one question, best first."""

    fits: tuple[Fit, ...]
    known: float  # 0..1, how much of the question's words the knowledge base knows

    def evidence(self, place: int) -> float:
        """What speaks for the entry in this place: its score, and its lead over the best other one."""
        score = self.fits[place].score
        others = [fit.score for fit in (*self.fits[:place], *self.fits[place + 1 :])]
        return score + LEAD_WEIGHT * (score - max(others, default=0.0))


class Ranker:
    """Compares questions with phrasings. `wordings[i]` owns phrasing i, `entries[w]` owns wording w."""

    def __init__(
        self, phrasings: Sequence[Sequence[str]], wordings: Sequence[int], entries: Sequence[int]
    ) -> None:
        self._phrasings, self._wordings, self._entries = phrasings, wordings, entries
        self._index = Index(phrasings)
        self._lengths = self._index.lengths_of_sums(wordings, len(entries))
        self._uses: dict[str, Counter[int]] = {}  # word -> in how many phrasings of which wording
        for words, wording in zip(phrasings, wordings, strict=True):
            for word in set(words):
                self._uses.setdefault(word, Counter())[wording] += 1

    def words_by_use(self) -> list[str]:
        """Every known word, the most usual first."""
        return [word for word, _ in self._index.words.spread.most_common()]

    def rank(self, words: Sequence[str]) -> Ranking:
        """The best entries for a question of these words."""
        nearest, sums = self._gather(self._index.likeness(words))
        return self._best(words, nearest, sums, self._lengths, {})

    def rehearse(self, phrasing: int) -> tuple[Ranking, Ranking]:
        """The rankings of one of the phrasings, as if it, or its whole entry, were not there."""
        words, own = self._phrasings[phrasing], self._wordings[phrasing]
        likeness = self._index.likeness(words)
        itself, likeness[phrasing] = likeness[phrasing], 0.0
        nearest, sums = self._gather(likeness)
        lengths = list(self._lengths)
        lengths[own] = math.sqrt(max(lengths[own] ** 2 - 2 * sums[own] - itself, 0.0)) or 1.0
        entry = self._entries[own]
        siblings = {wording: len(likeness) for wording, owner in enumerate(self._entries) if owner == entry}
        alone = self._best(words, nearest, sums, lengths, {own: 1})
        without_entry = self._best(words, nearest, sums, lengths, siblings, left_out=entry)
        return alone, without_entry

    def _gather(self, likeness: Sequence[float]) -> tuple[list[float], list[float]]:
        nearest, sums = [0.0] * len(self._entries), [0.0] * len(self._entries)
        for like, wording in zip(likeness, self._wordings, strict=True):
            sums[wording] += like
            if like > nearest[wording]:
                nearest[wording] = like
        return nearest, sums

    def _best(
        self,
        words: Sequence[str],
        nearest: Sequence[float],
        sums: Sequence[float],
        lengths: Sequence[float],
        unseen: dict[int, int],
        left_out: int = -1,
    ) -> Ranking:
        covered, known = self._cover(words, unseen)
        best: dict[int, Fit] = {}
        for wording, entry in enumerate(self._entries):
            score = (
                NEAREST_SHARE * nearest[wording]
                + WHOLE_SHARE * sums[wording] / lengths[wording]
                + COVERED_SHARE * covered[wording]
            )
            if entry != left_out and (entry not in best or score > best[entry].score):
                best[entry] = Fit(entry, wording, score)
        return Ranking(tuple(heapq.nlargest(MOST_FITS, best.values(), key=lambda fit: fit.score)), known)

    def _cover(self, words: Sequence[str], unseen: dict[int, int]) -> tuple[list[float], float]:
        """The share of the words known to each wording and to any; `unseen` uses do not count."""
        covered, known, whole = [0.0] * len(self._entries), 0.0, 0.0
        for word in words:
            rarity = self._index.words.rarity(word)
            uses = self._uses.get(word, {}).items()
            users = [wording for wording, count in uses if count > unseen.get(wording, 0)]
            whole += rarity
            known += rarity if users else 0.0
            for wording in users:
                covered[wording] += rarity
        whole = whole or 1.0
        return [share / whole for share in covered], known / whole
