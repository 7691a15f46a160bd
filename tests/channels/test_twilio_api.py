"""Calls to Twilio: which hosts, what an answer means beyond its code, and how far a list is read."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from channels.errors import SendError, SendErrorKind
from channels.http import Answer, make_session
from channels.twilio_api import MOST_PAGES, TwilioApi, opened
from tests.channels.twilio_fake import ACCOUNT, SEND, TOKEN, Twilio, running_twilio

NEXT = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with running_twilio() as fake:
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as session:
        yield session


def api_at(api_url: str, http: aiohttp.ClientSession) -> TwilioApi:
    return TwilioApi(http, api_url, ACCOUNT, ACCOUNT, TOKEN)


async def test_twilio_has_a_host_for_content_and_another_server_has_it_all(
    http: aiohttp.ClientSession,
) -> None:
    real, other = api_at("https://api.twilio.com", http), api_at("http://127.0.0.1:1", http)
    assert real.account_url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}"
    assert real.content_url == "https://content.twilio.com"
    assert other.content_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("status", "body", "kind", "maybe_sent"),
    [
        (429, b'{"code": 20429}', SendErrorKind.RETRY_AFTER, False),
        (503, b'{"code": 20429}', SendErrorKind.RETRY_UNKNOWN, True),
        (500, b'{"code": 63019}', SendErrorKind.RETRY_UNKNOWN, True),
        (400, b'{"code": "63016"}', SendErrorKind.PERMANENT_CONTENT, False),
        (200, b"{}", SendErrorKind.RETRY_UNKNOWN, True),
        (200, b"\xff", SendErrorKind.RETRY_UNKNOWN, True),
    ],
)
def test_an_answer_after_which_a_message_may_have_gone_out_says_so(
    status: int, body: bytes, kind: SendErrorKind, maybe_sent: bool
) -> None:
    """Whatever code Twilio gives for its own trouble, the message may have been taken before it."""
    with pytest.raises(SendError, match=kind.value) as raised:
        opened(Answer(status, {}, body))
    assert (raised.value.kind, raised.value.maybe_sent) == (kind, maybe_sent)


@pytest.mark.parametrize(
    ("given", "seconds"), [("7", 7), ("99999999", 3600), ("", None), ("soon", None), ("-1", None)]
)
def test_a_pause_is_at_most_an_hour(given: str, seconds: float | None) -> None:
    """A slip of Twilio's must not silence the channel for good."""
    with pytest.raises(SendError, match="20429") as raised:
        opened(Answer(429, {"Retry-After": given}, b'{"code": 20429}'))
    assert raised.value.retry_after_s == seconds


@pytest.mark.parametrize(
    "following", ["", None, "@127.0.0.1:1/x", ".evil.example/x", "https://evil.example/x"]
)
async def test_the_next_page_is_one_of_our_account_or_there_is_none(
    twilio: Twilio, http: aiohttp.ClientSession, following: Any
) -> None:
    """Our proof goes with the call."""
    twilio.answer(SEND, (200, {"messages": [{"sid": "SM1"}], "next_page_uri": following}))
    pages = [page async for page in api_at(twilio.url, http).pages({})]
    assert pages == [[{"sid": "SM1"}]]
    assert len(twilio.calls) == 1


async def test_a_list_without_end_is_read_to_twenty_thousand(
    twilio: Twilio, http: aiohttp.ClientSession
) -> None:
    twilio.answer(SEND, (200, {"messages": [{"sid": "SM1"}], "next_page_uri": NEXT}))
    pages = [page async for page in api_at(twilio.url, http).pages({"To": "whatsapp:+12025550100"})]
    assert len(pages) == MOST_PAGES == 20
    assert twilio.asked(SEND)[0] == {"To": "whatsapp:+12025550100", "PageSize": "1000"}
    assert twilio.asked(SEND)[1] == {"Page": "1"}
