"""Which question a message answers, and with what."""

from dataclasses import replace

import pytest

from bot.answers import number_in, typed_value
from bot.core import core
from bot.dialog import Ask, Mode, Option, Outcome, Place, Question, Reply, SetMode, Turn
from bot.feature import Feature, build_dialog
from bot.words import fold
from tests.bot.talk import TARGETS, Talk

FRUIT = (Option("p", "Auszahlungstermin"), Option("b", "Abrechnung"), Option("k", "Bankverbindung & Konto"))
HELPED = (Option("yes", "Ja"), Option("partly", "Teilweise"), Option("no", "Nein"))
NUMBERS = {"0": "back", "9": "person"}


def _question(options: tuple[Option, ...] = FRUIT) -> Question:
    return Question(1, "q1", "test", options, NUMBERS, 0, 1, latest=True)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", "p"),
        ("2", "b"),
        ("2.", "b"),
        ("2)", "b"),
        ("2️⃣", "b"),
        ("②", "b"),
        ("02", "b"),
        ("#3", "k"),
        ("Nr. 3", "k"),
        ("Nummer 3 bitte", "k"),
        ("die 2", "b"),
        ("eins", "p"),
        ("Zwei!", "b"),
        ("zwo", "b"),
        ("drei", "k"),
        ("two", "b"),
        ("erste", "p"),
        ("das zweite", "b"),
        ("the third one", None),
        ("third", "k"),
        ("0", "back"),
        ("9", "person"),
        ("4", None),
        ("12", None),
        ("4711", None),
        ("Abrechnung", "b"),
        ("abrechnung!", "b"),
        ("Abrechung", "b"),
        ("Abrechnugn", "b"),
        ("2 Abrechnung", "b"),
        ("2. Abrechung", "b"),
        ("2 Auszahlungstermin", None),
        ("Bankverbindung", "k"),
        ("Konto", "k"),
        ("Auszahlung", None),
        ("Geld", None),
        ("und", None),
        ("", None),
        ("ja", None),
        ("Wann kommt die Abrechnung?", None),
        ("2 Wagen", None),
        ("1 und 3", None),
    ],
)
def test_numbers_and_titles_choose_an_option(word: str, value: str | None) -> None:
    assert typed_value(_question(), fold(word)) == value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("ja", "yes"),
        ("Jaaa!", "yes"),
        ("jo", "yes"),
        ("ja bitte", "yes"),
        ("OK", "yes"),
        ("okay", "yes"),
        ("yes", "yes"),
        ("nein", "no"),
        ("nee", "no"),
        ("nö", "no"),
        ("Nein danke", "no"),
        ("no", "no"),
        ("teilweise", "partly"),
        ("2", "partly"),
        ("ja, aber wann?", None),
        ("danke", None),
        ("👍", None),
    ],
)
def test_yes_and_no_are_understood_where_an_option_means_them(word: str, value: str | None) -> None:
    assert typed_value(_question(HELPED), fold(word)) == value


@pytest.mark.parametrize(("word", "value"), [("nein danke", "none of them"), ("ja", None)])
def test_yes_and_no_are_understood_where_the_question_says_what_they_lead_to(
    word: str, value: str | None
) -> None:
    question = replace(_question(), numbers={"no": "none of them"})
    assert typed_value(question, fold(word)) == value


def test_titles_that_are_too_alike_are_not_guessed_between() -> None:
    alike = (Option("n", "Termine Nord"), Option("s", "Termine Nora"))
    assert typed_value(_question(alike), "termine norx") is None
    assert typed_value(_question(alike), "termine nord") == "n"


@pytest.mark.parametrize(
    ("word", "number"), [("neun", 9), ("null", 0), ("26", 26), ("100", None), ("ein Wagen", None)]
)
def test_a_number_counts_only_alone(word: str, number: int | None) -> None:
    assert number_in(fold(word)) == number


def _asking(turn: Turn) -> Outcome | None:
    if turn.word != "frage":
        return None
    return Outcome((Reply("Welche?", Ask("fruit", FRUIT, numbers=NUMBERS)),))


