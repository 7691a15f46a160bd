"""Files over Threema: encrypted on the way out, fetched and opened on the way in."""

import base64
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import threema_api
from channels.channel import Channel
from channels.errors import MediaGone, SendError, SendErrorKind
from channels.http import make_session
from channels.message import Identifier, InboundMessage, Media, MediaKind, OutboundMessage
from channels.threema_blobs import MOST_BYTES
from channels.threema_box import encrypt_file
from tests.channels.contract import DictMemory, load_answers, make_channel, webhook_request
from tests.channels.threema_fake import BLOB_ID, CUT, END_TO_END, PERSON, SAMPLES, SECRET, FakeThreema

ANSWERS = load_answers("threema")
TO = Identifier("threema", PERSON)
KEY = "0f" * 32
K = SendErrorKind


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    """The fake, listening."""
    fake = FakeThreema()
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(threema: FakeThreema) -> AsyncIterator[Channel]:
    """An end-to-end account."""
    async with make_session() as http:
        yield make_channel("threema", {**END_TO_END, "api_url": threema.url}, http)


@pytest.fixture
def photo(tmp_path: Path) -> Media:
    """A file of ours."""
    path = tmp_path / "a1b2"
    path.write_bytes(b"a photo of beets")
    return Media("image", str(path), "image/jpeg", "Rübenfoto.jpg")


async def fetched(channel: Channel, media: Media) -> bytes:
    """The whole file."""
    return b"".join([chunk async for chunk in channel.fetch_media(media)])


async def refused(channel: Channel, media: Media) -> SendError:
    """The error that sending it ends in, without the secret that is part of the address."""
    with pytest.raises(SendError) as raised:
        await channel.send(OutboundMessage(1, TO, "x", media=media))
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    return raised.value


async def test_a_file_arrives_with_its_name_and_caption(
    channel: Channel, threema: FakeThreema, photo: Media
) -> None:
    """And nobody but the person can open what was left at Threema."""
    await channel.send(OutboundMessage(1, TO, "*Grüße* vom Feld", media=photo))
    described = threema.described()
    blob = threema.blobs[BLOB_ID]
    assert b"photo" not in blob
    key = described.pop("k")
    assert described == {
        **{"b": BLOB_ID, "m": "image/jpeg", "s": 16, "i": 1, "j": 1},
        **{"n": "Rübenfoto.jpg", "d": "*Grüße* vom Feld"},
    }
    assert await fetched(channel, Media("image", f"file:{BLOB_ID}:{key}")) == b"a photo of beets"
    assert threema.asked("upload_blob") == [{"from": "*TESTGW1", "secret": SECRET}]


async def test_names_are_utf_8_and_not_escapes(channel: Channel, threema: FakeThreema, photo: Media) -> None:
    """Some apps show escapes as they are."""
    await channel.send(OutboundMessage(1, TO, "Grüße", media=photo))
    ((_, payload),) = threema.opened()
    assert "Rübenfoto".encode() in payload
    assert "Grüße".encode() in payload


@pytest.mark.parametrize(
    ("kind", "rendering"), [("image", 1), ("video", 1), ("voice", 1), ("audio", 0), ("document", 0)]
)
async def test_pictures_films_and_voices_are_shown_and_the_rest_is_a_file(
    channel: Channel, threema: FakeThreema, photo: Media, kind: MediaKind, rendering: int
) -> None:
    """The app decides by this number."""
    await channel.send(OutboundMessage(1, TO, media=Media(kind, photo.reference)))
    described = threema.described()
    assert (described["j"], described["i"], described["m"]) == (
        rendering,
        rendering,
        "application/octet-stream",
    )
    assert not {"n", "d"} & described.keys()


async def test_every_file_has_a_key_of_its_own(channel: Channel, threema: FakeThreema, photo: Media) -> None:
    """The nonce is the same for all, so the key may not be."""
    blobs = set()
    for _ in range(3):
        await channel.send(OutboundMessage(1, TO, media=photo))
        blobs.add(threema.blobs[BLOB_ID])
    assert len(blobs) == 3


async def test_an_app_that_shows_no_files_gets_their_names(
    channel: Channel, threema: FakeThreema, photo: Media
) -> None:
    """Better than a message that it does not show at all."""
    threema.can = "text,image"
    await channel.send(OutboundMessage(1, TO, "Ihr Plan", media=photo))
    await channel.send(OutboundMessage(1, TO, media=Media("voice", photo.reference)))
    assert threema.opened() == [(1, "Ihr Plan\nRübenfoto.jpg".encode()), (1, b"[voice]")]
    assert threema.blobs == {}
    assert len(threema.asked("capabilities")) == 1


class ForgetfulMemory(DictMemory):
    """Whatever is kept for a time is past it at once."""

    async def put(self, key: str, value: str, *, ttl_s: float | None = None) -> None:
        """Keep `value` only if it is for good."""
        if ttl_s is None:
            self.values[key] = value


