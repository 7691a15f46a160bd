import pytest

from faq.text import MOST_CHARACTERS, pieces, sentences, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wann kommt mein Rübengeld?", ["wann", "kommt", "mein", "rubengeld"]),
        ("RUEBENGELD!!", ["rubengeld"]),
        ("Straße 7b", ["strasse", "7b"]),
        ("🚜", []),
        ("", []),
    ],
)
def test_words_are_compared_without_case_umlauts_and_punctuation(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_pieces_of_a_word_know_its_edges() -> None:
    assert set(pieces("ab")) == {" a", "ab", "b ", " ab", "ab ", " ab "}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wann wird gezahlt? Wo liefere ich?", ["Wann wird gezahlt?", "Wo liefere ich?"]),
        ("wann?!? wo??", ["wann?!?", "wo??"]),
        ("Guten Tag\nwann wird gezahlt", ["Guten Tag", "wann wird gezahlt"]),
        ("Am 10.9. um 7.30 Uhr", ["Am 10.9.", "um 7.30 Uhr"]),
        ("Ein Satz", ["Ein Satz"]),
        ("...", []),
    ],
)
def test_text_is_cut_at_sentence_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_many_sentences_are_kept_to_the_last_word() -> None:
    cut = sentences("".join(f"Frage {number}? " for number in range(30)))
    assert len(cut) == 8
    assert cut[-1].endswith("Frage 29?")


def test_words_beyond_the_first_2000_characters_are_not_read() -> None:
    assert words("a" * MOST_CHARACTERS + " rübe") == ["a" * MOST_CHARACTERS]
