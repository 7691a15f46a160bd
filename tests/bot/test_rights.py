"""Rights: the words that work at any time, and those that only look like them."""

import pytest

from bot.dialog import Mode, SetMode, SetStopped
from tests.bot.talk import Talk, consents

MODES: tuple[Mode, ...] = ("bot", "waiting", "agent")

STOP_SPELLINGS = (
    "stop",
    "STOP",
    "Stop",
    "sToP",
    "Stop!",
    "STOP.",
    "stop!!!",
    "  stop  ",
    "stop\n",
    "stopp",
    "STOPP",
    "Stopp!",
    "stoppp",
    "STOOOOP",
    "sstop",
    "s t o p",
    "S.T.O.P.",
    "S-T-O-P",
    "st op",
    "st\u200bop",
    "/stop",
    "/Stop",
    "/stop@ZurufBot",
    "#stop",
    "„Stop“",
    '"STOP"',
    "'stop'",
    "«Stopp»",
    "*STOP*",
    "(stop)",
    "🛑 STOP 🛑",
    "Stop 🙏",
    "ＳＴＯＰ",
    "𝐒𝐓𝐎𝐏",
    "stpo",
    "sotp",
    "st0p",
    "stop bitte",
    "bitte stop",
    "Stopp, danke",
    "please stop",
    "Bitte sofort stoppen!",
    "stop it",
    "stop all",
    "STOPALL",
    "stop alles",
    "Stop Newsletter",
    "Werbung stoppen",
    "Stop WhatsApp",
    "abmelden",
    "Abmelden!",
    "ABMELDEN",
    "abmeldenn",
    "abmeldne",
    "ab melden",
    "Abmeldung",
    "bitte abmelden",
    "ich möchte mich abmelden",
    "Ich will mich bitte vom Newsletter abmelden",
    "abbestellen",
    "abestellen",
    "abbestelen",
    "Newsletter abbestellen",
    "Rübenbrief abbestellen",
    "Ruebenbrief abbestellen",
    "Rundschreiben abbestellen bitte",
    "Newsletter kündigen",
    "Newsletter kuendigen",
    "austragen",
    "bitte austragen",
    "unsubscribe",
    "Unsubscribe me",
    "unsubcribe",
    "cancel newsletter",
    "opt out",
    "opt-out",
    "OptOut",
    "I want to unsubscribe",
    "STOP\n\nMit freundlichen Grüßen\nHans Meier",
    "Stop\nGesendet von meinem iPhone",
)

NOT_STOP = (
    "stop by tomorrow",
    "Stop by our office?",
    "Can the driver stop by tomorrow?",
    "Stoppelbearbeitung",
    "Stoppel",
    "wann stoppt die Kampagne",
    "Wann ist die Kampagne zu Ende?",
    "Bitte nicht stoppen",
    "don't stop",
    "Bushaltestelle",
    "shop",
    "Post",
    "step",
    "Stoff",
    "top",
    "spot",
    "Stau",
    "anmelden",
    "anmeldne",
    "Anmeldung",
    "bestellen",
    "Saatgut bestellen",
    "Saatgut abbestellen",
    "abstellen",
    "ummelden",
    "Feldtag abmelden",
    "Wie stoppe ich die Nachlieferung?",
    "Vertrag kündigen",
    "Ende",
    "aus",
    "cancel",
    "Der LKW stoppt vor dem Hof",
    "Stop, der Roder steht noch auf Schlag 4",
    "Newsletter",
    "ja",
    "",
    "🛑",
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spelling", STOP_SPELLINGS)
def test_stop_in_any_spelling_and_mode_is_recorded_and_confirmed(spelling: str, mode: Mode) -> None:
    talk = Talk(mode=mode)
    assert talk.say(spelling) == [talk.text("stop")]
    assert talk.stopped
    assert talk.mode == mode
    [consent] = consents(talk)
    assert (consent.purpose, consent.given, consent.wording) == ("marketing", False, spelling)


def test_the_table_holds_more_spellings_than_promised() -> None:
    assert len(set(STOP_SPELLINGS)) >= 60


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", NOT_STOP)
def test_what_only_looks_like_stop_stops_nothing(text: str, mode: Mode) -> None:
    talk = Talk(mode=mode)
    talk.say(text)
    assert not talk.stopped
    assert not talk.written(SetStopped)


def test_a_second_stop_is_confirmed_briefly_and_recorded_too() -> None:
    talk = Talk()
    talk.say("stop")
    assert talk.say("STOP!") == [talk.text("stop-again")]
    assert len(consents(talk)) == 2


def test_questions_are_answered_after_stop() -> None:
    talk = Talk()
    talk.say("stop")
    assert talk.say("Rübenmiete")[0].startswith("Bitte abdecken.")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "word", ["START", "start", "Start!", "anmelden", "wieder anmelden", "Bitte wieder anmelden"]
)
def test_start_lifts_a_stop(word: str, mode: Mode) -> None:
    talk = Talk(mode=mode, stopped=True)
    assert talk.say(word)[0].startswith(talk.text("start"))
    assert not talk.stopped
    assert not consents(talk), "lifting a stop is no consent"


