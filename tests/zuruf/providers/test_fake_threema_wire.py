"""The fake Threema's bytes are those of the recorded callbacks."""

import pytest
from nacl.public import PrivateKey

from tests.zuruf.providers.threema_gateway import (
    NORA,
    PERSONS_PRIVATE_KEY,
    PUBLIC_KEY,
    SAMPLES,
    TEXT,
    content_of,
    make_fake,
)
from zuruf.demo.providers.threema.phone import (
    ACKNOWLEDGED,
    DECLINED,
    DELIVERED,
    FileMessage,
    Garbled,
    Phone,
    change,
    file_message,
    location,
    receipt,
)

GENUINE = [name for name, sample in SAMPLES.items() if sample["expect"]["auth"] == "ok"]
OPENED = [name for name in GENUINE if name != "box_not_decryptable"]
WITH_NICKNAME = [name for name in GENUINE if SAMPLES[name]["form"].get("nickname") == "Nora Ü."]
FILE_KEY = "065d0cf7490bb9ecd14a36328492e9cacb716ce6e78f7526e92b366c2267b5c3"
BLOB = "00112233445566778899aabbccddee0"


@pytest.mark.parametrize("name", WITH_NICKNAME)
def test_a_callback_is_written_as_it_was_recorded(name: str) -> None:
    """With the recorded box in it, down to the order of its fields, and the proof."""
    threema, form = make_fake(), SAMPLES[name]["form"]
    sender = threema.chat(form["from"], form["nickname"])
    nonce, box = bytes.fromhex(form["nonce"]), bytes.fromhex(form["box"])
    body = threema.callbacks.form(sender, int(form["messageId"], 16), nonce, box)
    assert body == SAMPLES[name]["request"]["body"].encode()


@pytest.mark.parametrize("name", OPENED)
def test_a_phone_opens_the_recorded_boxes(name: str) -> None:
    """A box opens with the keys of either side; only its nonce and its padding are the sender's choice."""
    form = SAMPLES[name]["form"]
    phone = Phone(NORA, bytes.fromhex(PUBLIC_KEY), PrivateKey(bytes.fromhex(PERSONS_PRIVATE_KEY)))
    assert phone.read(bytes.fromhex(form["nonce"]), bytes.fromhex(form["box"])) == content_of(name)


def test_a_phone_opens_nothing_that_was_sealed_for_another() -> None:
    phone = Phone(NORA, bytes.fromhex(PUBLIC_KEY))
    form = SAMPLES["text"]["form"]
    for nonce, box in ((form["nonce"], form["box"]), ("00", form["box"]), (form["nonce"], "00")):
        with pytest.raises(Garbled):
            phone.read(bytes.fromhex(nonce), bytes.fromhex(box))


def test_a_short_message_is_told_neither_by_its_length_nor_by_its_nonce() -> None:
    phone = Phone(NORA, bytes.fromhex(PUBLIC_KEY))
    written = [phone.write(TEXT, b"ja") for _ in range(50)]
    assert len({nonce for nonce, _ in written}) == 50
    assert len({len(box) for _, box in written}) > 1
    assert min(len(box) for _, box in written) >= 1 + 32 + 16
    assert {phone.read(nonce, box) for nonce, box in written} == {(TEXT, b"ja")}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("location_bare", location(52.52, 13.405)),
        ("location", location(52.52, 13.405, 12.5, "Musterladen", "Musterstr. 1\n10115 Berlin")),
        ("edit", change(1, "corrected")),
        ("delete", change(1)),
        ("reaction_emoji", change(900, "😀")),
        ("receipt_delivered", receipt(DELIVERED, 900)),
        ("receipt_ack", receipt(ACKNOWLEDGED, 900)),
        ("receipt_decline", receipt(DECLINED, 900)),
        (
            "file_image",
            file_message(
                FileMessage(
                    b=f"{BLOB}1",
                    t=f"{BLOB}2",
                    k=FILE_KEY,
                    m="image/jpeg",
                    p="image/jpeg",
                    n="foto.jpg",
                    s=15,
                    i=1,
                    j=1,
                    d="Grüezi, ein Foto",
                    x={"w": 640, "h": 480},
                )
            ),
        ),
        (
            "file_voice",
            file_message(
                FileMessage(b=f"{BLOB}1", k=FILE_KEY, m="audio/aac", n="voice.aac", s=15, j=1, x={"d": 3.2})
            ),
        ),
    ],
)
def test_payloads_are_written_as_they_were_recorded(name: str, payload: bytes) -> None:
    assert payload == content_of(name)[1]
