"""Files that came in: fetched with the account's proof, which no other host ever sees.

The address of a file comes from outside, so it is held against what our own account's files look like
before anything is called. Twilio answers with a redirect to its store, which is followed without proof.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext

import aiohttp

from channels.errors import ChannelError, MediaGone, SendError, SendErrorKind
from channels.http import TRANSPORT_ERRORS, stream, transport_error
from channels.message import Media
from channels.twilio_api import TwilioApi
from channels.twilio_errors import meaning
from channels.twilio_store import checked, is_on_this_machine, public_session, refused

MOST_BYTES = 16 * 1024 * 1024
# Twilio's store may be a moment behind its webhook, and says 404 until then.
EARLY_S: Sequence[float] = (1.0, 3.0)
_FILE = re.compile(r"/Messages/[A-Za-z0-9]{1,64}/Media/[A-Za-z0-9]{1,64}")


class _NotYet(Exception):
    """404: not there, or not yet."""


async def download(api: TwilioApi, session: aiohttp.ClientSession, media: Media) -> AsyncIterator[bytes]:
    """The file's bytes in chunks; raises `MediaGone` or `SendError`."""
    url = media.reference
    if not (url.startswith(api.account_url) and _FILE.fullmatch(url.removeprefix(api.account_url))):
        raise MediaGone("the address is none of this account's files at Twilio")
    location = await _location_of(api, session, url)
    async with nullcontext(session) if is_on_this_machine(location) else public_session() as store:
        async for chunk in stream(store, location, MOST_BYTES, refused):
            yield chunk


async def _location_of(api: TwilioApi, session: aiohttp.ClientSession, url: str) -> str:
    """Where the file itself is; the one call that carries our proof."""
    for pause_s in (*EARLY_S, None):
        try:
            return await _redirect(api, session, url)
        except _NotYet:
            if pause_s is None:
                break
            await asyncio.sleep(pause_s)
    raise MediaGone("Twilio does not have the file")


async def _redirect(api: TwilioApi, session: aiohttp.ClientSession, url: str) -> str:
    failure: ChannelError
    try:
        async with session.get(url, headers=api.authorization, allow_redirects=False) as response:
            if response.status == 404:
                raise _NotYet
            if response.status in {301, 302, 303, 307, 308}:
                return checked(api.account_url, response.headers.get("Location", ""))
            failure = _refused(response.status)
    except TRANSPORT_ERRORS as error:
        failure = transport_error(error)
    raise failure


def _refused(status: int) -> ChannelError:
    if status in {404, 410}:
        return MediaGone()
    error = meaning(0, status)
    if error.kind is SendErrorKind.PERMANENT_CONTENT:
        return MediaGone(f"Twilio refuses the file ({status})")
    return SendError(error.kind, code=error.code, scope=error.scope)
