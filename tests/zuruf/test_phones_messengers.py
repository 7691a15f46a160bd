"""What tells the three virtual phones apart, in a browser."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.zuruf.phones_stage import ANNAS, NORAS, TOMS, ScriptedBot, phone_of, switch_of
from zuruf.demo.phones_acts import Messenger
from zuruf.demo.phones_view import faults_view
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio


@pytest.mark.browser
async def test_three_buttons_below_a_whatsapp_bubble_answer_when_tapped(
    page: Page, whatsapp: FakeTwilio
) -> None:
    chat, tom = whatsapp.chat("+493023125002"), phone_of(page, TOMS)
    asked = whatsapp.chats.write(
        chat,
        from_bot=True,
        text="Konnten wir helfen?",
        keyboard=[[{"text": title, "callback_data": title[0]}] for title in ("Ja", "Teilweise", "Nein")],
    )
    buttons = tom.locator(".keyboard button")
    await expect(buttons).to_have_text(["Ja", "Teilweise", "Nein"])
    await buttons.nth(1).click()
    await expect(tom.locator(".mine .said")).to_contain_text("Teilweise")
    await expect(tom.locator(".mine .quote")).to_contain_text("Konnten wir helfen?")
    assert chat.transcript[-1].reply_to == asked.message_id
    assert whatsapp.last_forms[chat.chat_id]["ButtonPayload"] == "T"


@pytest.mark.browser
async def test_a_whatsapp_list_opens_over_the_chat_and_sends_the_chosen_row(
    page: Page, whatsapp: FakeTwilio
) -> None:
    chat, tom = whatsapp.chat("+493023125002"), phone_of(page, TOMS)
    rows = [
        {"id": "prices", "title": "Preise", "description": "Rübenpreis und Zuschläge"},
        {"id": "person", "title": "Mitarbeiter", "description": ""},
    ]
    picker = {"button": "Themen", "rows": rows}
    whatsapp.chats.write(chat, from_bot=True, text="Worum geht es?", picker=picker)
    await tom.get_by_role("button", name="Themen").click()
    sheet = tom.get_by_role("dialog", name="Themen")
    await expect(sheet.locator("label")).to_have_text(["PreiseRübenpreis und Zuschläge", "Mitarbeiter"])
    await expect(sheet.get_by_role("radio").first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(sheet.get_by_role("button", name="Senden")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(sheet.get_by_role("button", name="Abbrechen")).to_be_focused()
    await sheet.get_by_role("button", name="Senden").click()
    await expect(sheet).to_have_count(0)
    await expect(tom.locator(".mine .said")).to_contain_text("Mitarbeiter")
    assert whatsapp.last_forms[chat.chat_id]["ListId"] == "person"


@pytest.mark.browser
async def test_marks_become_formatting_on_whatsapp_and_threema_and_stay_marks_on_telegram(
    page: Page, telegram: FakeTelegram, whatsapp: FakeTwilio, threema: FakeThreema
) -> None:
    for provider in (telegram, whatsapp, threema):
        chat = next(iter(provider.chats))
        provider.chats.write(chat, from_bot=True, text="*36,00* _je_ ~Zentner~ Tonne")
    for name in (TOMS, ANNAS):
        said = phone_of(page, name).locator(".theirs .said")
        await expect(said.locator("strong")).to_have_text("36,00")
        await expect(said.locator("em")).to_have_text("je")
        await expect(said.locator("s")).to_have_text("Zentner")
    await expect(phone_of(page, NORAS).locator(".theirs .said")).to_contain_text("*36,00* _je_")


@pytest.mark.browser
async def test_each_messenger_offers_what_it_can_do_with_a_message(
    page: Page, telegram: FakeTelegram, whatsapp: FakeTwilio, threema: FakeThreema, bot: ScriptedBot
) -> None:
    offered = {
        NORAS: ["Antworten", "Daumen hoch", "Kopieren", "Bearbeiten"],
        TOMS: ["Antworten", "Kopieren"],
        ANNAS: ["Antworten", "Daumen hoch", "Daumen runter", "Kopieren", "Bearbeiten", "Löschen"],
    }
    providers: dict[str, Messenger] = {NORAS: telegram, TOMS: whatsapp, ANNAS: threema}
    for name, choices in offered.items():
        providers[name].say(next(iter(providers[name].chats)), "Hallo")
        phone = phone_of(page, name)
        await phone.locator(".mine .more").focus()
        await page.keyboard.press("Enter")
        await expect(phone.locator(".menu button")).to_have_text(choices)
        await page.keyboard.press("Escape")


@pytest.mark.browser
async def test_words_are_copied_from_one_phone_to_another(
    page: Page, whatsapp: FakeTwilio, threema: FakeThreema
) -> None:
    whatsapp.chats.write(whatsapp.chat("+493023125002"), from_bot=True, text="C83VD-HN4FP")
    tom, anna = phone_of(page, TOMS), phone_of(page, ANNAS)
    await tom.locator(".theirs .more").focus()
    await page.keyboard.press("Enter")
    await tom.locator(".menu").get_by_role("button", name="Kopieren").press("Enter")
    await expect(tom.locator(".toast")).to_have_text("Kopiert")
    await anna.locator("textarea").focus()
    await page.keyboard.press("Control+v")
    await expect(anna.locator("textarea")).to_have_value("C83VD-HN4FP")


@pytest.mark.browser
async def test_on_threema_words_are_taken_back_and_thumbs_point_both_ways(
    page: Page, threema: FakeThreema
) -> None:
    chat, anna = next(iter(threema.chats)), phone_of(page, ANNAS)
    answer = threema.chats.write(chat, from_bot=True, text="1 Ja\n2 Nein")
    said = threema.say(chat, "zwei")

    async def choose(side: str, what: str) -> None:
        await anna.locator(f"{side} .more").focus()
        await page.keyboard.press("Enter")
        await anna.locator(".menu").get_by_role("button", name=what).press("Enter")

    await choose(".theirs", "Daumen runter")
    await expect(anna.locator(".theirs .reaction use")).to_have_attribute("href", re.compile("#thumb-down$"))
    assert answer.reaction == "👎"
    await choose(".theirs", "Daumen zurücknehmen")
    await expect(anna.locator(".theirs .reaction")).to_have_count(0)
    await choose(".mine", "Löschen")
    await expect(anna.locator(".mine")).to_have_count(0)
    assert said.deleted


@pytest.mark.browser
@pytest.mark.parametrize("name", ["down", "lost", "flood", "slow", "late"])
async def test_a_trouble_befalls_one_messenger_and_leaves_the_others_alone(
    page: Page, threema: FakeThreema, whatsapp: FakeTwilio, name: str
) -> None:
    switch = switch_of(page, name, "threema")
    await switch.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(page.locator("[data-fault][aria-checked=true]")).to_have_count(1)
    presence = "Verbindung wird hergestellt …" if name == "down" else "*MUSTER1"
    await expect(phone_of(page, ANNAS).locator(".presence")).to_have_text(presence)
    assert {trouble for trouble, is_on in faults_view(threema).items() if is_on} == {name}
    assert not any(faults_view(whatsapp).values())
    await switch.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "false")


@pytest.mark.browser
async def test_whatsapps_window_is_told_beside_the_phone_and_closes_with_the_clock(
    page: Page, whatsapp: FakeTwilio
) -> None:
    chat, tom = whatsapp.chat("+493023125002"), phone_of(page, TOMS)
    await expect(tom.locator(".window")).to_be_hidden()
    whatsapp.say(chat, "Hallo")
    await expect(tom.locator(".window")).to_contain_text("24 h bis")
    await page.get_by_role("button", name="+1 Tag").click()
    await expect(tom.locator(".window")).to_have_text("24 h vorbei")
    whatsapp.say(chat, "Guten Morgen")
    await expect(tom.locator(".window")).to_contain_text("24 h bis")
    await page.get_by_role("button", name="Tom … die 24 Stunden um sind?").click()
    await expect(tom.locator(".window")).to_have_text("24 h vorbei")
    assert await page.locator(".phone .window").count() == 1


@pytest.mark.browser
async def test_an_empty_phone_offers_a_question_that_one_tap_asks(page: Page, threema: FakeThreema) -> None:
    anna = phone_of(page, ANNAS)
    await anna.get_by_role("button", name="Was kosten Schnizel?").click()
    await expect(anna.locator(".mine .said")).to_contain_text("Was kosten Schnizel?")
    await expect(anna.locator(".empty")).to_be_hidden()
