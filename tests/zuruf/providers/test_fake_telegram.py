"""The fake Telegram behaves like the real one wherever a gateway could notice."""

import asyncio
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from telegram import Bot, Update

from tests.zuruf.providers.receiver import NORA, SECRET, TOM, Call, Gateway
from zuruf.demo.providers.faults import Answer, Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram import FakeTelegram


async def test_a_text_reaches_the_webhook_with_the_secret_and_gets_its_tick(
    telegram: FakeTelegram, gateway: Gateway
) -> None:
    said = telegram.say(telegram.chat(NORA, "Nora", "de"), "Hallo *du* <b>da</b>")
    assert not said.accepted
    await telegram.until(lambda: said.accepted)
    message = gateway.updates[0]["message"]
    assert (message["text"], message["chat"]["id"], message["from"]["language_code"]) == (
        "Hallo *du* <b>da</b>",
        NORA,
        "de",
    )
    assert gateway.secrets == {SECRET}


async def test_an_update_that_is_refused_comes_again_and_holds_back_its_own_chat_only(
    telegram: FakeTelegram, gateway: Gateway
) -> None:
    refusals = 3
    nora, tom = telegram.chat(NORA), telegram.chat(TOM)

    def refuse(update: dict[str, Any]) -> bool:
        nonlocal refusals
        is_first = bool(update["message"]["text"] == "first")
        refusals -= is_first
        return is_first and refusals >= 0

    gateway.refuse = refuse
    telegram.say(nora, "first")
    last = telegram.say(nora, "second")
    other = telegram.say(tom, "elsewhere")
    await telegram.until(lambda: last.accepted and other.accepted)
    assert [text for text in gateway.texts() if text != "elsewhere"] == ["first"] * 4 + ["second"]
    assert len({update["update_id"] for update in gateway.updates}) == 3


async def test_a_redelivered_update_carries_the_same_id(telegram: FakeTelegram, gateway: Gateway) -> None:
    nora = telegram.chat(NORA)
    assert not telegram.redeliver_last(nora)
    said = telegram.say(nora, "once")
    await telegram.until(lambda: said.accepted)
    assert telegram.redeliver_last(nora)
    await telegram.until(lambda: telegram.updates.pending == 0)
    assert gateway.updates[0] == gateway.updates[1]


async def test_polling_hands_out_updates_until_they_are_confirmed(telegram: FakeTelegram, call: Call) -> None:
    nora = telegram.chat(NORA)
    first, second = telegram.say(nora, "one"), telegram.say(nora, "two")
    updates = (await call("getUpdates", limit=1))["result"]
    assert [update["message"]["text"] for update in updates] == ["one"]
    assert (await call("getUpdates", limit=1))["result"] == updates
    rest = (await call("getUpdates", offset=updates[0]["update_id"] + 1))["result"]
    assert [update["message"]["text"] for update in rest] == ["two"]
    assert (first.accepted, second.accepted) == (True, False)


async def test_a_waiting_poller_wakes_up_and_gives_way_to_a_newer_one(
    telegram: FakeTelegram, call: Call
) -> None:
    older = asyncio.create_task(call("getUpdates", timeout=30))
    await telegram.until(lambda: telegram.updates.is_polled)
    newer = asyncio.create_task(call("getUpdates", timeout=30))
    refusal = await older
    assert (refusal["error_code"], "terminated by other getUpdates" in refusal["description"]) == (409, True)
    telegram.say(telegram.chat(NORA), "awake")
    assert (await newer)["result"][0]["message"]["text"] == "awake"


async def test_polling_and_webhook_exclude_each_other(
    telegram: FakeTelegram, gateway: Gateway, call: Call
) -> None:
    assert (await call("getUpdates"))["error_code"] == 409
    assert (await call("getWebhookInfo"))["result"]["url"] == gateway.url
    await call("deleteWebhook")
    assert (await call("getUpdates"))["result"] == []
    assert (await call("getWebhookInfo"))["result"]["url"] == ""


async def test_updates_go_to_this_machine_only(call: Call) -> None:
    assert (await call("setWebhook", url="https://example.org/hook"))["error_code"] == 400


