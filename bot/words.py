"""Short typed words, compared as people mean them."""

import re
import unicodedata

_NOT_A_WORD = re.compile(r"[^\w\s]|_", re.UNICODE)
_DIGRAPHS = str.maketrans({"ß": "ss", "æ": "a", "œ": "o", "ø": "o"})


def fold(text: str) -> str:
    """`text` in lower case, without accents, punctuation and doubled spaces: "Menü!" -> "menu".

    Umlauts lose their dots and the spellings ae, oe, ue become a, o, u, so that "Menue", "Menü" and
    "Menu" are one word. Meant for comparing, not for showing.
    """
    lowered = text.casefold().translate(_DIGRAPHS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    words = _NOT_A_WORD.sub(" ", bare).split()
    return re.sub(r"([aou])e", r"\1", " ".join(words))
