"""The page with the virtual phones, as it feels in a browser."""

import aiohttp
import pytest
from playwright.async_api import Page, expect

from bot.clock import Clock
from tests.zuruf.phones_stage import HOSTILE, NORA, NORAS, TOMS, ScriptedBot, phone_of, switch_of
from zuruf.demo.phones_acts import SAMPLE_VOICE_S
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.twilio import FakeTwilio


@pytest.mark.browser
async def test_a_chat_from_start_to_answer(page: Page) -> None:
    nora = phone_of(page, NORAS)
    await nora.get_by_role("button", name="Starten").click()
    await nora.get_by_role("button", name="Auszahlung").click()
    await expect(nora.locator(".theirs strong")).to_have_text("3. Dezember")
    await expect(nora.locator("[aria-busy]")).to_have_count(0)
    await nora.get_by_label("Nachricht").last.fill("Wann ist Abfuhr?")
    await page.keyboard.press("Enter")
    await expect(nora.locator(".theirs .quote")).to_contain_text("Wann ist Abfuhr?")
    await expect(nora.locator(".mine .tick.accepted")).to_have_count(2)
    await expect(phone_of(page, TOMS).get_by_label("Nachricht").last).to_be_visible()


@pytest.mark.browser
async def test_everything_can_be_attached_and_is_shown(page: Page) -> None:
    nora = phone_of(page, NORAS)
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
    phone = phone_of(page, NORAS)
    await expect(phone.locator(".document strong")).to_have_text(HOSTILE)
    await expect(phone.locator(".mine .said").first).to_contain_text(HOSTILE)
    await expect(phone.locator(".said code")).to_have_text("<script>")
    await phone.locator(".keyboard button").click()
    assert await phone.locator("a[href^=javascript]").count() == 0
    assert await phone.locator(".bubbles script, .bubbles img").count() == 0
    assert await page.title() == "Virtuelle Telefone · Zuruf"


@pytest.mark.browser
async def test_messages_wait_visibly_while_the_messenger_is_down(page: Page, telegram: FakeTelegram) -> None:
    nora = phone_of(page, NORAS)
    await nora.get_by_role("button", name="Starten").click()
    down = switch_of(page, "down")
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
    flood = switch_of(page, "flood")
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "true")
    assert (await bot.call("sendMessage", chat_id=NORA, text="x"))["parameters"]["retry_after"] == 3
    await flood.click()
    await expect(flood).to_have_attribute("aria-checked", "false")

    lost = switch_of(page, "lost")
    await lost.click()
    await expect(lost).to_have_attribute("aria-checked", "true")
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.call("sendMessage", chat_id=NORA, text="zweimal?")
    await expect(phone_of(page, NORAS).get_by_text("zweimal?")).to_be_visible()
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
    nora = phone_of(page, NORAS)
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
async def test_what_the_bot_edits_or_deletes_changes_on_thephone_of(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chat(NORA).started = True
    nora = phone_of(page, NORAS)
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
    nora, before_ms = phone_of(page, NORAS), clock.now_ms()
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
    await expect(phone_of(page, NORAS)).to_be_visible()
    await expect(phone_of(page, TOMS)).to_be_hidden()
    await page.locator(f"[data-show='{TOMS}']").click()
    await expect(phone_of(page, NORAS)).to_be_hidden()
    await expect(phone_of(page, TOMS).locator(".mine")).to_contain_text("Hello")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    composer = await phone_of(page, TOMS).locator(".composer").bounding_box()
    assert composer is not None
    assert composer["y"] + composer["height"] <= 740


@pytest.mark.browser
async def test_the_page_comes_back_after_a_broken_connection(
    page: Page, telegram: FakeTelegram, bot: ScriptedBot
) -> None:
    telegram.chats.dismiss_watchers()
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_visible()
    telegram.say(telegram.chat(NORA), "inzwischen")
    await expect(phone_of(page, NORAS).locator(".mine")).to_contain_text("inzwischen", timeout=15_000)
    await expect(page.get_by_text("Verbindung unterbrochen")).to_be_hidden()


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
