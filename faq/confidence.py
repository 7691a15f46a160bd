"""How sure the matcher may be: learnt by asking the knowledge base its own phrasings.

A real knowledge base comes with no test questions. So each phrasing is asked once as if it were not
there (a question that belongs here) and once as if its whole entry were not (one that does not).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FOREIGN_SHARE = 0.2  # of the questions people ask, as many belong to no entry
LEAST_ANSWER = 0.5  # what is likelier wrong than right is never said unasked
CLARIFY_PRECISION = 0.5  # "did you mean" is worth asking when it is right every other time
MOST_STEPS = 25
# A small knowledge base leans on the usual curve, as if it had been seen in so many questions.
USUAL_SLOPE, USUAL_MIDDLE, USUAL_QUESTIONS = 7.5, 0.55, 20.0
LONGEST_STEP = 2.0


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One rehearsed question: the evidence for the first entry, and whether it was the right one."""

    evidence: float
    right: bool
    among_three: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """From evidence to confidence: a logistic curve."""

    slope: float = USUAL_SLOPE
    middle: float = USUAL_MIDDLE  # the evidence at which right and wrong are even

    def confidence(self, evidence: float) -> float:
        """The probability, 0..1, that the entry is the one meant."""
        exponent = self.slope * (self.middle - evidence)
        return 1 / (1 + math.exp(min(exponent, 50.0)))

    def evidence(self, confidence: float) -> float:
        """The evidence that it takes to be so sure."""
        return self.middle + math.log(confidence / (1 - confidence)) / self.slope


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which confidence of the first entry on to answer, and to ask back."""

    answer: float
    clarify: float


def _weights(rehearsed: Sequence[Rehearsed]) -> list[float]:
    foreign = sum(question.foreign for question in rehearsed)
    native = len(rehearsed) - foreign
    share = FOREIGN_SHARE / (1 - FOREIGN_SHARE) * native / foreign if foreign and native else 1.0
    return [share if question.foreign else 1.0 for question in rehearsed]


def fit_curve(rehearsed: Sequence[Rehearsed], hoped: Literal["right", "among_three"] = "right") -> Curve:
    """The probability of `hoped` by evidence: Newton's method, drawn towards the usual curve."""
    usual = Curve()
    points = [
        (question.evidence, float(getattr(question, hoped)), count)
        for question, count in zip(rehearsed, _weights(rehearsed), strict=True)
    ]
    points += [(tenth / 10, usual.confidence(tenth / 10), USUAL_QUESTIONS / 15) for tenth in range(15)]
    slope, offset = USUAL_SLOPE, -USUAL_SLOPE * USUAL_MIDDLE
    for _ in range(MOST_STEPS):
        step_slope, step_offset = _newton_step(points, slope, offset)
        shorten = min(1.0, LONGEST_STEP / (abs(step_slope) + abs(step_offset) + 1e-9))
        slope, offset = max(slope + shorten * step_slope, 1.0), offset + shorten * step_offset
        if abs(step_slope) + abs(step_offset) < 1e-6:
            break
    return Curve(slope, -offset / slope)


def _newton_step(
    points: Sequence[tuple[float, float, float]], slope: float, offset: float
) -> tuple[float, float]:
    curve = Curve(slope, -offset / slope)
    pull_slope = pull_offset = bend_slope = bend_both = bend_offset = 0.0
    for evidence, right, count in points:
        expected = curve.confidence(evidence)
        pull, bend = count * (right - expected), count * expected * (1 - expected)
        pull_slope += pull * evidence
        pull_offset += pull
        bend_slope += bend * evidence * evidence
        bend_both += bend * evidence
        bend_offset += bend
    whole = bend_slope * bend_offset - bend_both * bend_both
    if whole < 1e-12:
        return 0.0, 0.0
    return (
        (bend_offset * pull_slope - bend_both * pull_offset) / whole,
        (bend_slope * pull_offset - bend_both * pull_slope) / whole,
    )


def find_thresholds(rehearsed: Sequence[Rehearsed], curve: Curve, answer_precision: float) -> Thresholds:
    """The lowest confidences at which unasked answers, and offered choices, are right often enough.

    Unasked answers must be so by the rehearsal and by the curve: few phrasings make either one waver.
    """
    asked = sorted(zip(rehearsed, _weights(rehearsed), strict=True), key=lambda pair: -pair[0].evidence)
    total = right = expected = 0.0
    answer = max(answer_precision, curve.confidence(asked[0][0].evidence) if asked else 0.0)
    for question, count in asked:
        total += count
        right += count * question.right
        expected += count * curve.confidence(question.evidence)
        if min(right, expected) >= answer_precision * total:
            answer = max(LEAST_ANSWER, curve.confidence(question.evidence))
    offered = fit_curve(rehearsed, "among_three")
    return Thresholds(answer, min(answer, curve.confidence(offered.evidence(CLARIFY_PRECISION))))
