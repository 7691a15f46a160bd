"""Objections in one's own words: they hold all broadcasts at once, and are asked about once."""

import pytest

from bot.dialog import Mode
from bot.objections import is_objection
from bot.rights import is_stop
from tests.bot.talk import Talk, consents
from tests.bot.test_rights import MODES

OBJECTIONS = (
    "bitte nix mehr schicken",
    "Bitte nichts mehr schicken!",
    "hört auf mir zu schreiben",
    "Hören Sie bitte auf",
    "Aufhören!",
    "keine Nachrichten mehr",
    "Ich will keine Werbung",
    "Ich möchte keine Nachrichten mehr bekommen",
    "Schreibt mir nicht mehr",
    "schicken Sie mir nichts mehr",
    "Lasst mich in Ruhe",
    "Nehmen Sie mich aus dem Verteiler",
    "Ich widerrufe hiermit meine Einwilligung",
    "Hiermit widerspreche ich der Nutzung meiner Daten",
    "Wie kann ich mich abmelden?",
    "stop texting me",
    "no more messages please",
    "don't text me again",
    "Don't send me any more messages",
    "leave me alone",
    "remove me from your list",
    "how do I unsubscribe?",
)

NO_OBJECTIONS = (
    "Warum bekomme ich keine Nachrichten mehr?",
    "Ich bekomme keine Nachrichten mehr",
    "Ich kann keine Fotos mehr schicken",
    "Der Regen hört auf",
    "Wann hört die Abfuhr auf?",
    "Ich habe keine Rüben mehr",
    "Können Sie mir die Abrechnung schicken?",
    "Ich muss nichts mehr machen, oder?",
    "Bitte schicken Sie mir den Newsletter",
    "Why don't I get messages?",
    "Danke, mehr brauche ich nicht",
)


@pytest.mark.parametrize("text", OBJECTIONS)
def test_objections_are_recognised(text: str) -> None:
    assert is_objection(text)
    assert not is_stop(text)


@pytest.mark.parametrize("text", NO_OBJECTIONS)
def test_other_negatives_are_no_objections(text: str) -> None:
    assert not is_objection(text)


@pytest.mark.parametrize("mode", MODES)
def test_an_objection_holds_at_once_and_asks_whether_stop_was_meant(mode: Mode) -> None:
    talk = Talk(mode=mode)
    assert talk.say("bitte nix mehr schicken") == [talk.text("objection")]
    assert talk.stopped
    assert not consents(talk)
    assert talk.say("ja") == [talk.text("stop")]
    assert [consent.wording for consent in consents(talk)] == ["bitte nix mehr schicken"]
    assert talk.stopped


def test_an_objection_that_was_not_meant_so_is_lifted() -> None:
    talk = Talk()
    talk.say("hört auf mir zu schreiben")
    assert talk.say("nein") == [talk.text("objection-lifted")]
    assert not talk.stopped


def test_a_second_objection_is_not_asked_about_again() -> None:
    talk = Talk()
    talk.say("bitte nix mehr schicken")
    assert talk.say("schickt mir nichts mehr!") == [talk.text("stop-again")]
    assert talk.stopped


def test_a_no_to_an_old_objection_lifts_no_stop_that_was_said_since() -> None:
    talk = Talk()
    talk.say("bitte nix mehr schicken")
    asked = talk.question
    talk.say("STOP")
    assert talk.tap(2, asked) == [talk.text("stop-again")]
    assert talk.stopped
