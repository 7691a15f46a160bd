"""The dialog as a whole: order of steps, first contact, and what steps may pass a turn on to."""

from bot.core import core
from bot.dialog import Outcome, Place, Reply, Turn, merge
from bot.feature import Feature, build_dialog
from tests.bot.talk import Talk, content


def _saying(text: str) -> Outcome:
    return Outcome((Reply(text),))


def test_steps_run_in_the_order_of_their_places_whatever_the_order_of_features() -> None:
    late = Feature("late", steps=((Place.FALLBACK, lambda turn: _saying("fallback")),))
    early = Feature("early", steps=((Place.FAQ, lambda turn: _saying("faq") if "?" in turn.text else None),))
    talk = Talk(build_dialog([late, core(), early]))
    assert talk.say("Wann?") == ["faq"]
    assert talk.say("Irgendwas") == ["fallback"]
    assert talk.say("stop") == [talk.text("stop")]


def test_the_notice_is_shown_once_and_says_that_a_bot_speaks() -> None:
    talk = Talk(greeted=False)
    greeting, answer = talk.say("Rübenmiete")
    assert "Chatbot" in greeting
    assert "https://example.org/datenschutz" in greeting
    assert answer.startswith("Bitte abdecken.")
    assert len(talk.say("Rübenmiete")) == 1


def test_somebody_who_begins_with_a_language_is_greeted_in_it() -> None:
    talk = Talk(greeted=False)
    greeting, answer = talk.say("English")
    assert greeting == talk.content.say("greeting", "en")
    assert answer.startswith(talk.content.say("language-chosen", "en"))


def test_nobody_is_greeted_while_a_person_has_the_chat() -> None:
    assert len(Talk(greeted=False, mode="agent").say("stop")) == 1


def test_a_turn_that_nobody_takes_is_silent() -> None:
    assert Talk().say("Irgendwas") == []


def test_steps_may_lead_to_any_features_target() -> None:
    def lead(turn: Turn) -> Outcome | None:
        return turn.lead_to(turn.text)

    feature = Feature(
        "a", steps=((Place.FAQ, lead),), targets={"x": lambda turn, argument: _saying(argument)}
    )
    talk = Talk(build_dialog([feature]), content())
    assert talk.say("x:7:8") == ["7:8"]
    assert talk.say("y") == []


def test_two_replies_fit_one_bubble() -> None:
    assert merge((Reply("a"), Reply("b"))) == (Reply("a\n\nb"),)


def test_a_script_of_a_first_visit() -> None:
    talk = Talk(greeted=False)
    assert len(talk.say("/start")) == 2
    talk.say("1")
    assert talk.titles == ["Abfuhrtermine", "Rübenmiete", "Zurück", "Mitarbeiter"]
    assert talk.say("zwei")[0].startswith("Bitte abdecken.")
    assert talk.say("super danke") == [talk.text("you-are-welcome")]
    assert talk.say("👍") == []
    assert talk.say("9") == ["a person ()"]
