"""The HTTP session that all adapters share, and what a failed exchange means for a message.

Errors that leave this module carry no URL: some providers want their secret in it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from channels.errors import ChannelError, MediaGone, SendError, SendErrorKind

CONNECT_TIMEOUT_S = 10
CONNECTION_LIMIT = 512
CHUNK_BYTES = 64 * 1024
# With `connect` well below `total`, a time-out before anything was sent can be told from one after it.
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=CONNECT_TIMEOUT_S)
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=180, connect=CONNECT_TIMEOUT_S)
TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError

_BEFORE_SENDING = (
    aiohttp.ClientConnectorError,  # refused, no such host, certificate
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def make_session() -> aiohttp.ClientSession:
    """The session of the whole process: pooled, without cookies, deaf to proxy variables."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTION_LIMIT),
        timeout=TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": "Zuruf"},
    )


async def exchange(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Answer:
    """One request and its whole answer, whatever the status; no redirects.

    Raises `SendError` when no answer came, with `maybe_sent` unless the connection itself failed.
    """
    try:
        async with session.request(method, url, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers, await response.read())
    except TRANSPORT_ERRORS as error:
        failure = transport_error(error)
    raise failure  # out here, so that the original and the URL in it are not chained to it


async def stream(
    session: aiohttp.ClientSession, url: str, most_bytes: int, refused: Callable[[int], ChannelError]
) -> AsyncIterator[bytes]:
    """A file's bytes in chunks, without redirects; `refused` says what a status other than 200 means.

    Raises `MediaGone` beyond `most_bytes`, and `SendError` where the connection fails.
    """
    failure: ChannelError | None = None
    left = most_bytes
    try:
        async with session.get(url, allow_redirects=False, timeout=UPLOAD_TIMEOUT) as response:
            if response.status != 200:
                failure = refused(response.status)
            else:
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        failure = MediaGone(f"the file is over {most_bytes // 1024**2} MB")
                        break
                    yield chunk
    except TRANSPORT_ERRORS as error:
        failure = transport_error(error)
    if failure:
        raise failure  # out here, so that the original and the URL in it are not chained to it


def transport_error(error: Exception) -> SendError:
    """What a failed connection means for the message that was to go over it."""
    code = type(error).__name__
    if isinstance(error, _BEFORE_SENDING):
        # Nobody can be reached there: the whole channel waits, and no message is given up for it.
        return SendError(SendErrorKind.RETRY_FEW, code=code, scope="channel")
    return SendError(SendErrorKind.RETRY_UNKNOWN, code=code, maybe_sent=True)


def status_error(status: int) -> SendError:
    """What a status means of which the adapter's own table knows nothing."""
    code = str(status)
    if status >= 500 or status < 300:  # a 2xx gets here when its body makes no sense
        return SendError(SendErrorKind.RETRY_UNKNOWN, code=code, maybe_sent=True)
    if status < 400:  # a redirect: we talk to the wrong address
        return SendError(SendErrorKind.STOP_CHANNEL, code=code, scope="channel")
    return SendError(SendErrorKind.PERMANENT_CONTENT, code=code)
