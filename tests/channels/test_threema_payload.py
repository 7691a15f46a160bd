"""What is in Threema's boxes, type by type, and that no bytes do more harm than not to be understood."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from channels.errors import Unreadable
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Identifier,
    InboundMessage,
    Location,
    Media,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    Sender,
)
from channels.threema_payload import IGNORED, Envelope, read_fields, read_payload

SENDER = Sender((Identifier("threema", "TSTUSR01"),), "Nora")
ENVELOPE = Envelope(SENDER, "00000000000000aa", 1_790_000_000_000)
KEY = "TSTUSR01:00000000000000aa"
BLOB, FILE_KEY = "00112233445566778899aabbccddee01", "0f" * 32
TARGET = bytes.fromhex("0000000000000384")
FILE = 0x17
KNOWN = (0x01, 0x02, 0x10, 0x13, 0x14, FILE, 0x80, 0x82, 0x91, 0x92)


def said(kind: int, payload: bytes) -> InboundMessage:
    """The one message in a box."""
    (event,) = read_payload(ENVELOPE, kind, payload)
    assert isinstance(event, InboundMessage)
    return event


def file_message(**changes: Any) -> InboundMessage:
    """What a file becomes."""
    described = {"b": BLOB, "k": FILE_KEY, "m": "image/jpeg", "s": 15, "j": 1, **changes}
    return said(FILE, json.dumps(described).encode())


def test_a_text_is_kept_as_it_was_written() -> None:
    """Marks, umlauts and emoji."""
    event = said(0x01, "*fett* Grüße 😀\nzweite Zeile".encode())
    assert (event.text, event.dedupe_key, event.reply_to) == ("*fett* Grüße 😀\nzweite Zeile", KEY, None)


def test_bytes_that_are_no_text_cost_only_themselves() -> None:
    """The person still gets an answer."""
    assert said(0x01, b"Gr\xfc\xdfe").text == "Gr\ufffd\ufffde"


def test_a_quote_names_its_message_and_leaves_the_text() -> None:
    """The apps write it before what is said."""
    event = said(0x01, b"> quote #0102030405060708\n\nja, bitte")
    assert (event.reply_to, event.text) == ("0102030405060708", "ja, bitte")


def test_what_only_looks_like_a_quote_stays_text() -> None:
    """People write ">", too."""
    assert said(0x01, b"> quote #12\n\nja").text == "> quote #12\n\nja"


@pytest.mark.parametrize(
    ("content_type", "rendering", "kind"),
    [
        ("image/jpeg", 1, "image"),
        ("image/png", 0, "image"),
        ("image/webp", 2, "sticker"),
        ("video/mp4", 1, "video"),
        ("audio/aac", 1, "voice"),
        ("audio/mp4", 1, "voice"),
        ("audio/mpeg", 0, "audio"),
        ("application/pdf", 0, "document"),
        ("", 0, "document"),
    ],
)
def test_a_file_is_what_its_content_type_says(content_type: str, rendering: int, kind: str) -> None:
    """The apps send images, films and voice notes as files, too."""
    assert file_message(m=content_type, j=rendering).kind == kind


def test_a_file_comes_with_all_that_is_told_of_it() -> None:
    """Name and caption with umlauts, size, length, album."""
    event = file_message(m="audio/aac", n="Grüße.aac", d="für dich", c="album-1", x={"d": 3.2, "w": 1})
    assert event.media == Media("voice", f"file:{BLOB}:{FILE_KEY}", "audio/aac", "Grüße.aac", 15, 3)
    assert (event.text, event.album) == ("für dich", "album-1")


def test_a_file_of_an_older_app_says_i_for_j() -> None:
    """The field was renamed."""
    assert file_message(m="audio/aac", j=None, i=1).kind == "voice"


@pytest.mark.parametrize(
    "changes",
    [{"b": "../credits"}, {"b": BLOB[:-1]}, {"k": "zz"}, {"k": None}, {"b": 7}, {"s": -1, "k": ""}, {"x": 5}],
)
def test_a_file_without_a_blob_and_its_key_is_unreadable(changes: dict[str, Any]) -> None:
    """What becomes part of an address is checked before it is kept."""
    with pytest.raises(Unreadable):
        file_message(**changes)


def test_old_images_voice_notes_and_films_are_media() -> None:
    """Types that the apps have not sent for years, but still may."""
    blob, size = bytes.fromhex(BLOB), (15).to_bytes(4, "little")
    nonce, key, seconds = b"\x11" * 24, b"\x0f" * 32, (7).to_bytes(2, "little")
    image = said(0x02, blob + size + nonce)
    voice = said(0x14, seconds + blob + size + key)
    film = said(0x13, seconds + blob + size + blob + size + key)
    assert image.media == Media("image", f"image:{BLOB}:{'11' * 24}:TSTUSR01", "image/jpeg", size_bytes=15)
    assert voice.media == Media("voice", f"file:{BLOB}:{FILE_KEY}", "audio/aac", "", 15, 7)
    assert film.media == Media("video", f"file:{BLOB}:{FILE_KEY}", "video/mp4", "", 15, 7)


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (b"52.52,13.405,12.5\nHofladen\nMusterstr. 1\\n10115 Berlin",
         Location(52.52, 13.405, "Hofladen", "Musterstr. 1\n10115 Berlin")),
        (b"52.52,13.405\nMusterstr. 1", Location(52.52, 13.405, "", "Musterstr. 1")),
        (b"-52.52,-13.405", Location(-52.52, -13.405)),
    ],
)  # fmt: skip
def test_a_place_may_have_an_address_and_before_it_a_name(payload: bytes, place: Location) -> None:
    """One line more is the address, two are name and address."""
    assert said(0x10, payload).location == place


@pytest.mark.parametrize("payload", [b"", b"52.52", b"x,y", b"91,0", b"0,181", b"nan,nan", b"inf,0"])
def test_a_place_that_is_nowhere_is_unreadable(payload: bytes) -> None:
    """Numbers are not believed."""
    with pytest.raises(Unreadable):
        read_payload(ENVELOPE, 0x10, payload)


def test_one_receipt_tells_of_several_messages() -> None:
    """Each a report with a key of its own, so that all of them count."""
    other = bytes.fromhex("0000000000000385")
    assert read_payload(ENVELOPE, 0x80, b"\1" + TARGET + other) == [
        DeliveryUpdate(f"{KEY}:{TARGET.hex()}", DeliveryState.DELIVERED, TARGET.hex()),
        DeliveryUpdate(f"{KEY}:{other.hex()}", DeliveryState.DELIVERED, other.hex()),
    ]
    (read,) = read_payload(ENVELOPE, 0x80, b"\2" + TARGET)
    assert read == DeliveryUpdate(f"{KEY}:{TARGET.hex()}", DeliveryState.READ, TARGET.hex())


def test_thumbs_are_reactions() -> None:
    """The apps' older way to agree and to decline."""
    for status, emoji in ((b"\3", "👍"), (b"\4", "👎")):
        (event,) = read_payload(ENVELOPE, 0x80, status + TARGET)
        assert event == ReactionChanged(f"{KEY}:{TARGET.hex()}", SENDER, TARGET.hex(), emoji)
    assert read_payload(ENVELOPE, 0x80, b"\x09" + TARGET) == []


