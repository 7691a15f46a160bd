"""Files to and from Telegram, streamed: never a whole one in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

import aiohttp
from telegram import InputFile, Message

from channels.errors import ChannelError, MediaGone, SendError, SendErrorKind
from channels.http import status_error, stream
from channels.message import Media, MediaKind
from channels.telegram_api import BotApi, typed
from channels.telegram_errors import Refusal, meaning

MEGABYTE = 1024 * 1024
UPLOAD_LIMIT_BYTES: dict[MediaKind, int] = {
    "image": 10 * MEGABYTE,
    "video": 50 * MEGABYTE,
    "voice": 50 * MEGABYTE,
    "audio": 50 * MEGABYTE,
    "document": 50 * MEGABYTE,
}
DOWNLOAD_LIMIT_BYTES = 20 * MEGABYTE

_PHOTO_TYPES = {"", "image/jpeg", "image/png", "image/webp"}  # others go out as documents


async def upload(api: BotApi, chat_id: int | str, media: Media, caption: str, **parameters: Any) -> str:
    """Send a local file with a caption; the id of the message."""
    file = await _opened(media.reference)
    with file:
        content = InputFile(file, filename=_shown_name(media), read_file_handle=False)
        send = _method(api, media)
        message = await typed(send(chat_id, content, caption=caption or None, api_kwargs=parameters))
    return str(message.message_id)


def _shown_name(media: Media) -> str:
    name = media.file_name or Path(media.reference).name
    return "".join(char for char in name if char.isprintable())  # a line break would end the header


async def _opened(path: str) -> BufferedReader:
    try:
        return await asyncio.to_thread(open, path, "rb")
    except OSError:
        raise SendError(SendErrorKind.PERMANENT_CONTENT, code="file missing") from None


def _method(api: BotApi, media: Media) -> Callable[..., Awaitable[Message]]:
    bot = api.bot
    if media.kind == "image" and media.content_type in _PHOTO_TYPES:
        return bot.send_photo
    methods: dict[MediaKind, Callable[..., Awaitable[Message]]] = {
        "video": bot.send_video,
        "voice": bot.send_voice,
        "audio": bot.send_audio,
    }
    return methods.get(media.kind, bot.send_document)


async def download(api: BotApi, http: aiohttp.ClientSession, media: Media) -> AsyncIterator[bytes]:
    """The file's bytes in chunks, cut off at Telegram's own limit; raises `MediaGone` or `SendError`."""
    if (media.size_bytes or 0) > DOWNLOAD_LIMIT_BYTES:
        raise _too_big()
    url = await _file_url(api, media.reference)
    async for chunk in stream(http, url, DOWNLOAD_LIMIT_BYTES, _refused):
        yield chunk


async def _file_url(api: BotApi, file_id: str) -> str:
    try:
        file = await typed(api.bot.get_file(file_id))
    except SendError as error:
        if error.kind is SendErrorKind.PERMANENT_CONTENT:
            raise MediaGone(f"Telegram does not hand the file out ({error.code})") from None
        raise
    if not file.file_path:
        raise MediaGone
    return file.file_path


def _refused(status: int) -> ChannelError:
    if status == 404:
        return MediaGone()
    return meaning(Refusal(status)) or status_error(status)


def _too_big() -> MediaGone:
    return MediaGone(f"the file is over {DOWNLOAD_LIMIT_BYTES // MEGABYTE} MB, more than Telegram hands out")
