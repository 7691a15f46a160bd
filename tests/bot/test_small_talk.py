"""Small talk and attachments: nobody is queued for a thank-you, and a photo is acknowledged once."""

import pytest

from bot.dialog import SetMode
from channels.message import ContactCard, Location, Media
from tests.bot.talk import Talk

PHOTO = Media("image", "file-1")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Danke", "you-are-welcome"),
        ("Vielen Dank!", "you-are-welcome"),
        ("dankeschön 🙂", "you-are-welcome"),
        ("Super, vielen Dank und schönes Wochenende!", "you-are-welcome"),
        ("Danke für die schnelle Antwort", "you-are-welcome"),
        ("thank you very much", "you-are-welcome"),
        ("Hallo", "hello"),
        ("Grüß Gott", "hello"),
        ("Guten Morgen", "hello"),
        ("Hallo, ich habe eine Frage", "hello"),
        ("good morning", "hello"),
        ("Tschüss", "goodbye"),
        ("Schönen Feierabend", "goodbye"),
        ("Wer bist du?", "who"),
        ("Sind Sie ein Mensch?", "who"),
        ("Hallo, bist du ein Bot?", "who"),
        ("are you a robot", "who"),
    ],
)
def test_kind_words_get_one_back(text: str, key: str) -> None:
    talk = Talk()
    assert talk.say(text) == [talk.text(key)]
    assert not talk.written(SetMode)


@pytest.mark.parametrize(
    "text", ["ok", "OK!", "👍", "👍🏽👍🏽", "🙂", "Alles klar", "passt", "gut", "prima", "...", "Ups"]
)
def test_nods_and_emoji_are_left_at_that(text: str) -> None:
    talk = Talk()
    assert talk.say(text) == []
    assert not talk.written(SetMode)


def test_one_friendly_word_in_half_an_hour_is_enough() -> None:
    talk = Talk()
    assert talk.say("Danke")
    talk.wait(29)
    assert talk.say("Danke nochmal, super, danke") == []
    assert talk.say("vielen Dank") == []
    talk.wait(2)
    assert talk.say("Danke") == [talk.text("you-are-welcome")]


@pytest.mark.parametrize(
    "text", ["Danke, wann kommt die Abfuhr?", "Ok aber wann", "Gute Rüben", "Morgen Abfuhr"]
)
def test_a_question_with_kind_words_is_a_question(text: str) -> None:
    talk = Talk()
    talk.say(text)
    assert "small_talk_at_ms" not in talk.memory


def test_a_first_greeting_is_answered_with_the_notice_and_the_menu() -> None:
    talk = Talk(greeted=False)
    greeting, menu = talk.say("Moin")
    assert greeting == talk.text("greeting")
    assert menu.startswith(talk.text("menu"))
    assert talk.greeted


def test_a_first_emoji_gets_the_notice_alone() -> None:
    talk = Talk(greeted=False)
    assert talk.say("👋") == [talk.text("greeting")]


def test_asking_whether_somebody_is_there_opens_the_menu() -> None:
    talk = Talk()
    talk.say("Danke")
    assert talk.say("Hallo?")
    assert talk.question.purpose == "menu"


def test_a_sticker_gets_no_answer() -> None:
    assert Talk().send(media=Media("sticker", "s")) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"media": PHOTO}, "image"),
        ({"media": Media("video", "v")}, "video"),
        ({"media": Media("voice", "v")}, "voice"),
        ({"media": Media("audio", "a")}, "audio"),
        ({"media": Media("document", "d")}, "document"),
        ({"location": Location(49.0, 10.0)}, "location"),
        ({"contact_card": ContactCard("Hof Muster")}, "contact"),
        ({"unsupported": "poll"}, "unsupported"),
    ],
)
def test_what_arrives_without_words_is_acknowledged_and_asked_about(
    fields: dict[str, object], kind: str
) -> None:
    talk = Talk()
    assert talk.send(**fields) == [talk.text("attachment", received=talk.text(f"received-{kind}"))]
    assert talk.titles == ["Feld", "Abrechnung", "Anderes Anliegen"]
    assert talk.say("Abrechnung") == ["a person (billing)"]


def test_several_photos_are_acknowledged_once() -> None:
    talk = Talk()
    assert talk.send(media=PHOTO, album="a")
    talk.wait(5)
    assert talk.send(media=PHOTO, album="a") == []
    assert talk.send(media=PHOTO) == []
    talk.wait(0.9)
    assert talk.send(media=PHOTO) == []
    talk.wait(1.1)
    assert talk.send(media=PHOTO)


def test_photos_that_follow_leave_the_question_open() -> None:
    talk = Talk()
    talk.send(media=PHOTO)
    talk.send(media=PHOTO)
    assert talk.say("1") == ["a person (field)"]


def test_a_photo_with_words_is_not_asked_about() -> None:
    assert Talk().say("Was ist das für ein Käfer?", media=PHOTO) == []
