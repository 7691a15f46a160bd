"""Which phrasings are like a question: words and pieces of words, rare ones counting more."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

from faq.text import pieces

WORD_SHARE = 0.2  # of the likeness; the rest is pieces of words, which bridge compounds and endings


class Block:
    """One kind of features (words, or pieces), as an inverted index with TF-IDF weights."""

    def __init__(self, documents: Sequence[Iterable[str]], share: float) -> None:
        counts = [Counter(features) for features in documents]
        self._share = share
        self.spread = Counter(feature for count in counts for feature in count)
        self._documents = len(counts)
        self._numbers: dict[str, array[int]] = {}
        self._weights: dict[str, array[float]] = {}
        for number, count in enumerate(counts):
            for feature, weight in self._weigh(count).items():
                self._numbers.setdefault(feature, array("I")).append(number)
                self._weights.setdefault(feature, array("f")).append(weight * share)

    def rarity(self, feature: str) -> float:
        """How much a feature tells; an unknown one tells most, so that it lowers every likeness."""
        return math.log((1 + self._documents) / (1 + self.spread.get(feature, 0))) + 1

    def add_likeness(self, features: Iterable[str], totals: list[float]) -> None:
        """Add to each phrasing's total how like it is to these features, times the block's share."""
        for feature, weight in self._weigh(Counter(features)).items():
            numbers = self._numbers.get(feature)
            if numbers is not None:
                for number, other in zip(numbers, self._weights[feature], strict=True):
                    totals[number] += weight * other

    def add_squares(self, owners: Sequence[int], squares: list[float]) -> None:
        """Add to each owner the square of the summed weights of its documents, feature by feature."""
        for feature, numbers in self._numbers.items():
            sums: dict[int, float] = {}
            for number, weight in zip(numbers, self._weights[feature], strict=True):
                owner = owners[number]
                sums[owner] = sums.get(owner, 0.0) + weight
            for owner, total in sums.items():
                squares[owner] += total * total / self._share

    def _weigh(self, count: Counter[str]) -> dict[str, float]:
        weights = {feature: (1 + math.log(times)) * self.rarity(feature) for feature, times in count.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {feature: weight / length for feature, weight in weights.items()}


class Index:
    """The phrasings of one knowledge base, to be compared with questions."""

    def __init__(self, phrasings: Sequence[Sequence[str]]) -> None:
        self._size = len(phrasings)
        self.words = Block(phrasings, WORD_SHARE)
        self._pieces = Block([_pieces(words) for words in phrasings], 1 - WORD_SHARE)

    def likeness(self, words: Sequence[str]) -> list[float]:
        """Per phrasing, 0 (nothing in common) to 1 (the same words)."""
        totals = [0.0] * self._size
        self.words.add_likeness(words, totals)
        self._pieces.add_likeness(_pieces(words), totals)
        return totals

    def lengths_of_sums(self, owners: Sequence[int], size: int) -> list[float]:
        """Per owner, the length of the sum of its phrasings: what makes their summed likeness a share."""
        squares = [0.0] * size
        for block in (self.words, self._pieces):
            block.add_squares(owners, squares)
        return [math.sqrt(square) or 1.0 for square in squares]


def _pieces(words: Iterable[str]) -> list[str]:
    return [piece for word in words for piece in pieces(word)]
