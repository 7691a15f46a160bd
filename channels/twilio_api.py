"""Calls to Twilio's REST interfaces over the shared HTTP session.

Not through the SDK's client: its asynchronous one has no time-outs, its blocking one does a quarter of the
sends. What is called is documented at twilio.com/docs/whatsapp/api.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import structlog

from channels.errors import SendError, SendErrorKind
from channels.http import Answer, exchange
from channels.twilio_errors import meaning

log = structlog.get_logger(__name__)

API_URL = "https://api.twilio.com"
CONTENT_URL = "https://content.twilio.com"
MOST_PAGES = 20
PAGE_SIZE = 1000
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}

Json = dict[str, Any]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TwilioApi:
    """One account's calls. Everything it raises is a `SendError`, and none tells a secret."""

    def __init__(
        self, session: aiohttp.ClientSession, api_url: str, account_sid: str, user: str, password: str
    ) -> None:
        self._session = session
        self.account_url = f"{api_url}/2010-04-01/Accounts/{account_sid}"
        self.content_url = CONTENT_URL if api_url == API_URL else api_url
        self._api_url = api_url
        proof = b64encode(f"{user}:{password}".encode()).decode()
        self.authorization = _Hidden({"Authorization": f"Basic {proof}"})

    async def send(self, fields: Mapping[str, str]) -> Json:
        """Create a message."""
        url = f"{self.account_url}/Messages.json"
        return await self._call("POST", url, _FORM, data=urlencode(fields).encode())

    async def create_content(self, content: Mapping[str, Any]) -> str:
        """Create a Content object; its sid."""
        url = f"{self.content_url}/v1/Content"
        created = await self._call("POST", url, _JSON, data=msgspec.json.encode(content))
        return str(created.get("sid", ""))

    async def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Json:
        """Read something."""
        return await self._call("GET", f"{url}?{urlencode(parameters)}" if parameters else url, {})

    async def pages(self, parameters: Mapping[str, str]) -> AsyncIterator[Sequence[Json]]:
        """The account's messages that fit, the newest first, a thousand at a time; at most 20,000."""
        page = await self.get(f"{self.account_url}/Messages.json", {**parameters, "PageSize": str(PAGE_SIZE)})
        for _ in range(MOST_PAGES):
            yield page.get("messages") or ()
            following = str(page.get("next_page_uri") or "")
            if not following.startswith("/2010-04-01/Accounts/"):
                return
            page = await self.get(self._api_url + following)
        log.warning("twilio.list_cut", most=MOST_PAGES * PAGE_SIZE)

    async def _call(self, method: str, url: str, headers: Mapping[str, str], **options: Any) -> Json:
        answer = await exchange(
            self._session, method, url, headers={**headers, **self.authorization}, **options
        )
        return opened(answer)


class _Hidden(dict[str, str]):
    """Headers that nobody sees by printing what holds them."""

    def __repr__(self) -> str:
        return "{...}"


def opened(answer: Answer) -> Json:
    """The JSON of a successful answer; raises what another one means."""
    try:
        body = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = {}
    if 200 <= answer.status < 300 and body:
        return body
    code = body.get("code")
    error = meaning(code if isinstance(code, int) else 0, answer.status, _seconds(answer))
    if answer.status >= 500 and not error.maybe_sent:
        error = SendError(SendErrorKind.RETRY_UNKNOWN, code=error.code, maybe_sent=True)
    raise error


def _seconds(answer: Answer) -> float | None:
    given = answer.headers.get("Retry-After", "")
    return min(float(given), 3600.0) if given.isdecimal() else None
