"""Moving to a new phone or messenger: when a code is given out, what counts as one, and what it leads to."""

import math
import re
from typing import Any

import pytest

from bot import moving
from bot.dialog import ChooseLanguage, GiveMoveCode, Mode, MoveHere, Origin, Reply
from channels.message import Identifier, InboundMessage, Sender
from tests.bot.talk import MENU, ONE_MINUTE_MS, Talk, content, row

CODE = "KC7QF-T43MX"
PLAIN = "KC7QFT43MX"
OLD_CHAT = Origin("telegram", "de", language_chosen=False, is_ours=False)
ONE_DAY_MINUTES = 24 * 60

WISHES = (
    "Umzug",
    "umzug!",
    "Ich möchte umziehen",
    "neue Nummer",
    "Neue Nummer",
    "Ich habe eine neue Nummer",
    "neues Handy",
    "Hallo, ich habe ein neues Handy",
    "neues Smartphone",
    "anderer Messenger",
    "anderer Mesenger",
    "Messenger wechseln",
    "Ich möchte zu Threema wechseln",
    "move",
    "Moving",
    "new phone",
    "I have got a new phone",
    "new number",
    "switch messenger",
    "Please switch to Telegram",
    "another messenger",
)
NO_WISHES = (
    "Umzug melden",
    "Umzug der Miete",
    "Wann zieht die Miete um?",
    "Können wir die Rüben auf Schlag 4 umziehen?",
    "move the clamp",
    "Can we move the beets to field 4?",
    "moving date of the harvester",
    "Ich habe eine neue Handynummer",
    "Neue Telefonnummer melden",
    "neue Nummer vom Vertrag 4711",
    "new number of tonnes",
    "report a new phone number",
    "neue Adresse",
    "neues Saatgut",
    "Nummer",
    "Telefon",
    "Handy",
    "WhatsApp",
    "neu",
    "anderer",
    "wechseln",
    "",
)
CODES = (
    CODE,
    CODE.lower(),
    PLAIN,
    "KC7QF T43MX",
    "  kc7qf – t43mx. ",
    "KC7-QFT-43MX",
    "k c 7 q f t 4 3 m x",
    "*KC7QF-T43MX*",
    "Code KC7QF-T43MX",
    "Mein Code ist KC7QF-T43MX",
    "Umzugscode: kc7qft43mx",
    "Hallo, hier der Code: KC7QF-T43MX, danke",
    "my code is KC7QF-T43MX please",
)
NO_CODES = (
    "Vertrag 4711",
    "1234567890",
    "K123456789",
    "DE12 3456 7890 1234 5678 90",
    "RB 4711 2026",
    "WÜ-AB 123",
    "bezahlbare",
    "Abrechnung",
    "KC7QF",
    "KC7QF-T43MX und KC7QF-T43MX",
    "Was bedeutet KC7QF-T43MX?",
    f"{CODE} {'bitte ' * 20}",
)


def moved(talk: Talk) -> list[Any]:
    return talk.written(MoveHere)


def texted(text: str, **fields: Any) -> InboundMessage:
    return InboundMessage("1", Sender((Identifier("chat", "anna"),)), "1", 1, text=text, **fields)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("mode", ["bot", "waiting"])
def test_a_wish_to_move_gets_a_code_in_a_bubble_of_its_own(wish: str, mode: Mode) -> None:
    talk = Talk(mode=mode)
    explained, code = talk.say(wish)
    assert explained == talk.text("move", minutes="60")
    assert talk.mode == mode
    [given] = talk.written(GiveMoveCode)
    assert code.replace("-", "") == given.code
    assert given.lives_ms == 60 * ONE_MINUTE_MS


@pytest.mark.parametrize("text", NO_WISHES)
def test_ordinary_sentences_get_no_code(text: str) -> None:
    talk = Talk()
    talk.say(text)
    assert talk.written(GiveMoveCode) == []


def test_nothing_but_text_asks_for_a_code() -> None:
    talk = Talk()
    talk.send(choice="q1.1")
    talk.say("Umzug", location=None, media=None, choice="q1.1")
    assert talk.written(GiveMoveCode) == []


def test_what_an_agent_is_told_about_moving_is_the_agents_to_answer() -> None:
    talk = Talk(mode="agent")
    talk.say("neues Handy")
    assert talk.written(GiveMoveCode) == []


def test_an_option_on_offer_wins_over_the_word() -> None:
    offered = row("numbers", "Neue Nummer", "New number", text={"de": "Im Portal.", "en": "In the portal."})
    talk = Talk(content=content(rows={**MENU, "numbers": offered}))
    talk.say("Menü")
    [answer] = talk.say("neue Nummer")
    assert answer.startswith("Im Portal.")


