import pytest

from faq.spelling import Speller

SPELLER = Speller(["wann", "kommt", "mein", "rubengeld", "auszahlung", "bestellen", "wo", "wand"])


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("rubengeld", "rubengeld"),
        ("rubngeld", "rubengeld"),  # a dropped letter
        ("ruebngeld", "rubengeld"),  # two slips in a long word
        ("asuzahlung", "auszahlung"),  # swapped letters
        ("bestelen", "bestellen"),
        ("komt", "kommt"),
        ("wannkommt", "wann kommt"),  # a lost space
        ("wnn", "wnn"),  # too short to tell
        ("4711", "4711"),
        ("trecker", "trecker"),  # nothing near
    ],
)
def test_slips_are_mended_against_known_words(typed: str, mended: str) -> None:
    assert SPELLER.mend([typed]) == mended.split()


def test_the_more_usual_word_wins_where_two_are_as_near() -> None:
    assert Speller(["miete", "mieten"]).mend(["mietem"]) == ["miete"]
    assert Speller(["mieten", "miete"]).mend(["mietem"]) == ["mieten"]


def test_no_message_is_mended_without_end() -> None:
    mended = SPELLER.mend(["komt"] * 100)
    assert mended == ["kommt"] * 40 + ["komt"] * 60
