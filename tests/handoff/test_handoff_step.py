"""The way to people: what is said on it, and when the bot stays silent beside them."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.core import core
from bot.dialog import Mode, Outcome, Place, Reply, SetMode, Turn
from bot.feature import Feature, build_dialog
from broadcasts.feature import feature as broadcasts
from broadcasts.topics import Topic
from channels.message import Media
from handoff.complaints import is_complaint
from handoff.feature import feature
from handoff.hours import OpeningHours
from tests.bot.talk import TARGETS, Talk, content

BERLIN = ZoneInfo("Europe/Berlin")
LEADS = Feature("test", targets={"test": TARGETS.targets["test"]})


@dataclass(frozen=True)
class Sure:
    """What the FAQ foresees of a message."""

    sure: bool


def _faq(turn: Turn) -> Outcome | None:
    foreseen = turn.foresight.get("faq")
    return Outcome((Reply("the answer"),)) if foreseen and foreseen.sure else None


def _talk(when: str = "2026-01-05 12:00", hours: str = "Mo-Fr 07:00-17:00", **fields: object) -> Talk:
    faq = Feature("faq", steps=((Place.FAQ, _faq),))
    features = [core(), feature(OpeningHours.parse(hours), BERLIN), broadcasts(), LEADS, faq]
    now = datetime.fromisoformat(when).replace(tzinfo=BERLIN)
    talk = Talk(build_dialog(features), content("handoff", "broadcasts"), **fields)  # type: ignore[arg-type]  # by name
    talk.now_ms = int(now.timestamp() * 1000)
    return talk


def _mode(talk: Talk) -> SetMode:
    last: SetMode = talk.written(SetMode)[-1]
    return last


def test_what_nobody_understands_goes_to_a_person_with_what_to_expect() -> None:
    talk = _talk()
    [answer] = talk.say("Vertrag 4711 bitte ändern")
    assert (
        answer
        == "Das gebe ich an unser Team weiter. Sie bekommen die Antwort hier im Chat und müssen nicht warten."
    )
    assert _mode(talk) == SetMode("waiting", "not_understood")


@pytest.mark.parametrize("word", ["Mitarbeiter", "9", "agent"])
def test_asking_for_a_person_hands_the_chat_over(word: str) -> None:
    talk = _talk()
    assert talk.say(word)[0].startswith("Das gebe ich")
    assert _mode(talk) == SetMode("waiting", "asked")


@pytest.mark.parametrize(
    ("when", "language", "said"),
    [
        ("2026-01-05 05:30", "de", "heute ab 7 Uhr wieder da"),
        ("2026-01-05 17:00", "de", "morgen ab 7 Uhr wieder da"),
        ("2026-01-09 18:00", "de", "am Montag ab 7 Uhr wieder da"),
        ("2026-01-10 12:00", "de", "am Montag ab 7 Uhr wieder da"),
        ("2026-01-11 12:00", "de", "morgen ab 7 Uhr wieder da"),
        ("2026-01-05 05:30", "en", "back today at 7:00 and"),
        ("2026-01-05 17:00", "en", "back tomorrow at 7:00 and"),
        ("2026-01-10 12:00", "en", "back on Monday at 7:00 and"),
    ],
)
def test_outside_opening_hours_day_and_time_of_the_next_opening_are_named(
    when: str, language: str, said: str
) -> None:
    [answer] = _talk(when, language=language).say("Vertrag 4711")
    assert said in answer


def test_an_opening_in_a_week_carries_its_date_and_minutes_are_said() -> None:
    talk = _talk("2026-01-05 18:00", hours="Mo 07:30-17:00")
    assert "am Montag, 12.1., ab 7:30 Uhr wieder da" in talk.say("Vertrag 4711")[0]


def test_one_notice_per_stay() -> None:
    talk = _talk()
    assert talk.say("Vertrag 4711")
    assert talk.say("Und der Schlag ist 12 ha") == []
    assert talk.say("Hallo?") == []
    assert talk.say("danke") == []
    assert talk.say("👍") == []
    assert talk.say("2") == []
    assert talk.send(media=Media("image", "f")) == []


@pytest.mark.parametrize("text", ["Mitarbeiter!!", "9", "Hallo, ist da wer?", "Wann antwortet ihr endlich?"])
def test_who_asks_for_a_person_again_is_told_when_somebody_answers(text: str) -> None:
    talk = _talk("2026-01-05 18:00")
    talk.say("Menü")
    talk.say("Mitarbeiter")
    talk.wait(1)
    assert talk.say(text) == [
        "Unser Team weiß Bescheid. Wir sind morgen ab 7 Uhr wieder da und antworten Ihnen dann hier."
    ]
    assert talk.mode == "waiting"


def test_a_second_tap_at_once_is_the_first_ones_echo() -> None:
    talk = _talk()
    talk.say("Mitarbeiter")
    assert talk.say("Mitarbeiter") == []
    talk.wait(1)
    assert talk.say("Mitarbeiter")[0].startswith("Unser Team weiß Bescheid")
    assert talk.say("Mitarbeiter") == []


def test_who_asks_for_a_person_after_half_an_hour_is_handed_over_anew() -> None:
    talk = _talk()
    talk.say("Mitarbeiter")
    talk.wait(31)
    assert talk.say("Mitarbeiter!!")[0].startswith("Das gebe ich")


@pytest.mark.parametrize(
    "text", ["Wann ist Abfuhr?", "Menü", "Mitarbeiter", "Saftladen", "Hallo", "2", "English", "Rückruf"]
)
def test_the_bot_is_silent_while_an_agent_has_the_chat(text: str) -> None:
    talk = _talk(mode="agent", foresight={"faq": Sure(True)})
    assert talk.say(text) == []
    assert not talk.writes


def test_menu_words_are_served_while_waiting() -> None:
    talk = _talk(mode="waiting")
    talk.say("Menü")
    talk.say("1")
    assert talk.say("Rübenmiete")[0].startswith("Bitte abdecken.")
    assert talk.mode == "waiting"


def test_a_typed_title_is_no_menu_word_while_waiting() -> None:
    assert _talk(mode="waiting").say("Rübenmiete") == []


def test_a_language_can_be_chosen_while_waiting() -> None:
    talk = _talk(mode="waiting")
    assert talk.say("English") == [talk.content.say("language-chosen", "en")]


@pytest.mark.parametrize(
    ("text", "sure", "answered"),
    [
        ("Wann ist Abfuhr?", True, True),
        ("wann ist abfuhr", True, True),
        ("When is haulage", True, True),
        ("does the haulage start today", True, True),
        ("Wann ist Abfuhr?", False, False),
        ("Vertrag 4711", True, False),
        ("Abfuhr", True, False),
    ],
)
def test_only_a_sure_answer_to_a_clear_question_is_given_while_waiting(
    text: str, sure: bool, answered: bool
) -> None:
    talk = _talk(mode="waiting", foresight={"faq": Sure(sure)})
    assert talk.say(text) == (["the answer"] if answered else [])
    assert talk.mode == "waiting"


def test_a_tap_on_what_is_over_is_ignored_while_waiting() -> None:
    assert _talk(mode="waiting").send(choice="gone.1") == []


def test_a_hand_off_by_mistake_is_taken_back() -> None:
    talk = _talk()
    talk.say("Menü")
    talk.say("9")
    talk.say("falsch")
    assert [write.mode for write in talk.written(SetMode)] == ["waiting", "bot"]
    assert talk.question.purpose == "menu"


def test_a_call_back_asks_for_number_and_time_and_notes_them() -> None:
    talk = _talk()
    assert talk.say("Rückruf") == [talk.text("callback")]
    assert _mode(talk) == SetMode("waiting", "callback")
    assert talk.say("0171 2345678, morgen ab 17 Uhr") == [talk.text("callback-open")]
    assert talk.memory["handoff_note"] == "0171 2345678, morgen ab 17 Uhr"
    assert talk.say("oder 18 Uhr") == []


def test_a_call_back_with_its_number_is_noted_at_once() -> None:
    talk = _talk("2026-01-10 12:00")
    [answer] = talk.say("Rückruf 0171 2345678 ab 17 Uhr")
    assert "am Montag ab 7 Uhr" in answer
    assert _mode(talk) == SetMode("waiting", "callback")
    assert talk.memory["handoff_note"] == "Rückruf 0171 2345678 ab 17 Uhr"


@pytest.mark.parametrize("text", ["Danke", "ok 👍"])
def test_politeness_is_not_taken_for_the_number(text: str) -> None:
    talk = _talk()
    talk.say("Rückruf")
    assert talk.say(text) == []
    assert talk.say("0171 2345678") == [talk.text("callback-open")]
    assert talk.memory["handoff_note"] == "0171 2345678"


def test_a_question_is_answered_before_the_number_is_given() -> None:
    talk = _talk(foresight={"faq": Sure(True)})
    talk.say("Rückruf")
    assert talk.say("Wann ist Abfuhr?") == ["the answer"]
    assert "handoff_note" not in talk.memory


def test_the_menu_still_works_before_the_number_is_given() -> None:
    talk = _talk()
    talk.say("Rückruf")
    assert talk.say("Menü")[0].startswith(talk.text("menu"))
    assert "handoff_note" not in talk.memory


@pytest.mark.parametrize(
    "text",
    [
        "Saftladen! 3 Wochen kein Geld!",
        "So eine Frechheit",
        "FRECHHEITT",
        "Das ist eine Unverschämtheit",
        "das ist Betrug",
        "Ich bin echt sauer",
        "Jetzt reicht's mir",
        "Ich möchte mich beschweren",
        "Warte seit 3 Wochen auf die Abrechnung",
        "Seit drei Wochen warte ich",
        "immer noch keine Antwort",
        "Ich schreibe jetzt zum dritten Mal",
        "Was soll der Mist",
        "Scheiß Laden",
        "This is unacceptable",
        "I have been waiting for 3 weeks",
        "3 weeks and still no payment",
        "still no money",
        "worst service ever",
        "I want to make a complaint",
        "I will sue you",
    ],
)
def test_a_complaint_is_acknowledged_and_goes_ahead_of_others(text: str) -> None:
    talk = _talk()
    assert talk.say(text)[0].startswith("Es tut mir leid")
    assert _mode(talk) == SetMode("waiting", "complaint", urgent=True)


@pytest.mark.parametrize(
    "text",
    [
        "Wann kriege ich mein Geld?",
        "Mist fahren vor der Aussaat?",
        "Der Boden ist sauer",
        "Der Ertrag betrug 80 t",
        "In 3 Wochen ist Abfuhr",
        "Reicht es, wenn ich morgen abdecke?",
        "Danke, das reicht mir",
        "Zum dritten Mal gehackt",
        "Ist die Ware noch nicht da?",
        "When will I get my money?",
        "The field is still not harvested",
        "Beschreibung",
        "Ok danke",
    ],
)
def test_other_messages_are_no_complaints(text: str) -> None:
    assert not is_complaint(text)


def test_a_complaint_while_waiting_makes_the_stay_urgent_without_another_notice() -> None:
    talk = _talk(mode="waiting")
    assert talk.say("So ein Saftladen") == []
    assert _mode(talk) == SetMode("waiting", "complaint", urgent=True)


@pytest.mark.parametrize("mode", ["bot", "waiting"])
def test_a_photo_reaches_a_person_with_its_subject(mode: Mode) -> None:
    talk = _talk()
    talk.send(media=Media("image", "f"))
    talk.mode = mode
    talk.say("Abrechnung")
    assert _mode(talk) == SetMode("waiting", "billing")


def test_the_topics_are_named_and_sign_up_is_not_promised() -> None:
    talk = _talk()
    topic = Topic(id="prices", title={"de": "Preise"}, description={"de": "Jeden Donnerstag"})
    talk.content = content("handoff", "broadcasts")
    talk.content = type(talk.content)(
        talk.content.organisation, talk.content.default_texts, {"topic": {"prices": topic}}
    )
    [answer] = talk.say("Newsletter")
    assert "• *Preise*: Jeden Donnerstag" in answer
    assert "noch nicht" in answer


def test_without_topics_there_is_nothing_to_sign_up_for() -> None:
    assert _talk().say("anmelden") == ["Zurzeit gibt es keine Themen zum Anmelden."]


def test_every_standard_text_speaks_german_and_english() -> None:
    texts = content("handoff", "broadcasts").default_texts
    assert [key for key, wording in texts.items() if set(wording) != {"de", "en"}] == []
