"""The page with the virtual phones, as it feels in a browser."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.clock import Clock
from tests.zuruf.phones_stage import ANNAS, HOSTILE, NORA, NORAS, TOMS, ScriptedBot
from zuruf.demo.phones_acts import SAMPLE_VOICE_S, Messenger
from zuruf.demo.phones_view import faults_view
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio


@pytest.fixture
async def page(browser: Browser, console: str, bot: ScriptedBot) -> AsyncIterator[Page]:
    """The page in German; whatever its console complains about fails the test."""
    opened = await browser.new_page(locale="de-DE")
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    await opened.goto(f"{console}/phones")
    await opened.locator("body[data-ready]").wait_for()
    yield opened
    await opened.close()
    assert complaints == []


def _phone(page: Page, name: str) -> Locator:
    return page.locator(f".phone[data-phone='{name}']")


def _switch(page: Page, fault: str, messenger: str = "telegram") -> Locator:
    return page.locator(f"[data-fault={fault}][data-messenger={messenger}]")


@pytest.mark.browser
async def test_a_chat_from_start_to_answer(page: Page) -> None:
    nora = _phone(page, NORAS)
    await nora.get_by_role("button", name="Starten").click()
    await nora.get_by_role("button", name="Auszahlung").click()
    await expect(nora.locator(".theirs strong")).to_have_text("3. Dezember")
    await expect(nora.locator("[aria-busy]")).to_have_count(0)
    await nora.get_by_label("Nachricht").last.fill("Wann ist Abfuhr?")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".theirs .quote")).to_contain_text("Wann ist Abfuhr?")
    await expect(nora.locator(".mine .tick.accepted")).to_have_count(2)
    await expect(_phone(page, TOMS).get_by_label("Nachricht").last).to_be_visible()


@pytest.mark.browser
async def test_everything_can_be_attached_and_is_shown(page: Page) -> None:
    nora = _phone(page, NORAS)
    await nora.get_by_role("button", name="Starten").click()
    shown = (
        ("Foto vom Feld", ".photo img"),
        ("Sprachnachricht", ".voice .wave"),
        ("Standort", "svg.map"),
        ("Meine Nummer", ".card"),
    )
    for label, selector in shown:
        await nora.get_by_role("button", name="Anhängen").click()
        await nora.get_by_role("button", name=label, exact=True).click()
        await expect(nora.locator(selector)).to_be_visible()
    loaded = await nora.locator(".photo img").evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )
    assert loaded > 0
    duration = await page.evaluate(
        """() => new Promise((done) => {
             const sound = new Audio(document.querySelector(".voice") && "/phones/static/sample-voice.ogg");
             sound.onloadedmetadata = () => done(sound.duration);
           })"""
    )
    assert round(duration) == SAMPLE_VOICE_S


@pytest.mark.browser
async def test_hostile_words_stay_words(page: Page, telegram: FakeTelegram, bot: ScriptedBot) -> None:
    nora = telegram.chat(NORA)
    telegram.say(nora, HOSTILE)
    await telegram.until(lambda: len(nora.from_bot) == 1)
    link = '<a href="javascript:document.title=3">da</a> <code>&lt;script&gt;</code>'
    await bot.call("sendMessage", chat_id=NORA, text=link, parse_mode="HTML")
    # Past the provider's own checks: the page must not rely on them.
    button = {"text": HOSTILE, "url": "javascript:document.title=4"}
    telegram.chats.write(nora, from_bot=True, text="?", keyboard=[[button]])
    telegram.send_document(nora, Upload(HOSTILE, "text/html", HOSTILE.encode()))
    phone = _phone(page, NORAS)
    await expect(phone.locator(".document strong")).to_have_text(HOSTILE)
    await expect(phone.locator(".mine .said").first).to_contain_text(HOSTILE)
    await expect(phone.locator(".said code")).to_have_text("<script>")
    await phone.locator(".keyboard button").click()
    assert await phone.locator("a[href^=javascript]").count() == 0
    assert await phone.locator(".bubbles script, .bubbles img").count() == 0
    assert await page.title() == "Virtuelle Telefone · Zuruf"


@pytest.mark.browser
async def test_messages_wait_visibly_while_the_messenger_is_down(page: Page, telegram: FakeTelegram) -> None:
    nora = _phone(page, NORAS)
    await nora.get_by_role("button", name="Starten").click()
    down = _switch(page, "down")
    await down.click()
    await expect(down).to_have_attribute("aria-checked", "true")
    assert telegram.is_down
    await nora.get_by_label("Nachricht").last.fill("Hört mich jemand?")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".tick.waiting")).to_have_count(1)
    await down.click()
    await expect(nora.locator(".tick.waiting")).to_have_count(0)
    await expect(nora.locator(".theirs").last).to_contain_text("Hört mich jemand?")


@pytest.mark.browser
async def test_each_trouble_shows_its_state_and_does_what_it_says(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.say(telegram.chat(NORA), "/start")
    await telegram.until(lambda: len(telegram.chat(NORA).from_bot) == 1)
    flood = _switch(page, "flood")
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "true")
    assert (await bot.call("sendMessage", chat_id=NORA, text="x"))["parameters"]["retry_after"] == 3
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "false")

    lost = _switch(page, "lost")
    await lost.click()
    await expect(lost).to_have_attribute("aria-checked", "true")
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.call("sendMessage", chat_id=NORA, text="zweimal?")
    await expect(_phone(page, NORAS).get_by_text("zweimal?")).to_be_visible()
    await expect(lost).to_have_attribute("aria-checked", "false")

    block = page.get_by_role("switch", name="Nora … uns jemand blockiert?")
    await block.click()
    await expect(block).to_have_attribute("aria-checked", "true")
    assert (await bot.call("sendMessage", chat_id=NORA, text="x"))["error_code"] == 403

    await telegram.until(lambda: "my_chat_member" in bot.updates[-1])
    seen = list(bot.updates)
    await page.locator("[data-once=redeliver]").first.click()
    await expect(page.get_by_text("noch einmal zugestellt")).to_be_visible()
    await telegram.until(lambda: bot.updates == [*seen, seen[-1]])


@pytest.mark.browser
async def test_own_words_can_be_edited_answered_and_liked_by_keyboard(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    chat = telegram.chat(NORA)
    said = telegram.say(chat, "Mittwohc")
    await telegram.until(lambda: len(chat.from_bot) == 1)
    nora = _phone(page, NORAS)
    await nora.locator(".mine .more").focus()
    await page.keyboard.press("Enter")
    await expect(nora.locator(".menu button").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(nora.locator(".mine .more")).to_be_focused()
    await page.keyboard.press("Enter")
    await nora.get_by_role("button", name="Bearbeiten").press("Enter")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Mittwoch")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".mine .said")).to_contain_text("Mittwoch")
    await expect(nora.locator(".mine .meta")).to_contain_text("bearbeitet")
    await nora.locator(".theirs .more").focus()
    await page.keyboard.press("Enter")
    await nora.get_by_role("button", name="Daumen hoch").press("Enter")
    await expect(nora.locator(".theirs .reaction")).to_be_visible()
    assert (said.text, chat.from_bot[0].reaction) == ("Mittwoch", "👍")


@pytest.mark.browser
async def test_what_the_bot_edits_or_deletes_changes_on_the_phone(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chat(NORA).started = True
    nora = _phone(page, NORAS)
    sent = (await bot.call("sendMessage", chat_id=NORA, text="Mittwoch"))["result"]["message_id"]
    await expect(nora.locator(".theirs")).to_contain_text("Mittwoch")
    await bot.call("editMessageText", chat_id=NORA, message_id=sent, text="Donnerstag")
    await expect(nora.locator(".theirs")).to_contain_text("Donnerstag")
    await bot.call("sendChatAction", chat_id=NORA, action="typing")
    await expect(nora.locator(".presence")).to_have_text("schreibt …")
    await bot.call("deleteMessage", chat_id=NORA, message_id=sent)
    await expect(nora.locator(".theirs")).to_have_count(0)


@pytest.mark.browser
async def test_the_clock_is_set_forward_on_all_phones(
    page: Page, telegram: FakeTelegram, clock: Clock, bot: ScriptedBot
) -> None:
    nora, before_ms = _phone(page, NORAS), clock.now_ms()
    telegram.say(telegram.chat(NORA), "heute")
    await expect(nora.locator(".day")).to_have_text("Heute")
    said = await page.locator(".business-time").text_content()
    await page.get_by_role("button", name="+1 Woche").click()
    await expect(page.locator(".business-time")).not_to_have_text(said or "")
    assert 7 * 24 * 3600 * 1000 <= clock.now_ms() - before_ms < 8 * 24 * 3600 * 1000
    await expect(nora.locator(".day")).not_to_have_text("Heute")
    telegram.say(telegram.chat(NORA), "eine Woche später")
    await expect(nora.locator(".day").last).to_have_text("Heute")


@pytest.mark.browser
async def test_a_small_screen_shows_one_phone_at_a_time(page: Page, whatsapp: FakeTwilio) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    whatsapp.say(next(iter(whatsapp.chats)), "Hello, " + "x" * 300)
    await expect(_phone(page, NORAS)).to_be_visible()
    await expect(_phone(page, TOMS)).to_be_hidden()
    await page.locator(f"[data-show='{TOMS}']").click()
    await expect(_phone(page, NORAS)).to_be_hidden()
    await expect(_phone(page, TOMS).locator(".mine")).to_contain_text("Hello")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    composer = await _phone(page, TOMS).locator(".composer").bounding_box()
    assert composer is not None
    assert composer["y"] + composer["height"] <= 740


@pytest.mark.browser
async def test_the_page_comes_back_after_a_broken_connection(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chats.dismiss_watchers()
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_visible()
    telegram.say(telegram.chat(NORA), "inzwischen")
    await expect(_phone(page, NORAS).locator(".mine")).to_contain_text("inzwischen", timeout=15_000)
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_hidden()


@pytest.mark.browser
async def test_three_buttons_below_a_whatsapp_bubble_answer_when_tapped(
    page: Page, whatsapp: FakeTwilio
) -> None:
    chat, tom = whatsapp.chat("+493023125002"), _phone(page, TOMS)
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
    chat, tom = whatsapp.chat("+493023125002"), _phone(page, TOMS)
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
        said = _phone(page, name).locator(".theirs .said")
        await expect(said.locator("strong")).to_have_text("36,00")
        await expect(said.locator("em")).to_have_text("je")
        await expect(said.locator("s")).to_have_text("Zentner")
    await expect(_phone(page, NORAS).locator(".theirs .said")).to_contain_text("*36,00* _je_")


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
        phone = _phone(page, name)
        await phone.locator(".mine .more").focus()
        await page.keyboard.press("Enter")
        await expect(phone.locator(".menu button")).to_have_text(choices)
        await page.keyboard.press("Escape")


@pytest.mark.browser
async def test_words_are_copied_from_one_phone_to_another(
    page: Page, whatsapp: FakeTwilio, threema: FakeThreema
) -> None:
    whatsapp.chats.write(whatsapp.chat("+493023125002"), from_bot=True, text="C83VD-HN4FP")
    tom, anna = _phone(page, TOMS), _phone(page, ANNAS)
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
    chat, anna = next(iter(threema.chats)), _phone(page, ANNAS)
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
    switch = _switch(page, name, "threema")
    await switch.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(page.locator("[data-fault][aria-checked=true]")).to_have_count(1)
    presence = "Verbindung wird hergestellt …" if name == "down" else "*MUSTER1"
    await expect(_phone(page, ANNAS).locator(".presence")).to_have_text(presence)
    assert {trouble for trouble, is_on in faults_view(threema).items() if is_on} == {name}
    assert not any(faults_view(whatsapp).values())
    await switch.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "false")


@pytest.mark.browser
async def test_whatsapps_window_is_told_beside_the_phone_and_closes_with_the_clock(
    page: Page, whatsapp: FakeTwilio
) -> None:
    chat, tom = whatsapp.chat("+493023125002"), _phone(page, TOMS)
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
    anna = _phone(page, ANNAS)
    await anna.get_by_role("button", name="Was kosten Schnizel?").click()
    await expect(anna.locator(".mine .said")).to_contain_text("Was kosten Schnizel?")
    await expect(anna.locator(".empty")).to_be_hidden()


@pytest.mark.browser
async def test_the_wire_names_the_messenger(page: Page, telegram: FakeTelegram, bot: ScriptedBot) -> None:
    telegram.say(telegram.chat(NORA), "Hallo")
    await expect(page.locator(".wire li", has_text="sendMessage").first).to_contain_text("→ Telegram")
    await expect(page.locator(".wire li", has_text="message").last).to_contain_text("Telegram →")


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 768, 900, 1024, 1280, 1440, 1920])
async def test_nothing_is_wider_than_the_screen(page: Page, whatsapp: FakeTwilio, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    whatsapp.say(next(iter(whatsapp.chats)), "Hallo")
    await expect(page.locator(".phone:visible")).to_have_count(3 if width >= 900 else 1)
    assert await page.evaluate("document.documentElement.scrollWidth") == width
