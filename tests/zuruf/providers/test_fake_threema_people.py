"""What people do on the fake Threema reaches a gateway as the apps would send it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.zuruf.providers.threema_gateway import (
    DELETE,
    EDIT,
    FILE,
    GATEWAY,
    LOCATION,
    NORA,
    NOW_S,
    REACTION,
    RECEIPT,
    TEXT,
    TOM,
    TYPING,
    Gateway,
    called_back,
    make_fake,
)
from zuruf.demo.providers.chats import Chat, NoSuchButton
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.threema.callbacks import REPEATS, rule


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    async with make_fake() as provider:
        yield provider


@pytest.fixture
async def gateway(threema: FakeThreema, session: aiohttp.ClientSession) -> AsyncIterator[Gateway]:
    listening = Gateway(threema, session)
    async with called_back(threema, listening.receive):
        yield listening


@pytest.fixture
def nora(threema: FakeThreema) -> Chat:
    return threema.chat(NORA, "Nora Ü.")


async def settled(threema: FakeThreema) -> None:
    """Nothing is under way any more, receipts and repeats included."""
    await threema.until(lambda: threema.couriers.under_way == 0)


async def test_a_text_comes_in_a_genuine_callback_and_gets_its_tick(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    said = threema.say(nora, "Hallo, habt ihr *offen*?")
    assert not said.accepted
    await threema.until(lambda: said.accepted)
    (heard,) = gateway.heard
    assert heard.is_genuine
    assert (heard.kind, heard.payload) == (TEXT, b"Hallo, habt ihr *offen*?")
    shown = {name: heard.form[name] for name in ("from", "to", "messageId", "date", "nickname")}
    assert shown == {
        "from": NORA,
        "to": GATEWAY,
        "messageId": f"{said.message_id:016x}",
        "date": str(NOW_S),
        "nickname": "Nora Ü.",
    }


async def test_a_picture_comes_as_a_file_with_a_small_one_beside_it(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    sent = threema.send_photo(nora, b"a picture", "Blattläuse?")
    await threema.until(lambda: sent.accepted)
    (heard,) = gateway.heard
    told = heard.described
    assert (told["m"], told["j"], told["i"], told["s"], told["d"]) == ("image/jpeg", 1, 1, 9, "Blattläuse?")
    assert await gateway.fetched(heard) == b"a picture"
    assert await gateway.fetched(heard, "t", 2) == b"a picture"
    assert await gateway.download(told["b"]) == (404, b"")
    assert (sent.text, list(sent.content)) == ("Blattläuse?", ["photo"])
    assert threema.credits == 10_000, "people pay nothing"


async def test_voice_notes_documents_and_cards_come_as_files(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    voice = threema.send_voice(nora, b"a voice", 4, "audio/aac")
    document = threema.send_document(nora, Upload("Größe.pdf", "application/pdf", b"%PDF"), "Lieferschein")
    card = threema.send_contact(nora, "+493023125001")
    await threema.until(lambda: voice.accepted and document.accepted and card.accepted)
    told = [heard.described for heard in gateway.of(FILE)]
    assert [(each["m"], each["j"]) for each in told] == [
        ("audio/aac", 1),
        ("application/pdf", 0),
        ("text/vcard", 0),
    ]
    assert (told[0]["x"], told[1]["n"], told[1]["d"]) == ({"d": 4.0}, "Größe.pdf", "Lieferschein")
    contents = [await gateway.fetched(heard) for heard in gateway.heard]
    assert contents[:2] == [b"a voice", b"%PDF"]
    assert b"FN:Nora \xc3\x9c.\r\nTEL:+493023125001\r\n" in contents[2]
    assert [list(each.content) for each in nora.transcript] == [["voice"], ["document"], ["contact"]]


async def test_a_place_may_have_a_name_and_an_address(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    for place in ({}, {"address": "Am Feld 1"}, {"name": "Hof", "address": "Am Feld 1\n97199 Ochsenfurt"}):
        threema.send_location(nora, 49.6634, 10.0712, **place)
    await settled(threema)
    assert [heard.payload for heard in gateway.of(LOCATION)] == [
        b"49.663400,10.071200",
        b"49.663400,10.071200\nAm Feld 1",
        b"49.663400,10.071200\nHof\nAm Feld 1\\n97199 Ochsenfurt",
    ]


async def test_a_quote_stands_above_the_reply(threema: FakeThreema, gateway: Gateway, nora: Chat) -> None:
    _, quoted = await gateway.send(NORA, TEXT, b"Kommen Sie?")
    said = threema.say(nora, "Ja", reply_to=int(quoted, 16))
    await threema.until(lambda: said.accepted)
    assert gateway.of(TEXT)[0].payload.decode() == f"> quote #{quoted}\n\nJa"
    assert said.text == "Ja"


async def test_changes_name_the_message_that_they_are_about(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    said = threema.say(nora, "vorher")
    threema.typing(nora)
    threema.typing(nora, is_on=False)
    threema.edit(nora, said, "nachher")
    threema.delete(nora, said)
    await settled(threema)
    target = said.message_id.to_bytes(8, "big")
    assert [(heard.kind, heard.payload) for heard in gateway.heard] == [
        (TEXT, b"vorher"),
        (TYPING, b"\x01"),
        (TYPING, b"\x00"),
        (EDIT, b"\x09" + target + b"\x12\x07nachher"),
        (DELETE, b"\x09" + target),
    ]
    assert nora.transcript == []
    assert len({heard.form["messageId"] for heard in gateway.heard}) == 5


async def test_a_long_edit_has_its_length_in_two_bytes(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    threema.edit(nora, threema.say(nora, "kurz"), "ü" * 150)
    await settled(threema)
    (edit,) = gateway.of(EDIT)
    assert edit.payload[9:] == b"\x12\xac\x02" + "ü".encode() * 150


async def test_thumbs_are_receipts_and_other_reactions_are_set_and_taken_back(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    threema.sends_receipts = False
    _, message_id = await gateway.send(NORA, TEXT, b"Kommen Sie?")
    (message,) = nora.transcript
    for emoji in ("👍", "👎", "😀", "", ""):
        threema.react(nora, message, emoji)
    await settled(threema)
    target = bytes.fromhex(message_id)
    assert [(heard.kind, heard.payload) for heard in gateway.heard] == [
        (RECEIPT, b"\x03" + target),
        (RECEIPT, b"\x04" + target),
        (REACTION, b"\x09" + target + b"\x12\x04" + "😀".encode()),
        (REACTION, b"\x09" + target + b"\x1a\x04" + "😀".encode()),
    ]
    assert message.reaction == ""


def test_threema_repeats_a_callback_three_times_five_minutes_apart() -> None:
    assert [rule(failures, 500) for failures in range(5)] == [300.0, 300.0, 300.0, None, None]


async def test_a_callback_that_is_always_refused_is_lost_after_its_repeats(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    gateway.refuses = lambda heard: heard.payload == b"lost"
    lost, other = threema.say(nora, "lost"), threema.say(nora, "taken")
    await settled(threema)
    assert [heard.payload for heard in gateway.heard][:2] == [b"lost", b"taken"], "nobody waits for a repeat"
    assert [heard.payload for heard in gateway.heard].count(b"lost") == 1 + REPEATS
    assert len({str(heard.form) for heard in gateway.heard}) == 2, "a repeat is the same to the byte"
    assert (lost.accepted, other.accepted) == (False, True)


async def test_what_one_person_writes_comes_in_order(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    words = [str(number) for number in range(30)]
    for word in words:
        threema.say(nora, word)
        threema.say(threema.chat(TOM), f"tom {word}")
    await settled(threema)
    for threema_id, prefix in ((NORA, ""), (TOM, "tom ")):
        came = [heard.payload.decode() for heard in gateway.heard if heard.form["from"] == threema_id]
        assert came == [prefix + word for word in words]


async def test_a_redelivery_is_the_same_callback(threema: FakeThreema, gateway: Gateway, nora: Chat) -> None:
    assert not threema.redeliver_last(nora)
    said = threema.say(nora, "einmal")
    threema.react(nora, said, "😀")
    await settled(threema)
    assert threema.redeliver_last(nora)
    await settled(threema)
    first, _, again = gateway.heard
    assert first == again


async def test_a_message_is_delivered_and_a_little_later_read(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    _, message_id = await gateway.send(NORA, TEXT, b"Guten Tag")
    (message,) = nora.transcript
    assert message.state == "sent"
    await threema.until(lambda: message.state == "read")
    target = bytes.fromhex(message_id)
    assert [heard.payload for heard in gateway.of(RECEIPT)] == [b"\x01" + target, b"\x02" + target]


async def test_late_receipts_come_in_the_wrong_order_and_twice(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    threema.late = True
    await gateway.send(NORA, TEXT, b"Guten Tag")
    await settled(threema)
    assert [heard.payload[0] for heard in gateway.of(RECEIPT)] == [2, 1, 1]
    assert nora.transcript[0].state == "read"


async def test_a_person_may_look_later_at_everything_at_once(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    threema.sends_receipts = False
    ids = [(await gateway.send(NORA, TEXT, word))[1] for word in (b"eins", b"zwei", b"drei")]
    assert gateway.heard == []
    threema.read(nora)
    await settled(threema)
    threema.read(nora)  # nothing is new to them
    await settled(threema)
    assert [heard.payload for heard in gateway.heard] == [b"\x02" + bytes.fromhex("".join(ids))]
    assert {message.state for message in nora.transcript} == {"read"}


@pytest.mark.parametrize(
    ("kind", "payload", "more"),
    [
        (TEXT, b"quietly", {"noDeliveryReceipts": "1"}),
        (TEXT, b"\xff", {}),
        (RECEIPT, b"\x01" + bytes(8), {}),
    ],
)
async def test_some_messages_are_never_confirmed(
    threema: FakeThreema, gateway: Gateway, nora: Chat, kind: int, payload: bytes, more: dict[str, Any]
) -> None:
    assert (await gateway.send(NORA, kind, payload, **more))[0] == 200
    await settled(threema)
    assert gateway.heard == []


async def test_a_blocked_gateways_messages_are_accepted_and_vanish(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    threema.block(nora)
    status, message_id = await gateway.send(NORA, TEXT, b"Hallo?")
    await settled(threema)
    assert (status, len(message_id), nora.transcript, gateway.heard) == (200, 16, [], [])
    assert threema.credits == 9_999
    threema.say(nora, "Ich schreibe Ihnen")
    assert not nora.blocked
    await gateway.send(NORA, TEXT, b"Guten Tag")
    await settled(threema)
    assert [heard.payload[:1] for heard in gateway.of(RECEIPT)] == [b"\x01", b"\x02"]
    assert [message.text for message in nora.transcript] == ["Ich schreibe Ihnen", "Guten Tag"]


async def test_nothing_comes_while_threema_is_down(
    threema: FakeThreema, gateway: Gateway, nora: Chat
) -> None:
    await threema.go_down()
    said = threema.say(nora, "später")
    with pytest.raises(aiohttp.ClientConnectionError):
        await gateway.get("/credits")
    assert not said.accepted
    await threema.come_up()
    await threema.until(lambda: said.accepted)


async def test_a_basic_account_hears_nothing(session: aiohttp.ClientSession) -> None:
    async with make_fake(mode="basic") as threema:
        gateway, nora = Gateway(threema, session), threema.chat(NORA)
        async with called_back(threema, gateway.receive):
            said = threema.say(nora, "Hört mich jemand?")
            await gateway.post("/send_simple", to=NORA, text="Nein")
            await settled(threema)
            assert (gateway.heard, said.accepted) == ([], False)
            assert nora.from_bot[0].state == "sent"


async def test_there_are_no_buttons(threema: FakeThreema, gateway: Gateway, nora: Chat) -> None:
    await gateway.send(NORA, TEXT, b"1 Preise")
    with pytest.raises(NoSuchButton):
        threema.tap(nora, nora.from_bot[0], "1")


def test_one_id_is_one_person_with_a_key_of_their_own() -> None:
    threema = make_fake()
    nora, tom = threema.chat(NORA, "Nora"), threema.chat(TOM, "Tom")
    assert threema.chat(NORA, "Somebody else") is nora
    assert threema.phones[nora.chat_id].public_key != threema.phones[tom.chat_id].public_key
