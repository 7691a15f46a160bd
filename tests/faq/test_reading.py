import pytest

from faq.matcher import Matcher
from faq.reading import read
from tests.faq.beets import ANSWER_PRECISION, PHRASINGS

MATCHER = Matcher(PHRASINGS, ANSWER_PRECISION)


def verdicts(text: str) -> list[tuple[str, str]] | None:
    """Decision and, where it is an answer, the entry of each question in `text`."""
    reading = read(text, "de", MATCHER.decide)
    if reading is None:
        return None
    return [
        (
            asked.decision.decision,
            asked.decision.candidates[0].entry if asked.decision.decision == "answer" else "",
        )
        for asked in reading.questions
    ]


@pytest.mark.parametrize("text", ["", "?", "4711", "12.345 / 7", "x", "🚜"])
def test_what_holds_no_words_is_not_read(text: str) -> None:
    assert verdicts(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wann wird ausgezahlt?", [("answer", "payment")]),
        ("Guten Tag! Wann wird ausgezahlt? Vielen Dank.", [("answer", "payment")]),
        ("Ich habe 20 ha bei Gelchsheim. Wann beginnt die Kampagne?", [("answer", "campaign")]),
        (
            "Wann wird ausgezahlt? Und wie bestelle ich Saatgut?",
            [("answer", "payment"), ("answer", "seed")],
        ),
        (
            "wann wird ausgezahlt\nwie bestelle ich saatgut",
            [("answer", "payment"), ("answer", "seed")],
        ),
        (
            "Wann wird ausgezahlt? Wer wird Deutscher Meister?",
            [("answer", "payment"), ("handoff", "")],
        ),
        ("Beginn der Kampagne. Saatgut bestellen.", [("answer", "campaign"), ("answer", "seed")]),
        ("Mein Hof liegt am Berg. Der Hund bellt laut.", [("handoff", "")]),
    ],
)
def test_every_question_of_a_message_gets_its_own_decision(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert verdicts(text) == expected


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("Wann wird ausgezahlt?", True),
        ("Danke. Wann wird ausgezahlt?", True),
        ("Wann wird ausgezahlt? Wie bestelle ich Saatgut?", False),
        ("Vertrag 4711", False),
    ],
)
def test_only_one_clear_question_is_sure(text: str, sure: bool) -> None:
    reading = read(text, "de", MATCHER.decide)
    assert reading is not None
    assert reading.sure is sure


def test_a_very_long_message_is_matched_on_its_beginning() -> None:
    reading = read("Wann wird ausgezahlt? " + "bla " * 20_000, "de", MATCHER.decide)
    assert reading is not None
    assert reading.questions[0].decision.candidates[0].entry == "payment"
    assert len(reading.questions[0].text) <= 2000