async def test_an_app_that_was_updated_gets_files(
    channel: Channel, threema: FakeThreema, photo: Media
) -> None:
    """What an app can show is not believed for ever; a key is."""
    adapter, ports = type(channel), replace(channel.ports, memory=ForgetfulMemory())
    config = {"kind": "threema", **END_TO_END, "api_url": threema.url}
    channel = adapter(adapter.Config.model_validate(config), ports)
    threema.can = "text,image"
    await channel.send(OutboundMessage(1, TO, media=photo))
    threema.can = "text,image,file"
    await channel.send(OutboundMessage(1, TO, media=photo))
    assert [kind for kind, _ in threema.opened()] == [0x01, 0x17]
    assert len(threema.asked("pubkeys")) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (CUT, K.RETRY_FEW),
        (ANSWERS["server"], K.RETRY_FEW),
        ({"status": 200, "body": "?"}, K.RETRY_FEW),
        (ANSWERS["not_found"], K.PERMANENT_CONTENT),
        (ANSWERS["bad_recipient_or_mode"], K.PERMANENT_CONTENT),
        (ANSWERS["too_long"], K.PERMANENT_CONTENT),
        (ANSWERS["no_credits"], K.STOP_CHANNEL),
        (ANSWERS["too_many"], K.RETRY_AFTER),
    ],
)
async def test_an_upload_that_failed_sent_nothing_and_blames_nobody(
    channel: Channel, threema: FakeThreema, photo: Media, answer: Any, kind: SendErrorKind
) -> None:
    """The person had no part in it, and no message went out."""
    threema.answer("upload_blob", answer)
    error = await refused(channel, photo)
    assert (error.kind, error.maybe_sent) == (kind, False)
    assert threema.asked("send_e2e") == []


async def test_a_file_that_is_missing_or_too_big_is_not_sent(
    channel: Channel, threema: FakeThreema, tmp_path: Path
) -> None:
    """It will not be better the next time."""
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for path, code in ((big, "file too big"), (tmp_path / "gone", "file missing")):
        error = await refused(channel, Media("document", str(path)))
        assert (error.kind, error.code) == (K.PERMANENT_CONTENT, code)
    assert threema.asked("upload_blob") == []


@pytest.mark.parametrize("case", ["file_image", "file_pdf", "file_voice", "legacy_image"])
async def test_a_file_that_came_in_is_opened(channel: Channel, threema: FakeThreema, case: str) -> None:
    """The recorded blobs, also the old kind that is boxed between two people."""
    sample = SAMPLES[case]
    (event,) = await channel.unseal(webhook_request(sample).body)
    assert isinstance(event, InboundMessage)
    assert event.media is not None
    threema.blobs[BLOB_ID] = base64.b64decode(sample["provider_responses"][0]["body_b64"])
    content = await fetched(channel, event.media)
    assert len(content) == event.media.size_bytes == 15


async def test_a_file_that_threema_has_no_more_is_gone(channel: Channel, threema: FakeThreema) -> None:
    """Its message stays."""
    (event,) = await channel.unseal(webhook_request(SAMPLES["file_blob_gone"]).body)
    assert isinstance(event, InboundMessage)
    assert event.media is not None
    with pytest.raises(MediaGone):
        await fetched(channel, event.media)


@pytest.mark.parametrize(
    "reference", ["", "file:x", f"file:{BLOB_ID}:{KEY[:-2]}", f"file:../{BLOB_ID}:{KEY}"]
)
async def test_a_reference_that_names_no_blob_calls_nobody(
    channel: Channel, threema: FakeThreema, reference: str
) -> None:
    """It would become part of an address."""
    with pytest.raises(MediaGone):
        await fetched(channel, Media("image", reference))
    assert threema.calls == []


@pytest.mark.parametrize("blob", [b"", b"short", bytes(64)])
@pytest.mark.parametrize("reference", [f"file:{BLOB_ID}:{KEY}", f"image:{BLOB_ID}:{'11' * 24}:{PERSON}"])
async def test_a_blob_that_does_not_open_is_gone(
    channel: Channel, threema: FakeThreema, reference: str, blob: bytes
) -> None:
    """The key is the only one there is."""
    threema.blobs[BLOB_ID] = blob
    with pytest.raises(MediaGone, match="does not open"):
        await fetched(channel, Media("image", reference))


async def test_a_file_of_many_chunks_is_whole(channel: Channel, threema: FakeThreema) -> None:
    """Opened as one, handed on in pieces."""
    content = bytes(range(256)) * 1000
    key, threema.blobs[BLOB_ID] = encrypt_file(content)
    assert await fetched(channel, Media("video", f"file:{BLOB_ID}:{key.hex()}")) == content


async def test_a_blob_over_the_limit_is_not_read_to_its_end(
    channel: Channel, threema: FakeThreema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever size was announced: it is opened in memory."""
    monkeypatch.setattr(threema_api, "MOST_BYTES", 1000)
    for size, opens in ((1000, True), (1100, False)):
        key, threema.blobs[BLOB_ID] = encrypt_file(bytes(size))
        media = Media("document", f"file:{BLOB_ID}:{key.hex()}")
        if opens:
            assert len(await fetched(channel, media)) == size
            continue
        with pytest.raises(MediaGone, match="over"):
            await fetched(channel, media)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [([CUT, CUT], K.RETRY_UNKNOWN), ([ANSWERS["bad_credentials"]], K.STOP_CHANNEL)],
)
async def test_trouble_with_a_download_is_told_without_the_secret(
    channel: Channel, threema: FakeThreema, answers: list[Any], kind: SendErrorKind
) -> None:
    """The address holds it; the file may be had later."""
    threema.answer("blobs", *answers)
    with pytest.raises(SendError) as raised:
        await fetched(channel, Media("image", f"file:{BLOB_ID}:{KEY}"))
    assert raised.value.kind is kind
    shown = "".join(traceback.format_exception(raised.value))
    assert SECRET not in shown
    assert KEY not in shown
