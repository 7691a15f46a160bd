from dataclasses import replace
from typing import Any

import pytest

from bot.content import missing_languages
from bot.dialog import Dialog, Remember
from tests.faq.beets import ENTRIES, TEXTS, Talk, content_of, modes, text_of

PAYMENT = "Wir zahlen am 15. November."
CAMPAIGN = "Ochsenfurt beginnt am 10. September, Zeitz am 12."
SEED = "Saatgut bestellen Sie im Portal."
UNKNOWN = "Wer wird Deutscher Meister?"
VAGUE = "Mein Konto"
VAGUE_ENGLISH = "When does the money"


def test_a_sure_question_is_answered() -> None:
    outcome = Talk().say("wann krieg ich mein rübengeld")
    assert text_of(outcome) == PAYMENT
    assert modes(outcome) == []


def test_what_nobody_can_answer_goes_to_a_person() -> None:
    outcome = Talk().say(UNKNOWN)
    assert text_of(outcome) == "handed over: not_understood"
    assert modes(outcome) == [("waiting", "not_understood")]


# Asking back


def test_a_vague_question_is_asked_back_with_at_most_three_choices_and_a_person() -> None:
    asked = Talk().say(VAGUE)
    ask = asked.replies[0].ask
    assert ask is not None
    assert text_of(asked) == "Meinen Sie eines davon?"
    assert ask.purpose == "faq.clarify"
    assert [(option.value, option.title) for option in ask.options] == [
        ("bank", "Bankverbindung"),
        ("payment", "Auszahlungstermin"),
        ("person:", "Mitarbeiter"),
    ]
    assert set(ask.numbers) == {"9", "no"}
    assert modes(asked) == []


def test_a_choice_is_answered_with_its_entry() -> None:
    talk = Talk()
    assert text_of(talk.choose(talk.say(VAGUE), "2")) == PAYMENT


@pytest.mark.parametrize("typed", ["9", "no"])
def test_nine_and_no_are_a_person(typed: str) -> None:
    talk = Talk()
    assert modes(talk.choose(talk.say(VAGUE), typed)) == [("waiting", "")]


def test_yes_takes_a_choice_that_stands_alone() -> None:
    talk = Talk()
    talk.content = content_of({key: entry for key, entry in ENTRIES.items() if key != "payment"})
    asked = talk.say(VAGUE)
    assert text_of(asked) == "Meinen Sie das?"
    assert text_of(talk.choose(asked, "yes")) == text_of(talk.choose(asked, "1"))


def test_a_choice_that_was_deleted_meanwhile_goes_to_a_person() -> None:
    talk = Talk()
    asked = talk.say(VAGUE)
    talk.content = content_of({key: entry for key, entry in ENTRIES.items() if key != "payment"})
    assert modes(talk.choose(asked, "2")) == [("waiting", "not_understood")]


def test_a_second_miss_in_a_row_goes_to_a_person() -> None:
    talk = Talk()
    assert modes(talk.say(VAGUE)) == []
    assert modes(talk.say("Konto")) == [("waiting", "not_understood")]


@pytest.mark.parametrize("between", ["an answer", "a day"])
def test_misses_are_not_in_a_row_with_something_between_them(between: str) -> None:
    talk = Talk()
    talk.say(VAGUE)
    if between == "an answer":
        talk.say("Wann wird ausgezahlt?")
    else:
        talk.wait_days(1)
    assert talk.say(VAGUE).replies[0].ask is not None


# Several questions in one message


def test_two_questions_get_both_answers_in_one_bubble() -> None:
    outcome = Talk().say("Wann wird ausgezahlt? Und wie bestelle ich Saatgut?")
    assert [reply.text for reply in outcome.replies] == [
        f"*Auszahlungstermin*\n{PAYMENT}\n\n*Saatgut bestellen*\n{SEED}"
    ]


def test_the_same_question_in_two_ways_is_answered_once() -> None:
    assert text_of(Talk().say("Wann wird ausgezahlt? Wann kommt die Auszahlung?")) == PAYMENT


def test_what_stays_open_is_named_and_handed_over() -> None:
    outcome = Talk().say(f"Guten Tag! Wann wird ausgezahlt? {UNKNOWN} Danke")
    assert text_of(outcome) == f"{PAYMENT}\n\nNoch offen:\n– {UNKNOWN}\n\nhanded over: not_understood"
    assert modes(outcome) == [("waiting", "not_understood")]


def test_several_open_questions_are_all_named() -> None:
    outcome = Talk().say(f"{UNKNOWN} Wie heißt der Hund?")
    assert f"– {UNKNOWN}\n– Wie heißt der Hund?" in text_of(outcome)
    assert modes(outcome) == [("waiting", "not_understood")]


# After an answer


@pytest.mark.parametrize(
    "text",
    [
        "hilft nicht",
        "Das hilft mir leider nicht weiter!",
        "hat nicht geholfen",
        "falsche Antwort",
        "that did not help",
        "That didn't help me",
        "not helpful",
    ],
)
def test_an_answer_that_did_not_help_leads_to_a_person(text: str) -> None:
    talk = Talk()
    talk.say("Wann wird ausgezahlt?")
    assert modes(talk.say(text)) == [("waiting", "")]


@pytest.mark.parametrize("text", ["Hilft Vlies nicht gegen Frost an der Miete?", "Ich habe kein Saatgut"])
def test_a_negation_in_a_question_is_no_complaint_about_the_answer(text: str) -> None:
    talk = Talk()
    talk.say("Wann wird ausgezahlt?")
    assert ("waiting", "") not in modes(talk.say(text))


