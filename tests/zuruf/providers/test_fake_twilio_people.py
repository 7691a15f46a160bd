"""The fake Twilio tells what people do in the very forms that Twilio posts."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.zuruf.providers.twilio_gateway import (
    MESSAGES,
    NORA,
    PROOF,
    SAMPLES,
    Gateway,
    heard,
    nora_at,
    talking,
)
from zuruf.demo.providers.chats import Chat, NoSuchButton
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.twilio import FakeTwilio

# What a form says anew each time, or what people of the fake do not say.
CHANGING = {
    "SmsMessageSid",
    "SmsSid",
    "MessageSid",
    "MediaUrl0",
    "OriginalRepliedMessageSid",
    "Address",
    "Label",
}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with talking() as opened:
        yield opened


@pytest.fixture
def twilio(gateway: Gateway) -> FakeTwilio:
    return gateway.provider


@pytest.fixture
def nora(twilio: FakeTwilio) -> Chat:
    return nora_at(twilio)


async def test_a_text_reaches_the_webhook_as_recorded_and_gets_its_tick(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    recorded = SAMPLES["text"]
    said = twilio.say(nora, dict(recorded["form"])["Body"])
    assert not said.accepted
    assert await heard(gateway) == dict(recorded["form"])
    assert said.accepted
    assert recorded["request"]["headers"].keys() <= gateway.heard[0].headers.keys()


async def sent_choices(gateway: Gateway, kind: str, shape: dict[str, Any]) -> None:
    _, created = await gateway.create(**{kind: {"body": "{{1}}", **shape}})
    assert (await gateway.send(ContentSid=created["sid"], ContentVariables='{"1":"Ja?"}', StatusCallback=""))[
        0
    ] == 201


def send_a_card(twilio: FakeTwilio, chat: Chat) -> None:
    twilio.send_contact(chat, "+493023125001", "Nora Beispiel")


DONE: dict[str, Callable[[FakeTwilio, Chat], Any]] = {
    "stop_keyword": lambda twilio, chat: twilio.say(chat, "STOP"),
    "image_caption": lambda twilio, chat: twilio.send_photo(chat, b"\xff\xd8", "my receipt"),
    "voice_note": lambda twilio, chat: twilio.send_voice(chat, b"OggS", 3),
    "document_pdf": lambda twilio, chat: twilio.send_document(
        chat, Upload("angebot.pdf", "application/pdf", b"%PDF")
    ),
    "contact_vcard": send_a_card,
}


@pytest.mark.parametrize("case", sorted(DONE))
async def test_what_people_send_is_told_with_the_recorded_fields(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat, case: str
) -> None:
    DONE[case](twilio, nora)
    form, recorded = await heard(gateway), dict(SAMPLES[case]["form"])
    assert recorded.keys() <= form.keys()
    assert _lasting(form, recorded) == _lasting(recorded, recorded)
    assert form["MessageSid"][:2] == recorded["MessageSid"][:2]


def _lasting(form: dict[str, str], recorded: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name in recorded and name not in CHANGING}


async def test_a_pin_is_told_by_its_coordinates(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.send_location(nora, 52.52, 13.405)
    form = await heard(gateway)
    place = (form["MessageType"], form["Body"], float(form["Latitude"]), float(form["Longitude"]))
    assert place == ("location", "", 52.52, 13.405)


async def test_a_tap_names_the_button_and_the_message_it_belongs_to(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.say(nora, "Hallo")
    await sent_choices(gateway, "quick_reply", {"actions": [{"title": "Yes", "id": "menu.yes"}]})
    with pytest.raises(NoSuchButton):
        twilio.tap(nora, nora.from_bot[0], "No")
    assert twilio.tap(nora, nora.from_bot[0], "Yes") == "menu.yes"
    form, recorded = await heard(gateway), dict(SAMPLES["quick_reply_interactive"]["form"])
    assert _lasting(form, recorded) == _lasting(recorded, recorded)
    _, listed = await gateway.get(f"{MESSAGES}/{form['OriginalRepliedMessageSid']}.json")
    assert listed["body"] == "Ja?"


async def test_a_chosen_row_names_its_title_and_description(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.say(nora, "Hallo")
    row = {"item": "Opening hours", "id": "menu.hours", "description": "When we are there"}
    await sent_choices(gateway, "list_picker", {"button": "Menü", "items": [row]})
    assert nora.from_bot[0].picker == {
        "button": "Menü",
        "rows": [{"id": "menu.hours", "title": "Opening hours", "description": "When we are there"}],
    }
    twilio.tap(nora, nora.from_bot[0], "menu.hours")
    form, recorded = await heard(gateway), dict(SAMPLES["list_reply"]["form"])
    assert _lasting(form, recorded) == _lasting(recorded, recorded)


async def test_a_tap_below_a_template_is_of_another_type(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    template = twilio.approve("visit", "de", "Kommen Sie, {{1}}?", buttons=["Confirm"])
    await gateway.send(ContentSid=template.sid, ContentVariables='{"1":"Nora"}', StatusCallback="")
    assert nora.from_bot[0].text == "Kommen Sie, Nora?"
    twilio.tap(nora, nora.from_bot[0], "Confirm")
    form = await heard(gateway)
    assert (form["MessageType"], form["ButtonText"], form["ButtonPayload"]) == (
        "button",
        "Confirm",
        "Confirm",
    )


async def test_a_quoted_message_is_named_with_its_author(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    first = twilio.say(nora, "Wann?")
    twilio.say(nora, "Das meine ich", reply_to=first.message_id)
    form = await heard(gateway)
    assert form["OriginalRepliedMessageSid"] == gateway.heard[0].form["MessageSid"]
    assert form["OriginalRepliedMessageSender"] == f"whatsapp:{NORA}"


@pytest.mark.parametrize(
    ("case", "phone", "name", "business_id"),
    [
        ("phone_and_bsuid", NORA, "Nora Beispiel", "US.100000000000000000001"),
        ("bsuid_only", "", "muster_user", "DE.100000000000000000002"),
    ],
)
async def test_people_have_a_number_an_id_or_both(
    gateway: Gateway, twilio: FakeTwilio, case: str, phone: str, name: str, business_id: str
) -> None:
    chat, recorded = twilio.chat(phone, name, business_id), dict(SAMPLES[case]["form"])
    assert twilio.chat(phone, business_id=business_id) is chat
    twilio.say(chat, recorded["Body"])
    form = await heard(gateway)
    assert _lasting(form, recorded) == _lasting(recorded, recorded)
    assert ("WaId" in form) == ("WaId" in recorded)
    assert (await gateway.send(to=business_id, Body="Hallo", StatusCallback=""))[0] == 201
    assert [message.text for message in chat.from_bot] == ["Hallo"]


async def test_a_file_is_at_another_host_that_wants_no_proof(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.send_photo(nora, b"\xff\xd8field")
    form, proof = await heard(gateway), {"Authorization": PROOF}
    url, get = form["MediaUrl0"], gateway.session.get
    async with get(url, allow_redirects=False) as answer:
        assert answer.status == 401
    twilio.media.early_404s = 1
    async with get(url, headers=proof, allow_redirects=False) as answer:
        assert answer.status == 404
    async with get(url, headers=proof, allow_redirects=False) as answer:
        assert (answer.status, answer.url.host) == (307, "127.0.0.1")
        store = answer.headers["Location"]
    async with get(store) as answer:
        assert (answer.url.host, answer.content_type) == ("localhost", "image/jpeg")
        assert await answer.read() == b"\xff\xd8field"
    assert not twilio.media.saw_proof
    async with get(store, headers=proof):
        assert twilio.media.saw_proof


async def test_a_file_is_listed_with_its_message_until_it_is_deleted(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    send_a_card(twilio, nora)
    form = await heard(gateway)
    media = f"{MESSAGES}/{form['MessageSid']}/Media"
    _, page = await gateway.get(f"{media}.json")
    assert page["media_list"] == [
        {"sid": form["MediaUrl0"].rpartition("/")[2], "content_type": form["MediaContentType0"]}
    ]
    _, listed = await gateway.get(f"{MESSAGES}.json")
    assert [(one["sid"], one["num_media"]) for one in listed["messages"]] == [(form["MessageSid"], "1")]
    async with gateway.session.delete(form["MediaUrl0"], headers={"Authorization": PROOF}) as answer:
        assert answer.status == 204
    assert (await gateway.get(form["MediaUrl0"].removeprefix(twilio.url)))[0] == 404
    assert (await gateway.get(f"{media}.json"))[1]["media_list"] == []
