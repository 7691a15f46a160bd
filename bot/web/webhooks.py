"""The door that messengers knock at: verify, parse, store, and only then say 200."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web

from bot.commits import DatabaseUnavailable
from channels.channel import Channel, WebhookRequest
from channels.errors import Unreadable, WebhookRejected
from channels.message import Event, UnreadableEvent

log = structlog.get_logger(__name__)

MOST_BODY_BYTES = 1024 * 1024  # every provider's webhooks are far smaller; media comes by reference
BODY_TIMEOUT_S = 10
Accept = Callable[[str, Sequence[Event]], Awaitable[Any]]


class WebhookDoor:
    """Turns providers' calls into events. Its answers decide whether a provider comes back:

    403 not the provider; 404 no such channel; 408, 413 unreasonable; 503 our database's trouble, come
    back; 200 for everything else, understood or not, because a refusal would be repeated for ever.
    """

    def __init__(self, channels: Mapping[str, Channel], accept: Accept) -> None:
        self._channels = channels
        self._accept = accept

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes on the server's port."""
        return [
            web.post("/webhooks/{channel}", self.receive),
            web.post("/webhooks/{channel}/status", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Take one call from a provider."""
        channel = self._channels.get(request.match_info["channel"])
        if channel is None or channel.polls:
            return web.Response(status=404)
        call = WebhookRequest(
            request.method, request.raw_path, request.headers, await _body(request), request.query
        )
        try:
            channel.verify(call)
        except WebhookRejected:
            log.warning("webhook.rejected", channel=channel.name)
            return web.Response(status=403)
        try:
            await self._take(channel, call)
        except DatabaseUnavailable as down:
            log.error("webhook.not_stored", channel=channel.name, reason=str(down))
            return web.Response(status=503, headers={"Retry-After": "5"})
        return web.Response(body=channel.acknowledgement, content_type=channel.acknowledgement_type)

    async def _take(self, channel: Channel, call: WebhookRequest) -> None:
        try:
            events = await channel.parse(call)
        except DatabaseUnavailable:
            raise  # what the adapter remembers could not be read: the provider has to come back
        except Exception as error:
            if not isinstance(error, Unreadable):
                log.exception("webhook.parse_crashed", channel=channel.name)
            reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
            log.warning("webhook.unreadable", channel=channel.name, size_bytes=len(call.body))
            events = [_put_aside(call, reason)]
        try:
            if events:
                await self._accept(channel.name, events)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            # It would fail the same way each time it comes back, and hold up what comes after it.
            log.exception("webhook.not_storable", channel=channel.name)
            await self._accept(channel.name, [_put_aside(call, type(error).__name__)])


def _put_aside(call: WebhookRequest, reason: str) -> UnreadableEvent:
    key = "unreadable:" + hashlib.sha256(call.body).hexdigest()
    return UnreadableEvent(dedupe_key=key, reason=reason, body=call.body)


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        raise
    except Exception as error:
        # A body that does not decompress reaches us as whatever the decoder raises.
        log.warning("webhook.bad_body", error=type(error).__name__)
        raise web.HTTPBadRequest from None
