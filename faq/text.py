"""A question as the matcher sees it: folded, in words, in pieces of words."""

import re
from collections.abc import Iterator

from bot.words import fold

SHORTEST_PIECE = 2
LONGEST_PIECE = 5
MOST_CHARACTERS = 2000  # of a question are read: nobody asks longer, and the work stays bounded
_SENTENCE_END = re.compile(r"(?<=[?!])(?![?!])\s*|(?<=\.)\s+|\n+")
_MOST_SENTENCES = 8


def words(text: str) -> list[str]:
    """The folded words of `text`."""
    return fold(text[:MOST_CHARACTERS]).split()


def pieces(word: str) -> Iterator[str]:
    """All runs of two to five letters of `word`, its edges marked by blanks."""
    edged = f" {word} "
    for size in range(SHORTEST_PIECE, LONGEST_PIECE + 1):
        for start in range(max(1, len(edged) - size + 1)):
            yield edged[start : start + size]


def sentences(text: str) -> list[str]:
    """`text` cut at sentence ends; the eighth holds all the rest, so that nothing is lost."""
    parts = _SENTENCE_END.split(text.strip(), maxsplit=_MOST_SENTENCES - 1)
    return [part.strip() for part in parts if any(character.isalnum() for character in part)]