async def test_reactions_come_only_when_asked_for(
    telegram: FakeTelegram, gateway: Gateway, call: Call
) -> None:
    nora = telegram.chat(NORA)
    said = telegram.say(nora, "hello")
    telegram.react(nora, said, "👍")
    await telegram.until(lambda: said.accepted)
    await call("setWebhook", url=gateway.url, allowed_updates=["message", "message_reaction"])
    telegram.react(nora, said, "")
    await telegram.until(lambda: len(gateway.updates) == 2)
    reaction = gateway.updates[1]["message_reaction"]
    assert reaction["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    assert reaction["new_reaction"] == []


async def test_a_tap_is_told_once_and_answered_once(
    telegram: FakeTelegram, gateway: Gateway, call: Call
) -> None:
    nora = telegram.chat(NORA)
    markup = {"inline_keyboard": [[{"text": "Ja", "callback_data": "yes"}]]}
    await call("sendMessage", chat_id=NORA, text="Kommen Sie?", reply_markup=markup)
    query = telegram.tap(nora, nora.from_bot[0], "Ja")
    await telegram.until(lambda: telegram.updates.pending == 0)
    told = gateway.updates[0]["callback_query"]
    assert (told["id"], told["data"], told["message"]["text"]) == (query, "yes", "Kommen Sie?")
    assert (await call("answerCallbackQuery", callback_query_id=query))["ok"]
    again = await call("answerCallbackQuery", callback_query_id=query)
    assert "query is too old" in again["description"]


async def test_the_bot_edits_and_deletes_its_own_messages(telegram: FakeTelegram, call: Call) -> None:
    nora = telegram.chat(NORA)
    sent = (await call("sendMessage", chat_id=NORA, text="Mittwoch"))["result"]["message_id"]
    edit = {"chat_id": NORA, "message_id": sent, "text": "Donnerstag"}
    assert (await call("editMessageText", **edit))["result"]["text"] == "Donnerstag"
    assert "message is not modified" in (await call("editMessageText", **edit))["description"]
    assert (await call("deleteMessage", chat_id=NORA, message_id=sent))["ok"]
    assert telegram.transcript(nora) == []
    assert len(nora.from_bot) == 1
    said = telegram.say(nora, "meins")
    refusal = await call("deleteMessage", chat_id=NORA, message_id=said.message_id)
    assert "can't be deleted" in refusal["description"]


async def test_too_many_messages_in_a_second_are_told_when_to_come_again(
    telegram: FakeTelegram, call: Call
) -> None:
    nora, tom = telegram.chat(NORA), telegram.chat(TOM)
    telegram.flood_limit.messages_per_chat_s = 1
    first, second = [await call("sendMessage", chat_id=NORA, text="x") for _ in range(2)]
    assert first["ok"]
    assert second["parameters"] == {"retry_after": 1}
    assert (await call("sendMessage", chat_id=TOM, text="x"))["ok"]
    assert (len(nora.from_bot), len(tom.from_bot)) == (1, 1)


async def test_a_planned_answer_is_given_instead_and_nothing_is_sent(
    telegram: FakeTelegram, session: aiohttp.ClientSession
) -> None:
    nora = telegram.chat(NORA)
    sample = {"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html>502 Bad Gateway</html>"}
    telegram.faults.plan(Fault(answer=Answer.from_sample(sample), methods=frozenset({"sendMessage"})))
    url = f"{telegram.url}/bot{telegram.token}"
    for method, status, kind in (
        ("getMe", 200, "application/json"),
        ("sendMessage", 502, "text/html"),
        ("sendMessage", 200, "application/json"),
    ):
        async with session.post(f"{url}/{method}", data={"chat_id": str(NORA), "text": "x"}) as answer:
            assert (answer.status, answer.content_type) == (status, kind)
    assert len(nora.from_bot) == 1
    assert telegram.calls["sendMessage", 502] == 1


@pytest.mark.parametrize(("fault", "delivered"), [(Fault(loses_reply=True), 1), (Fault(cuts=True), 0)])
async def test_a_cut_connection_leaves_open_whether_the_message_arrived(
    telegram: FakeTelegram, call: Call, fault: Fault, delivered: int
) -> None:
    nora = telegram.chat(NORA)
    telegram.faults.plan(fault)
    with pytest.raises(aiohttp.ClientConnectionError):
        await call("sendMessage", chat_id=NORA, text="x")
    assert len(nora.from_bot) == delivered
    assert (await call("sendMessage", chat_id=NORA, text="y"))["ok"]


async def test_a_provider_that_is_down_refuses_connections_and_holds_updates_back(
    telegram: FakeTelegram, gateway: Gateway, call: Call
) -> None:
    url = telegram.url
    await telegram.go_down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await call("getMe")
    said = telegram.say(telegram.chat(NORA), "Hört mich jemand?")
    await asyncio.sleep(0)
    assert not said.accepted
    await telegram.come_up()
    await telegram.until(lambda: said.accepted)
    assert telegram.url == url
    assert (await call("getMe"))["ok"]


async def test_files_travel_both_ways(
    telegram: FakeTelegram, gateway: Gateway, call: Call, session: aiohttp.ClientSession
) -> None:
    nora = telegram.chat(NORA)
    telegram.send_photo(nora, b"\xff\xd8field", caption="Rost?")
    telegram.send_voice(nora, b"OggS", duration_s=4)
    telegram.send_document(nora, Upload("Lieferschein Ü.pdf", "application/pdf", b"%PDF"))
    await telegram.until(lambda: telegram.updates.pending == 0)
    photo, voice, document = (update["message"] for update in gateway.updates)
    assert (photo["caption"], voice["voice"]["duration"]) == ("Rost?", 4)
    assert document["document"]["file_name"] == "Lieferschein Ü.pdf"
    stored = (await call("getFile", file_id=photo["photo"][-1]["file_id"]))["result"]
    async with session.get(f"{telegram.url}/file/bot{telegram.token}/{stored['file_path']}") as answer:
        assert await answer.read() == b"\xff\xd8field"

    form = aiohttp.FormData({"chat_id": str(NORA), "caption": "<b>Rübe</b>", "parse_mode": "HTML"})
    form.add_field("photo", b"\x89PNG", filename="beet.png", content_type="image/png")
    async with session.post(f"{telegram.url}/bot{telegram.token}/sendPhoto", data=form) as answer:
        sent = (await answer.json())["result"]
    assert (sent["caption"], sent["caption_entities"][0]["type"]) == ("Rübe", "bold")
    again = await call("sendPhoto", chat_id=NORA, photo=sent["photo"][0]["file_id"])
    assert again["result"]["photo"] == sent["photo"]
    unknown = await call("sendDocument", chat_id=NORA, document="https://example.org/x.pdf")
    assert "failed to get HTTP URL content" in unknown["description"]


async def test_the_usual_client_library_understands_every_update(
    telegram: FakeTelegram, gateway: Gateway
) -> None:
    nora = telegram.chat(NORA, last_name="Beispiel")
    said = telegram.say(nora, "Hallo")
    telegram.say(nora, "dazu", reply_to=said.message_id)
    telegram.edit(nora, said, "Hallo!")
    telegram.send_location(nora, 49.66, 10.07)
    telegram.send_contact(nora, "+493023125001")
    telegram.block(nora)
    await telegram.until(lambda: telegram.updates.pending == 0)
    async with Bot(
        telegram.token, base_url=f"{telegram.url}/bot", base_file_url=f"{telegram.url}/file/bot"
    ) as bot:
        updates = [Update.de_json(body, bot) for body in gateway.updates]
        kinds = [update.effective_message and bool(update.effective_message.text) for update in updates]
        assert kinds == [True, True, True, False, False, None]
        own = updates[4].message
        assert own is not None
        assert own.contact is not None
        assert own.contact.user_id == NORA
        telegram.unblock(nora)
        sent = await bot.send_message(NORA, "<b>Guten</b> Tag", parse_mode="HTML")
        assert (sent.text, sent.entities[0].type) == ("Guten Tag", "bold")


async def test_a_file_of_two_megabytes_is_taken(telegram: FakeTelegram) -> None:
    telegram.chat(NORA)
    form = aiohttp.FormData()
    form.add_field("chat_id", str(NORA))
    form.add_field("document", BytesIO(bytes(2 * 1024 * 1024)), filename="plan.pdf")
    url = f"{telegram.url}/bot{telegram.token}/sendDocument"
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as answer:
        assert answer.status == 200
