"""Files that came in over Telegram: fetched in chunks, never more than the limit."""

import base64
import traceback
from collections.abc import AsyncIterator

import pytest

from channels.channel import Channel
from channels.errors import MediaGone, SendError, SendErrorKind
from channels.http import make_session
from channels.message import Media
from tests.channels.contract import load_answers, load_samples, make_channel
from tests.channels.fakes import FakeBotApi

TOKEN = "88000000001:AAtest_token-0000000000"
ANSWERS = load_answers("telegram")
SAMPLES = load_samples("telegram")
LIMIT = 20 * 1024 * 1024
PHOTO = Media("image", "AgACAgIAAxkBAAITEST0003", "image/jpeg")
FILE = SAMPLES["photo_caption"]["provider_responses"][0]["body"]["result"]


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    """The fake, listening."""
    fake = FakeBotApi(TOKEN)
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(api: FakeBotApi) -> AsyncIterator[Channel]:
    """A channel that talks to the fake."""
    async with make_session() as http:
        yield make_channel("telegram", {"token": TOKEN, "mode": "polling", "api_url": api.url}, http)


async def keep(chunks: list[bytes], channel: Channel) -> None:
    """Put what comes of the file into `chunks`, also if it does not come to an end."""
    async for chunk in channel.fetch_media(PHOTO):
        chunks.append(chunk)


async def fetched(channel: Channel, media: Media = PHOTO) -> bytes:
    """The whole file."""
    return b"".join([chunk async for chunk in channel.fetch_media(media)])


async def test_a_photo_is_fetched(channel: Channel, api: FakeBotApi) -> None:
    """First its path, then its bytes."""
    content = base64.b64decode(SAMPLES["photo_caption"]["provider_responses"][1]["body_b64"])
    api.answer("getFile", FILE)
    api.files["photos/file_3.jpg"] = content
    assert await fetched(channel) == content
    assert api.asked("getFile") == [{"file_id": "AgACAgIAAxkBAAITEST0003"}]


async def test_a_file_of_exactly_the_limit_is_fetched(channel: Channel, api: FakeBotApi) -> None:
    """The limit is Telegram's; what it hands out is taken."""
    api.answer("getFile", FILE)
    api.files["photos/file_3.jpg"] = bytes(LIMIT)
    assert len(await fetched(channel)) == LIMIT


async def test_a_file_over_the_limit_is_cut_off(channel: Channel, api: FakeBotApi) -> None:
    """Whatever size was announced."""
    api.answer("getFile", FILE)
    api.files["photos/file_3.jpg"] = bytes(LIMIT + 1)
    chunks: list[bytes] = []
    with pytest.raises(MediaGone, match="20 MB"):
        await keep(chunks, channel)
    assert 0 < sum(map(len, chunks)) <= LIMIT


async def test_a_file_known_to_be_too_big_is_not_asked_for(channel: Channel, api: FakeBotApi) -> None:
    """Telegram told its size with the message."""
    with pytest.raises(MediaGone):
        await fetched(channel, Media("video", "F", size_bytes=25_000_000))
    assert api.calls == []


async def test_a_file_that_telegram_finds_too_big_is_gone(channel: Channel, api: FakeBotApi) -> None:
    """As the recorded answer says."""
    api.answer("getFile", SAMPLES["video"]["provider_responses"][0])
    with pytest.raises(MediaGone, match="file is too big"):
        await fetched(channel)


@pytest.mark.parametrize(
    ("status", "kind"), [(500, SendErrorKind.RETRY_UNKNOWN), (401, SendErrorKind.STOP_CHANNEL)]
)
async def test_trouble_with_the_download_is_told_without_the_token(
    channel: Channel, api: FakeBotApi, status: int, kind: SendErrorKind
) -> None:
    """The file's address holds it."""
    api.answer("getFile", FILE)
    api.file_status = status
    with pytest.raises(SendError) as raised:
        await fetched(channel)
    assert raised.value.kind is kind
    assert TOKEN not in "".join(traceback.format_exception(raised.value))


async def test_a_file_that_is_not_there_any_more_is_gone(channel: Channel, api: FakeBotApi) -> None:
    """Telegram keeps the address for an hour."""
    api.answer("getFile", FILE)
    api.file_status = 404
    with pytest.raises(MediaGone):
        await fetched(channel)


async def test_a_revoked_token_is_not_the_files_fault(channel: Channel, api: FakeBotApi) -> None:
    """The file may be had once the channel works again."""
    api.answer("getFile", ANSWERS["bad_token"])
    with pytest.raises(SendError) as raised:
        await fetched(channel)
    assert raised.value.kind is SendErrorKind.STOP_CHANNEL