def test_a_reaction_is_put_on_and_taken_off() -> None:
    """Field 2 applies, field 3 withdraws."""
    thumb = "👍".encode()
    for field, emoji in ((b"\x12", "👍"), (b"\x1a", "")):
        payload = b"\x09" + TARGET + field + bytes([len(thumb)]) + thumb
        assert read_payload(ENVELOPE, 0x82, payload) == [ReactionChanged(KEY, SENDER, TARGET.hex(), emoji)]


def test_a_change_of_words_and_their_end_name_their_message() -> None:
    """Whatever else a later app adds."""
    later = b"\x20\x05\x2d\1\2\3\4"  # a number and four bytes in fields of which we know nothing
    edit = b"\x09" + TARGET + b"\x12\x05Hallo" + later
    assert read_payload(ENVELOPE, 0x91, edit) == [MessageEdited(KEY, SENDER, TARGET.hex(), "Hallo")]
    assert read_payload(ENVELOPE, 0x92, b"\x09" + TARGET) == [MessageDeleted(KEY, SENDER, TARGET.hex())]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x09\0\0",  # ends within the number
        b"\x12\xff\xff\xff\xff\x0fx",  # claims four gigabytes
        b"\x09" + TARGET + b"\x12\x05Hall",  # ends within the text
        b"\x80" * 20,  # a number without end
        b"\x0b\x0c",  # groups, which nobody uses any more
        b"\x08\x01",  # the message's id as another type
    ],
)
@pytest.mark.parametrize("kind", [0x82, 0x91, 0x92])
def test_a_broken_change_is_unreadable(kind: int, payload: bytes) -> None:
    """It is an authentic message, so it is kept for a person to look at."""
    with pytest.raises(Unreadable):
        read_payload(ENVELOPE, kind, payload)


@pytest.mark.parametrize("kind", sorted(IGNORED))
def test_what_is_not_for_us_is_nothing_and_needs_no_log(kind: int) -> None:
    """Groups, calls, typing, polls: whatever their bytes are."""
    with capture_logs() as logs:
        assert read_payload(ENVELOPE, kind, b"\xff" * 40) == []
    assert logs == []


def test_an_unknown_type_is_logged_and_not_repeated() -> None:
    """Threema invents new ones; refusing would only bring them back three times."""
    with capture_logs() as logs:
        assert read_payload(ENVELOPE, 0x77, b"secret words") == []
    assert logs == [{"event": "threema.unknown_type", "log_level": "warning", "type": 0x77}]


def test_forward_secrecy_is_an_error_that_stands_in_the_log() -> None:
    """Nothing of ours can read it, and the person thinks that we did."""
    with capture_logs() as logs:
        assert read_payload(ENVELOPE, 0xA0, b"secret words") == []
    assert [(entry["log_level"], "secret words" in str(entry)) for entry in logs] == [("error", False)]


@given(kind=st.sampled_from(KNOWN), payload=st.binary(max_size=200))
def test_no_bytes_do_more_than_not_to_be_understood(kind: int, payload: bytes) -> None:
    """Whoever writes to us chooses them."""
    try:
        read_payload(ENVELOPE, kind, payload)
    except Unreadable:
        return


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from("bkmnsjidcx"), _JSON))
def test_no_description_of_a_file_does_more_than_not_to_be_understood(changes: dict[str, Any]) -> None:
    """Well-formed JSON of the wrong shape."""
    try:
        file_message(**changes)
    except Unreadable:
        return


@given(payload=st.binary(max_size=64))
def test_the_fields_of_a_protobuf_message_never_hold_more_than_came(payload: bytes) -> None:
    """Lengths in it are claims."""
    try:
        fields = list(read_fields(payload))
    except Unreadable:
        return
    assert sum(len(value) for _, value in fields) <= len(payload)
