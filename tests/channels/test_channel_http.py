"""The shared HTTP session: what goes wrong on the wire, and what it means for a message."""

import asyncio
import re
import socket
import traceback

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.errors import SendError, SendErrorKind
from channels.http import exchange, make_session, status_error
from channels.registry import CHANNEL_KINDS

SECRET = "secret-in-the-path"
BRIEF = aiohttp.ClientTimeout(total=0.2)


async def failed(url: str) -> SendError:
    """How a POST to `url` fails; checked for the secret in it."""
    async with make_session() as http:
        with pytest.raises(SendError) as raised:
            await exchange(http, "POST", url, timeout=BRIEF)
    assert raised.value.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    return raised.value


def serving(handler: object) -> TestServer:
    """A server with one handler for everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]  # any handler
    return TestServer(app)


async def test_what_never_left_may_be_tried_again() -> None:
    """Refused, or no address at all."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        refused = await failed(f"http://127.0.0.1:{unused.getsockname()[1]}/{SECRET}")
    nowhere = await failed(f"http://:0/{SECRET}")
    for error in (refused, nowhere):
        assert (error.kind, error.maybe_sent) == (SendErrorKind.RETRY_FEW, False)


async def test_what_was_cut_off_may_have_been_sent() -> None:
    """Before the answer, or in the middle of it."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        if request.path.endswith("late"):
            await response.prepare(request)
            await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(cut) as server:
        for path in ("early", "late"):
            error = await failed(str(server.make_url(f"/{SECRET}/{path}")))
            assert (error.kind, error.maybe_sent) == (SendErrorKind.RETRY_UNKNOWN, True)


async def test_what_was_never_answered_may_have_been_sent() -> None:
    """The time-out ends the wait, and says nothing of what the provider did."""

    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with serving(hang) as server:
        error = await failed(str(server.make_url(f"/{SECRET}")))
    assert (error.kind, error.maybe_sent) == (SendErrorKind.RETRY_UNKNOWN, True)


async def test_redirects_and_cookies_are_not_followed() -> None:
    """What a provider says goes to the adapter; nowhere else is called with its secrets."""
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        assert not request.cookies
        return web.Response(status=302, headers={"Location": "/other", "Set-Cookie": "a=b"})

    async with serving(elsewhere) as server, make_session() as http:
        for _ in range(2):
            answer = await exchange(http, "POST", str(server.make_url("/first")))
            assert (answer.status, answer.headers["Location"]) == (302, "/other")
    assert asked == ["/first", "/first"]


@pytest.mark.parametrize(
    ("status", "kind", "maybe_sent"),
    [
        (200, SendErrorKind.RETRY_UNKNOWN, True),
        (302, SendErrorKind.STOP_CHANNEL, False),
        (418, SendErrorKind.PERMANENT_CONTENT, False),
        (500, SendErrorKind.RETRY_UNKNOWN, True),
        (599, SendErrorKind.RETRY_UNKNOWN, True),
    ],
)
def test_a_status_that_no_table_knows_has_a_meaning(
    status: int, kind: SendErrorKind, maybe_sent: bool
) -> None:
    """A 4xx is our fault, a 5xx theirs."""
    error = status_error(status)
    assert (error.kind, error.maybe_sent, error.code) == (kind, maybe_sent, str(status))


def test_every_adapter_is_registered_under_its_own_kind() -> None:
    """And the kind is a word for `config.toml`."""
    assert CHANNEL_KINDS
    for kind, adapter in CHANNEL_KINDS.items():
        assert adapter.kind == kind
        assert re.fullmatch(r"[a-z][a-z-]*", kind)