def _answered(turn: Turn, question: Question, value: str) -> Outcome | None:
    if value == "person":
        return turn.lead_to("agent:fruit")
    return None if value == "back" else Outcome((Reply(f"took {value}"),))


def _talk(mode: Mode = "bot") -> Talk:
    asks = Feature("asks", steps=((Place.RIGHTS, _asking),), answers={"fruit": _answered})
    return Talk(build_dialog([core(), TARGETS, asks]), mode=mode)


@pytest.mark.parametrize("mode", ["bot", "waiting", "agent"])
def test_a_tap_answers_its_own_question_in_every_mode(mode: Mode) -> None:
    talk = _talk(mode)
    talk.say("frage")
    first = talk.question
    talk.hear()
    assert talk.tap(2, first) == ["took b"]


@pytest.mark.parametrize("mode", ["bot", "waiting", "agent"])
def test_a_quoted_reply_answers_the_question_it_quotes(mode: Mode) -> None:
    talk = _talk(mode)
    talk.say("frage")
    first = talk.question
    talk.hear()
    assert talk.quote(first, "3") == ["took k"]


def test_a_bare_number_answers_our_latest_bubble() -> None:
    talk = _talk()
    talk.say("frage")
    assert talk.say("2") == ["took b"]


def test_a_bare_number_answers_no_older_question() -> None:
    talk = _talk()
    talk.say("frage")
    talk.hear()
    [answer] = talk.say("2")
    assert answer.startswith(talk.text("number-unknown", number="2"))
    assert talk.question.purpose == "menu"


def test_a_quote_of_another_message_does_not_answer_the_latest_question() -> None:
    talk = _talk()
    talk.say("frage")
    [answer] = talk.say("2", reply_to="something-old")
    assert answer.startswith(talk.text("number-unknown", number="2"))


def test_an_answered_question_is_closed() -> None:
    talk = _talk()
    talk.say("frage")
    asked = talk.question
    talk.tap(1)
    assert talk.tap(2, asked)[0].startswith(talk.text("choice-expired"))


def test_an_expired_question_takes_no_answer() -> None:
    talk = _talk()
    talk.say("frage")
    asked = talk.question
    talk.wait(24 * 60 + 1)
    assert talk.tap(2, asked)[0].startswith(talk.text("choice-expired"))
    assert talk.say("ja")[0].startswith(talk.text("yes-unknown", word="ja"))


@pytest.mark.parametrize(
    "code", ["q1.0", "q1.7", "q1.x", "q1.²", "q1.-1", "q1", ".", "", "nonsense", "q10." + "9" * 5000]
)
def test_a_tap_on_nothing_of_ours_shows_the_menu(code: str) -> None:
    talk = _talk()
    assert talk.send(choice=code)[0].startswith(talk.text("choice-expired"))


def test_a_handler_reaches_a_person_by_number() -> None:
    talk = _talk()
    talk.say("frage")
    assert talk.say("9") == ["a person (fruit)"]


def test_a_number_that_the_handler_leaves_goes_on_to_the_menu() -> None:
    talk = _talk()
    talk.say("frage")
    talk.say("0")
    assert talk.question.purpose == "menu"


@pytest.mark.parametrize("word", ["Falsch", "falsch!", "undo", "ups, falsch", "vertippt"])
def test_an_answer_can_be_taken_back(word: str) -> None:
    talk = _talk()
    talk.say("frage")
    talk.say("1")
    assert talk.say(word) == [talk.text("undo")]
    assert talk.titles == [option.title for option in FRUIT]
    assert talk.say("2") == ["took b"]


def test_taking_back_an_answer_takes_back_its_hand_off() -> None:
    talk = _talk()
    talk.say("frage")
    talk.say("9")
    talk.say("falsch")
    assert [write.mode for write in talk.written(SetMode)] == ["waiting", "bot"]


def test_an_old_answer_is_not_taken_back() -> None:
    talk = _talk()
    talk.say("frage")
    talk.say("1")
    talk.wait(11)
    assert talk.say("falsch") == []
