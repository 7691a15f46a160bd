"""Calls to the Bot API over the shared HTTP session: typed through `telegram.Bot`, or bare.

Sending a menu of seven rows through `Bot.send_message` costs 240 us of CPU, most of it for building
objects that nobody reads; the bare call costs a few. So the frequent calls (sendMessage, getUpdates,
answerCallbackQuery) are bare, everything else goes through `Bot`.
"""

import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp
import msgspec
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import BaseRequest, RequestData

from channels.errors import SendError
from channels.http import TIMEOUT, UPLOAD_TIMEOUT, Answer, exchange
from channels.telegram_errors import Refusal, meaning
from channels.telegram_wire import repaired

Result = TypeVar("Result")
_JSON = {"Content-Type": "application/json"}


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None


class _Envelope(msgspec.Struct, frozen=True):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = _Parameters()


_ALREADY_DONE = _Envelope(ok=True, result=msgspec.Raw(b"true"))
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


class BotApi:
    """The Bot API of one bot. Everything it raises is a `SendError`, and none tells the token."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str) -> None:
        # At DEBUG, the library writes down what is sent and to whom.
        logging.getLogger("telegram").setLevel(logging.INFO)
        self._session = session
        self._method_url = f"{api_url}/bot{token}/"
        request = _SharedSession(session)
        self.bot = _DiscreetBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=request,
            get_updates_request=request,
        )

    async def call(
        self,
        method: str,
        parameters: Mapping[str, Any],
        limits: aiohttp.ClientTimeout = TIMEOUT,
    ) -> msgspec.Raw:
        """The result of `method` as JSON; `true` where Telegram says that it was done already."""
        body = msgspec.json.encode(parameters)
        url = self._method_url + method
        answer = await exchange(self._session, "POST", url, data=body, headers=_JSON, timeout=limits)
        return _opened(answer).result


async def typed(call: Awaitable[Result]) -> Result:
    """The result of one of `Bot`'s methods; raises `SendError` like the bare calls."""
    try:
        return await call
    except _Refused as refused:
        error = refused.error
    raise error


def _opened(answer: Answer) -> _Envelope:
    envelope = _envelope(answer.body)
    if envelope.ok:
        return envelope
    error = meaning(
        Refusal(
            envelope.error_code or answer.status,
            envelope.description,
            envelope.parameters.retry_after,
            envelope.parameters.migrate_to_chat_id,
        )
    )
    if error is None:
        return _ALREADY_DONE
    raise error


def _envelope(body: bytes) -> _Envelope:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        return _decode_envelope(body)
    with suppress(ValueError, RecursionError):  # one odd character among 100 polled updates
        return _decode_envelope(repaired(body))
    return _Envelope(ok=False)


class _Refused(TelegramError):
    """Carries a `SendError` through `Bot`, which lets only errors of its own kind pass unchanged."""

    def __init__(self, error: SendError) -> None:
        super().__init__(str(error))
        self.error = error


class _DiscreetBot(Bot):
    def __repr__(self) -> str:
        return "Bot"  # the library's own shows the token


class _SharedSession(BaseRequest):
    """Lets `Bot` talk over the session that all channels share."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @property
    def read_timeout(self) -> float | None:
        """What the library adds its own waiting time to."""
        return TIMEOUT.total

    async def initialize(self) -> None:
        """Nothing to do: the session is open already."""

    async def shutdown(self) -> None:
        """Nothing to do: the session is others' too."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """Send one request of `Bot`'s; the time-outs are ours, not the library's."""
        uploads = request_data is not None and request_data.contains_files
        timeout = UPLOAD_TIMEOUT if uploads else TIMEOUT
        form = _form(request_data) if request_data else None
        try:
            answer = await exchange(self._session, method, url, data=form, timeout=timeout)
            return 200, msgspec.json.encode(_opened(answer))
        except SendError as error:
            refused = _Refused(error)
        raise refused


def _form(request_data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)  # else people see file names with %20
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    if request_data.contains_files:
        for name, (file_name, content, content_type) in request_data.multipart_data.items():
            form.add_field(name, content, filename=file_name, content_type=content_type)
    return form
