"""Says of a question which entry answers it, or that none surely does.

A library of its own: no database, no messenger, no language model.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faq.confidence import Rehearsed, find_thresholds, fit_curve
from faq.ranking import Ranker, Ranking
from faq.spelling import Speller
from faq.text import words

Verdict = Literal["answer", "clarify", "handoff"]
MOST_CANDIDATES = 3
MOST_REHEARSED = 200  # phrasings: enough for a curve, and fitting stays under half a second
MOSTLY_KNOWN = 0.6  # of a question's words, before it counts as clear
FEWEST_CLEAR_WORDS = 2
MOST_OF_A_RIVAL = 0.5  # where two entries are likelier than not, neither is the answer


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One way to ask for an entry."""

    text: str
    entry: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be meant."""

    entry: str
    confidence: float  # 0..1
    language: str = ""  # of the phrasings that fit best


@dataclass(frozen=True, slots=True)
class Decision:
    """What the matcher says of a question; at least three candidates where there are as many entries."""

    decision: Verdict
    candidates: tuple[Candidate, ...]
    clear: bool = True  # a question in known words, not a contract number with a word beside it

    @property
    def sure(self) -> bool:
        """It may be answered even to somebody who waits for a person."""
        return self.decision == "answer" and self.clear


class Matcher:
    """Knows the phrasings of one knowledge base. Read-only once fitted, so any thread may ask it."""

    def __init__(self, phrasings: Iterable[Phrasing], answer_precision: float = 0.95) -> None:
        """`answer_precision`: the share of unasked answers that must be right, 0..1."""
        known = _unique(phrasings)
        self._wordings = list(dict.fromkeys((entry, language) for entry, language, _ in known))
        self._exact: dict[tuple[str, ...], list[Candidate]] = {}
        for entry, language, tokens in known:
            self._exact.setdefault(tokens, []).append(Candidate(entry, 1.0, language))
        numbers = {wording: number for number, wording in enumerate(self._wordings)}
        entries = {entry: number for number, (entry, _) in enumerate(self._wordings)}
        owners = [numbers[entry, language] for entry, language, _ in known]
        owned = [entries[entry] for entry, _ in self._wordings]
        self._ranker = Ranker([tokens for _, _, tokens in known], owners, owned)
        self._speller = Speller(self._ranker.words_by_use())
        rehearsed = _rehearse(self._ranker, owners, owned)
        self._curve = fit_curve(rehearsed)
        self._thresholds = find_thresholds(rehearsed, self._curve, answer_precision)

    def decide(self, question: str, language: str | None = None) -> Decision:
        """The decision on `question`; `language` settles what is asked alike in several."""
        typed = words(question)
        ranking = self._ranker.rank(self._speller.mend(typed))
        ranked = self._candidates(ranking)
        exact = _named(self._exact.get(tuple(typed), ()), language)
        if exact:
            named = {candidate.entry for candidate in exact}
            others = [candidate for candidate in ranked if candidate.entry not in named]
            found = (*exact, *others)[: max(MOST_CANDIDATES, len(exact))]
            return Decision("answer" if len(exact) == 1 else "clarify", found)
        clear = len(typed) >= FEWEST_CLEAR_WORDS and ranking.known >= MOSTLY_KNOWN
        return Decision(self._verdict(ranked), ranked[:MOST_CANDIDATES], clear)

    def _candidates(self, ranking: Ranking) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(entry, self._curve.confidence(ranking.evidence(place)), language)
            for place, fit in enumerate(ranking.fits)
            for entry, language in [self._wordings[fit.wording]]
        )

    def _verdict(self, ranked: Sequence[Candidate]) -> Verdict:
        confidence, rival = [*(candidate.confidence for candidate in ranked), 0.0, 0.0][:2]
        if confidence >= self._thresholds.answer and rival < MOST_OF_A_RIVAL:
            return "answer"
        return "clarify" if confidence >= self._thresholds.clarify else "handoff"


def _unique(phrasings: Iterable[Phrasing]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Entry, language and folded words of each phrasing that has any, once."""
    known = ((phrasing.entry, phrasing.language, tuple(words(phrasing.text))) for phrasing in phrasings)
    return list(dict.fromkeys(phrasing for phrasing in known if phrasing[2]))


def _named(exact: Sequence[Candidate], language: str | None) -> list[Candidate]:
    """The entries asked for in exactly these words, each once; in `language` if any is."""
    spoken = [candidate for candidate in exact if candidate.language == language] or exact
    by_entry = {candidate.entry: candidate for candidate in reversed(spoken)}
    return [replace(candidate, confidence=1 / len(by_entry)) for candidate in reversed(by_entry.values())]


def _rehearse(ranker: Ranker, owners: Sequence[int], entries: Sequence[int]) -> list[Rehearsed]:
    """Ask phrasings spread evenly over the knowledge base; see `faq.confidence`."""
    size = Counter(owners)
    rehearsed: list[Rehearsed] = []
    for phrasing in range(0, len(owners), max(1, math.ceil(len(owners) / MOST_REHEARSED))):
        wording = owners[phrasing]
        native, foreign = ranker.rehearse(phrasing)
        if size[wording] > 1:
            rehearsed += _marked(native, entries[wording], foreign=False)
        rehearsed += _marked(foreign, entries[wording], foreign=True)
    return rehearsed


def _marked(ranking: Ranking, meant: int, *, foreign: bool) -> list[Rehearsed]:
    offered = [fit.entry for fit in ranking.fits[:MOST_CANDIDATES]]
    if not offered:
        return []
    return [Rehearsed(ranking.evidence(0), offered[0] == meant, meant in offered, foreign)]
