"""The menu: opened by word, number, tap and title, and the words that lead to people."""

import pytest

from bot.core import core
from bot.feature import build_dialog
from tests.bot.talk import Talk, content, row


@pytest.mark.parametrize(
    "word",
    [
        "Menü",
        "MENUE",
        "menu",
        "/menu",
        "/menu@ZurufBot",
        "Hauptmenü",
        "Hilfe",
        "hilfe bitte",
        "help",
        "/help",
        "start",
        "/start",
        "/start poster",
        "zurück",
        "0",
        "?",
        "Hallo, Menü bitte",
    ],
)
def test_menu_words_show_the_first_level(word: str) -> None:
    talk = Talk()
    code = "poster" if "poster" in word else None
    [answer] = talk.say(word, start_code=code)
    assert answer == talk.text("menu")
    assert talk.titles == ["Abfuhr", "Geld & Abrechnung", "Rundschreiben", "Mitarbeiter"]


def test_a_row_with_rows_below_it_opens_the_next_level_and_zero_goes_back() -> None:
    talk = Talk()
    talk.say("Menü")
    [answer] = talk.say("1")
    assert answer == "*Abfuhr*"
    assert talk.titles == ["Abfuhrtermine", "Rübenmiete", "Zurück", "Mitarbeiter"]
    assert talk.say("2") == ["Bitte abdecken."]
    talk.say("0")
    assert talk.titles[0] == "Abfuhrtermine"
    talk.say("0")
    assert talk.titles[0] == "Abfuhr"


def test_the_way_back_and_a_person_are_tapped_and_typed_by_name_but_have_no_place_in_the_list() -> None:
    talk = Talk()
    talk.say("Menü")
    talk.say("1")
    level = talk.question
    assert talk.say("3")[0].startswith(talk.text("number-unknown", number="3"))
    assert talk.tap(4, level) == ["a person ()"]
    talk = Talk()
    talk.say("Menü")
    talk.say("1")
    talk.say("Rübenmiete")
    talk.tap(1)
    assert talk.titles[0] == "Abfuhrtermine"
    talk.say("zurück")
    assert talk.titles[0] == "Abfuhr"


def test_the_menu_is_shown_in_the_contacts_language() -> None:
    talk = Talk(language="en")
    talk.say("menu")
    assert talk.titles == ["Haulage", "Money & billing", "Newsletters", "Ask our team"]


def test_a_row_leads_to_the_target_it_names() -> None:
    talk = Talk()
    talk.say("Menü")
    assert talk.tap(2) == ["target money"]


def test_another_row_of_an_older_menu_can_still_be_tapped() -> None:
    talk = Talk()
    talk.say("Menü")
    first = talk.question
    talk.tap(1, first)
    assert talk.tap(2, first) == ["target money"]


def test_a_row_that_is_gone_leads_to_the_menu() -> None:
    talk = Talk()
    talk.say("Menü")
    talk.content = content(rows={})
    assert talk.say("1")[0].startswith(talk.text("choice-expired"))


def test_a_row_whose_target_is_gone_leads_to_a_person() -> None:
    talk = Talk(content=content(rows={"old": row("old", "Alt", "Old", leads_to="gone:1")}))
    talk.say("Menü")
    assert talk.say("1") == ["a person ()"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("Rübenmiete", "Bitte abdecken."),
        ("ruebenmiete", "Bitte abdecken."),
        ("Rübenmite", "Bitte abdecken."),
        ("beet clamp", "Bitte abdecken."),
        ("Abfuhr", "*Abfuhr*"),
        ("abfuhrtermin", "Ab Oktober."),
        ("Geld Abrechnung", "target money"),
    ],
)
def test_a_typed_title_opens_its_row_from_anywhere(typed: str, answer: str) -> None:
    assert Talk().say(typed)[0].startswith(answer)


@pytest.mark.parametrize("typed", ["Abreise", "Wann ist Abfuhr?", "Geld", "Miete", "Rüben"])
def test_other_words_open_no_row(typed: str) -> None:
    talk = Talk()
    assert talk.say(typed) == []


@pytest.mark.parametrize(
    "word",
    [
        "9",
        "Mitarbeiter",
        "mitarbieter",
        "Mitarbeiter bitte",
        "Mensch",
        "agent",
        "human",
        "Ich möchte mit einem Menschen sprechen",
        "Kann ich mit einem Mitarbeiter sprechen?",
        "speak to a human please",
        "Ansprechpartner",
    ],
)
def test_a_person_is_one_word_away(word: str) -> None:
    assert Talk().say(word) == ["a person ()"]


@pytest.mark.parametrize(
    "word",
    [
        "Rückruf",
        "Rueckruf bitte",
        "Bitte um Rückruf",
        "Kann mich jemand anrufen?",
        "Bitte rufen Sie mich an",
        "callback",
        "call me back please",
        "Rückruf 0171 2345678 ab 17 Uhr",
    ],
)
def test_a_call_back_is_one_word_away(word: str) -> None:
    assert Talk().say(word) == ["a person (callback)"]


@pytest.mark.parametrize(
    "text", ["Wie viele Mitarbeiter haben Sie?", "Der Fahrer hat angerufen", "Mensch, ist das nass"]
)
def test_speaking_of_people_is_no_wish_for_one(text: str) -> None:
    assert Talk().say(text) == []


def test_signing_up_leads_to_the_topics() -> None:
    assert Talk().say("anmelden") == ["the topics"]


def test_menus_work_without_anything_to_lead_to() -> None:
    talk = Talk(build_dialog([core()]), content(rows={}))
    assert talk.say("menu") == [talk.text("menu")]
    assert talk.say("Mitarbeiter") == []


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("English", "en"),
        ("/english", "en"),
        ("in English please", "en"),
        ("Englisch", "en"),
        ("German", "de"),
    ],
)
def test_a_language_is_chosen_by_its_name_and_confirmed_in_it(word: str, language: str) -> None:
    talk = Talk(language="de" if language == "en" else "en")
    [answer] = talk.say(word)
    assert talk.language == language
    assert answer.startswith(talk.text("language-chosen"))
    assert talk.question.purpose == "menu"


@pytest.mark.parametrize("word", ["Sprache", "language", "/language", "Sprache ändern"])
def test_the_word_for_language_asks_which(word: str) -> None:
    talk = Talk()
    talk.say(word)
    assert talk.titles == ["Deutsch", "English"]
    talk.say("2")
    assert talk.language == "en"


def test_a_language_that_the_organisation_does_not_speak_is_not_chosen() -> None:
    talk = Talk()
    assert talk.say("Français") == []
    assert talk.language == "de"