@pytest.mark.parametrize(
    "text", ["/start", "/start abc", "Hallo", "Menü", "ja", "restarted", "abmelden", "Wann geht es los?"]
)
def test_nothing_else_lifts_a_stop(text: str) -> None:
    talk = Talk(stopped=True)
    talk.say(text)
    assert talk.stopped


def test_a_deep_link_lifts_no_stop() -> None:
    talk = Talk(stopped=True)
    talk.say("start", start_code="poster")
    assert talk.stopped


def test_start_without_a_stop_shows_the_menu() -> None:
    talk = Talk()
    talk.say("start")
    assert talk.question.purpose == "menu"
    assert not talk.written(SetStopped)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("word", ["Datenschutz", "datenschutz bitte", "DSGVO", "privacy", "Privacy policy"])
def test_privacy_shows_the_notice_with_its_link(word: str, mode: Mode) -> None:
    [answer] = Talk(mode=mode).say(word)
    assert "https://example.org/datenschutz" in answer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("Meine Daten", "data-copy"),
        ("my data", "data-copy"),
        ("Ich möchte meine Daten einsehen", "data-copy"),
        ("Datenauskunft", "data-copy"),
        ("Welche Daten haben Sie über mich gespeichert?", "data-copy"),
        ("Lösche mich", "data-erasure"),
        ("Loesche mich!", "data-erasure"),
        ("Bitte löschen Sie meine Daten", "data-erasure"),
        ("meine Daten löschen", "data-erasure"),
        ("delete my data", "data-erasure"),
        ("Delete me", "data-erasure"),
    ],
)
def test_a_data_request_reaches_a_person_once_it_is_confirmed(text: str, purpose: str, mode: Mode) -> None:
    talk = Talk(mode=mode)
    assert talk.say(text) == [talk.text(purpose)]
    assert not talk.written(SetMode)
    assert talk.say("Ja") == [talk.text(f"{purpose}-confirmed")]
    assert "Monat" in talk.text(f"{purpose}-confirmed")
    [request] = talk.written(SetMode)
    assert (request.reason, request.urgent) == ("data_request", True)
    assert talk.mode == ("agent" if mode == "agent" else "waiting")


@pytest.mark.parametrize(
    "text", ["Meine Daten ändern", "Meine Daten sind falsch", "Bild löschen", "Lösche den Termin"]
)
def test_other_wishes_are_no_data_requests(text: str) -> None:
    talk = Talk()
    talk.say(text)
    assert not talk.questions or talk.question.purpose == "menu"


def test_a_data_request_can_be_dropped() -> None:
    talk = Talk()
    talk.say("Lösche mich")
    assert talk.tap(2) == [talk.text("data-request-dropped")]
    assert not talk.written(SetMode)


def test_yes_after_somebody_else_wrote_confirms_no_erasure() -> None:
    talk = Talk(mode="agent")
    talk.say("Lösche mich")
    talk.hear()
    talk.say("Ja")
    assert not talk.written(SetMode)


def test_a_tap_on_an_option_that_reads_like_stop_only_answers_its_question() -> None:
    talk = Talk()
    talk.say("Lösche mich")
    talk.say("stop", choice=f"{talk.question.code}.2")
    assert not talk.stopped


def test_a_message_of_blank_lines_stops_nothing_and_holds_nobody_up() -> None:
    talk = Talk()
    talk.say("stop" + "\n " * 30_000 + "by tomorrow")
    assert not talk.stopped


def test_a_start_that_was_said_before_the_stop_and_arrives_after_it_lifts_nothing() -> None:
    talk = Talk()
    talk.say("STOP")
    talk.stopped_at_ms = talk.now_ms + 1
    assert talk.say("START") == [talk.text("stop-again")]
    assert talk.stopped