@pytest.mark.parametrize("text", ["und in Ochsenfurt?", "auch in Zeitz?", "what about Ochsenfurt"])
def test_a_short_follow_up_is_asked_of_the_entry_before(text: str) -> None:
    talk = Talk()
    talk.say("Wann beginnt die Kampagne?")
    outcome = talk.say(text)
    assert CAMPAIGN in text_of(outcome)
    assert modes(outcome) == []


def test_a_follow_up_with_an_entry_of_its_own_gets_that_one() -> None:
    talk = Talk()
    talk.say("Wann beginnt die Kampagne?")
    assert text_of(talk.say("und Auszahlungstermin?")) == PAYMENT


def test_a_follow_up_that_the_entry_does_not_speak_of_leads_to_a_person_the_second_time() -> None:
    talk = Talk()
    talk.say("Wann wird ausgezahlt?")
    first = talk.say("und bei Traktoren?")
    assert PAYMENT in text_of(first)
    assert modes(talk.say("und bei Motorrädern?")) == [("waiting", "not_understood")]


def test_a_follow_up_to_nothing_is_no_follow_up() -> None:
    assert modes(Talk().say("und in Ochsenfurt?")) == [("waiting", "not_understood")]


# In whose hands the conversation is


def test_while_people_have_it_nothing_is_answered() -> None:
    assert text_of(Talk().say("Wann wird ausgezahlt?", mode="agent")) == ""


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("Wann wird ausgezahlt?", PAYMENT),
        ("Vertrag 4711", ""),
        (VAGUE, ""),
        ("hilft nicht", ""),
        (f"Wann wird ausgezahlt? {UNKNOWN}", ""),
    ],
)
def test_while_one_waits_only_a_clear_question_is_answered(text: str, answered: str) -> None:
    outcome = Talk().say(text, mode="waiting")
    assert text_of(outcome) == answered
    assert modes(outcome) == []


# Languages


@pytest.mark.parametrize(
    ("text", "reported", "turn", "answered"),
    [
        ("When will I be paid?", "en", {"language": "en"}, "We pay on 15 November."),
        ("Wann wird ausgezahlt?", "en", {"language": "en"}, "We pay on 15 November."),
        ("When will I be paid?", "de-DE", {"language": "de"}, PAYMENT),
        # Nothing known, or a language we do not speak: as it was asked.
        ("When will I be paid?", None, {"language": "de"}, "We pay on 15 November."),
        ("When will I be paid?", "pl", {"language": "de"}, "We pay on 15 November."),
        # Chosen by the contact: that one.
        ("When will I be paid?", None, {"language": "de", "language_chosen": True}, PAYMENT),
        # There is no English wording.
        ("Wie bestelle ich Saatgut?", "en", {"language": "en", "language_chosen": True}, SEED),
    ],
)
def test_the_answer_is_in_the_language_of_the_contact(
    text: str, reported: str | None, turn: dict[str, Any], answered: str
) -> None:
    assert text_of(Talk(reported=reported, **turn).say(text)) == answered


def test_asking_back_is_in_the_language_of_the_question_where_the_contacts_is_unknown() -> None:
    talk = Talk(reported=None)
    asked = talk.say(VAGUE_ENGLISH)
    assert text_of(asked) == "Do you mean one of these?"
    assert text_of(talk.choose(asked, "1")) == "We pay on 15 November."


def test_a_follow_up_is_answered_in_the_language_of_the_answer_before() -> None:
    talk = Talk(reported=None)
    talk.say("When does the campaign start?")
    assert "Ochsenfurt starts on 10 September" in text_of(talk.say("and in Ochsenfurt?"))


def test_every_standard_text_is_there_in_every_language() -> None:
    for key in ("faq-clarify", "faq-clarify-one", "faq-open", "faq-follow-up"):
        assert not missing_languages(content_of(), TEXTS[key])


# What is registered


def test_a_menu_row_leads_to_an_entry() -> None:
    talk = Talk()
    turn = talk.turn("1")
    turn = replace(turn, targets=talk.dialog.targets)
    assert text_of(turn.lead_to("faq:seed")) == SEED
    assert turn.lead_to("faq:gone") is None


@pytest.mark.parametrize("text", ["", "?", "x", "4711"])
def test_what_holds_no_words_is_left_to_the_next_step(text: str) -> None:
    talk = Talk()
    assert talk.turn(text).foresight == {}
    assert modes(talk.say(text)) == []


def test_new_content_is_learnt_and_old_entries_are_forgotten() -> None:
    talk = Talk()
    assert talk.feature.on_content is not None
    talk.content = content_of({"seed": ENTRIES["seed"]})
    talk.feature.on_content(talk.content)
    assert modes(talk.say("Wann wird ausgezahlt?")) == [("waiting", "not_understood")]
    assert text_of(talk.say("Wie bestelle ich Saatgut?")) == SEED


def test_an_entry_that_was_deleted_after_the_question_was_read_is_not_answered() -> None:
    talk = Talk()
    read_before = talk.turn("Wann wird ausgezahlt?")
    turn = replace(read_before, content=content_of({"seed": ENTRIES["seed"]}))
    assert modes(talk.dialog.decide(turn)) == [("waiting", "not_understood")]


def test_without_entries_the_faq_leaves_every_turn_alone() -> None:
    talk = Talk(content_of({}))
    assert isinstance(talk.dialog, Dialog)
    assert talk.say("Wann wird ausgezahlt?").replies == ()


def test_only_the_entry_is_remembered_not_what_was_said() -> None:
    outcome = Talk().say("wann krieg ich mein rübengeld")
    remembered = [write.value for write in outcome.writes if isinstance(write, Remember)]
    assert [value["id"] for value in remembered if value] == ["payment"]
    assert "krieg" not in str(remembered)