def test_a_menu_row_may_lead_to_a_code() -> None:
    talk = Talk(content=content(rows={**MENU, "move": row("move", "Wechsel", "Change", leads_to="move")}))
    talk.say("Menü")
    talk.say("Wechsel")
    assert len(talk.written(GiveMoveCode)) == 1


def test_codes_are_hard_to_guess_and_easy_to_read() -> None:
    assert math.prod(map(len, moving.GROUP * 2)) >= 2**40
    codes = {moving.make_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert not set("".join(codes)) & set("0O1IL2Z5S8B") - set("258")
    for code in codes:
        assert re.sub(r"\d", "#", code[2] + code[7]) == "##"
        assert moving.code_in(texted(f"{code[:5]}-{code[5:]}")) == code


@pytest.mark.parametrize("text", CODES)
def test_a_code_is_recognised_however_it_is_typed(text: str) -> None:
    assert moving.code_in(texted(text)) == PLAIN


@pytest.mark.parametrize("text", NO_CODES)
def test_what_only_looks_like_a_code_is_none(text: str) -> None:
    assert moving.code_in(texted(text)) is None


def test_a_good_code_moves_the_contact_here_and_both_chats_are_told() -> None:
    talk = Talk(origin=OLD_CHAT)
    assert talk.say(CODE) == [talk.text("moved", messenger="Telegram")]
    notice = talk.content.say("move-notice", "de", messenger="WhatsApp")
    assert moved(talk) == [MoveHere(PLAIN, Reply(notice))]
    assert talk.written(ChooseLanguage) == []


def test_the_old_chats_choice_of_a_language_comes_along_at_once() -> None:
    talk = Talk(origin=Origin("threema", "en", language_chosen=True, is_ours=False), greeted=False)
    greeting, answer = talk.say(CODE)
    assert greeting == talk.content.say("greeting", "en")
    assert answer == talk.content.say("moved", "en", messenger="Threema")
    [move] = moved(talk)
    assert move.notice.text == talk.content.say("move-notice", "en", messenger="WhatsApp")


def test_the_old_chat_is_told_in_its_own_language_even_where_that_is_a_guess() -> None:
    talk = Talk(origin=Origin("telegram", "en", language_chosen=False, is_ours=False))
    assert talk.say(CODE) == [talk.text("moved", messenger="Telegram")]
    [move] = moved(talk)
    assert move.notice.text == talk.content.say("move-notice", "en", messenger="WhatsApp")


@pytest.mark.parametrize("mode", ["waiting", "agent"])
def test_a_code_works_beside_people_and_leaves_the_chat_to_them(mode: Mode) -> None:
    talk = Talk(origin=OLD_CHAT, mode=mode)
    key = "moved-briefly" if mode == "agent" else "moved"
    assert talk.say(CODE) == [talk.text(key, messenger="Telegram")]
    assert len(moved(talk)) == 1
    assert talk.mode == mode


def test_a_code_of_ones_own_moves_nothing() -> None:
    talk = Talk(origin=Origin("telegram", "de", language_chosen=False, is_ours=True))
    assert talk.say(CODE) == [talk.text("move-is-here")]
    assert moved(talk) == []


def test_after_five_wrong_codes_in_a_day_even_a_good_one_is_not_looked_at() -> None:
    talk = Talk()
    for _ in range(4):
        assert talk.say(CODE) == [talk.text("move-unknown")]
    assert talk.say(CODE) == [talk.text("move-locked")]
    assert talk.titles == [talk.text("person")]
    talk.origin = OLD_CHAT
    assert talk.say(CODE) == []
    assert moved(talk) == []
    talk.wait(ONE_DAY_MINUTES)
    assert talk.say(CODE) == [talk.text("moved", messenger="Telegram")]


def test_a_person_is_one_tap_away_when_codes_are_not_looked_at_any_more() -> None:
    talk = Talk()
    for _ in range(5):
        talk.say(CODE)
    assert talk.tap(1) == ["a person ()"]


def test_wrong_codes_of_yesterday_are_forgotten() -> None:
    talk = Talk()
    for _ in range(10):
        assert talk.say(CODE) == [talk.text("move-unknown")]
        talk.wait(ONE_DAY_MINUTES / 4)


def test_a_wrong_code_in_an_agents_chat_is_counted_in_silence() -> None:
    talk = Talk(mode="agent")
    assert [talk.say(CODE) for _ in range(5)] == [[]] * 5
    talk.origin = OLD_CHAT
    assert talk.say(CODE) == []
    assert moved(talk) == []


@pytest.mark.parametrize(
    ("channel", "name"),
    [("whatsapp", "WhatsApp"), ("whatsapp-nord", "WhatsApp"), ("threema", "Threema"), ("signal", "Signal")],
)
def test_messengers_are_called_what_people_call_them(channel: str, name: str) -> None:
    assert moving.messenger(channel) == name
