import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.matcher import Matcher, Phrasing
from tests.faq.beets import ANSWER_PRECISION, ENTRIES, PHRASINGS

MATCHER = Matcher(PHRASINGS, ANSWER_PRECISION)


@pytest.mark.parametrize("phrasing", PHRASINGS, ids=lambda phrasing: phrasing.text)
def test_a_phrasing_in_its_own_words_is_answered_with_full_confidence(phrasing: Phrasing) -> None:
    decision = MATCHER.decide(phrasing.text.upper().rstrip("?") + " !")
    assert decision.decision == "answer"
    assert decision.sure
    first = decision.candidates[0]
    assert (first.entry, first.confidence, first.language) == (phrasing.entry, 1.0, phrasing.language)


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("wann krieg ich mein rübengeld", "payment"),
        ("wann bekomme ich mein ruebengeld", "payment"),
        ("wann bekomme ich mein rubengeld", "payment"),
        ("wan bekome ich mein rübngeld", "payment"),
        ("wannbekomme ich mein Rübengeld", "payment"),
        ("when will i be payed", "payment"),
        ("saatgut bestelen", "seed"),
        ("Saatgutbestellung aufgeben", "seed"),
        ("Kontoaenderung melden", "bank"),
        ("Beginn der Rübenkampagne", "campaign"),
        ("Kampagnenstart in Ochsenfurt", "campaign"),
        ("when does the campagin start", "campaign"),
        ("womit decke ich die ruebenmiete ab", "clamp"),
        ("Mietenabdekung", "clamp"),
        ("Makpagne", "campaign"),
        ("Kampgane Begnin", "campaign"),
        ("Wo mlede ich das nuee Knoto", "bank"),
    ],
)
def test_umlauts_slips_and_compounds_do_not_hide_what_is_meant(question: str, entry: str) -> None:
    decision = MATCHER.decide(question)
    assert (decision.decision, decision.candidates[0].entry) == ("answer", entry)


@pytest.mark.parametrize(
    "question",
    [
        "Vertrag 4711",
        "Wer wird Deutscher Meister?",
        "mein Trecker ist kaputt",
        "asdf",
        "Пожалуйста",
        "🚜🚜",
        "",
    ],
)
def test_what_no_entry_answers_is_left_to_people(question: str) -> None:
    assert MATCHER.decide(question).decision == "handoff"


def test_a_question_that_fits_two_entries_is_not_answered_unasked() -> None:
    decision = MATCHER.decide("Mein Konto")
    assert decision.decision == "clarify"
    assert {candidate.entry for candidate in decision.candidates[:2]} == {"bank", "payment"}


@pytest.mark.parametrize("question", ["Wann wird ausgezahlt?", "Mein Konto", "Vertrag 4711", ""])
def test_there_are_three_candidates_the_likeliest_first(question: str) -> None:
    candidates = MATCHER.decide(question).candidates
    confidences = [candidate.confidence for candidate in candidates]
    assert len({candidate.entry for candidate in candidates}) == 3
    assert confidences == sorted(confidences, reverse=True)


def test_the_same_words_in_two_entries_are_asked_back() -> None:
    matcher = Matcher(
        [Phrasing("Preise", "beet-price"), Phrasing("preise?", "seed-price"), Phrasing("Abfuhr", "x")]
    )
    decision = matcher.decide("Preise")
    assert decision.decision == "clarify"
    assert {candidate.entry for candidate in decision.candidates[:2]} == {"beet-price", "seed-price"}


def test_the_reported_language_settles_words_that_are_asked_alike_in_two() -> None:
    matcher = Matcher(
        [Phrasing("Status", "a", "de"), Phrasing("Status", "a", "en"), Phrasing("Status", "b", "fr")]
    )
    decision = matcher.decide("status", "en")
    assert decision.decision == "answer"
    assert (decision.candidates[0].entry, decision.candidates[0].language) == ("a", "en")
    assert matcher.decide("status").decision == "clarify"


@pytest.mark.parametrize(
    ("question", "sure"),
    [
        ("wann krieg ich mein rübengeld", True),
        ("Auszahlungstermin", True),  # word for word an entry's title
        ("Bestellung", False),  # one word is a topic rather than a question
        ("Vertrag 4711", False),
    ],
)
def test_only_a_clear_question_is_surely_answered(question: str, sure: bool) -> None:
    assert MATCHER.decide(question).sure is sure


def test_a_higher_precision_keeps_the_matcher_from_answering() -> None:
    questions = ["Bestellung", "Wann ist Kampagnenbeginn?", "Rüben", "Geld", "wann krieg ich mein rübengeld"]

    def answered(answer_precision: float) -> int:
        matcher = Matcher(PHRASINGS, answer_precision)
        return sum(matcher.decide(question).decision == "answer" for question in questions)

    assert answered(0.5) > answered(1.0) == 0


def test_a_knowledge_base_of_one_entry_answers_it_and_nothing_else() -> None:
    matcher = Matcher([Phrasing("Wann wird ausgezahlt?", "payment")])
    assert matcher.decide("wann wird ausgezahlt").decision == "answer"
    assert matcher.decide("Wer wird Meister?").decision != "answer"


def test_without_entries_everything_is_left_to_people() -> None:
    decision = Matcher([]).decide("Wann wird ausgezahlt?")
    assert (decision.decision, decision.candidates) == ("handoff", ())


@given(st.text(max_size=300))
def test_any_text_gets_a_decision(question: str) -> None:
    decision = MATCHER.decide(question)
    assert len(decision.candidates) >= 3
    assert all(candidate.entry in ENTRIES for candidate in decision.candidates)
    assert all(0 <= candidate.confidence <= 1 for candidate in decision.candidates)
