"""Calls to the Threema Gateway over the shared HTTP session.

Its secret goes into the address of every reading call, so no error from here may carry one.
"""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp

from channels.channel import ChannelMemory
from channels.errors import MediaGone, SendError, SendErrorKind
from channels.http import TRANSPORT_ERRORS, UPLOAD_TIMEOUT, Answer, exchange, transport_error
from channels.threema_blobs import MOST_BYTES
from channels.threema_errors import before_sending, meaning

CAPABILITIES_LIVE_S = 3600.0
_OVERHEAD_BYTES = 64  # of encryption
_THREEMA_ID = re.compile(r"[0-9A-Z*]{8}")
_HEX_64 = re.compile(r"[0-9a-fA-F]{64}")
_MESSAGE_ID = re.compile(r"[0-9a-fA-F]{16}")
_BLOB_ID = re.compile(r"[0-9a-fA-F]{32}")


class ThreemaApi:
    """One gateway id's calls. Everything it raises is a `SendError` or `MediaGone`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_url: str,
        gateway_id: str,
        secret: str,
        memory: ChannelMemory,
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._proof = _Proof({"from": gateway_id, "secret": secret})
        self._memory = memory

    async def known_key(self, threema_id: str) -> bytes | None:
        """Somebody's public key, if it was fetched before; a Threema ID keeps its key for life."""
        kept = await self._memory.get(f"key:{threema_id}")
        return bytes.fromhex(kept) if kept else None

    async def public_key(self, threema_id: str) -> bytes:
        """Somebody's public key, fetched where need be."""
        if known := await self.known_key(threema_id):
            return known
        if not _THREEMA_ID.fullmatch(threema_id):  # it becomes part of an address
            raise SendError(SendErrorKind.PERMANENT_RECIPIENT, code="no Threema ID", scope="recipient")
        text = await self._prepare("GET", f"/pubkeys/{threema_id}")
        if not _HEX_64.fullmatch(text):
            raise SendError(SendErrorKind.RETRY_FEW, code="no key")
        await self._memory.put(f"key:{threema_id}", text.lower())
        return bytes.fromhex(text)

    async def capabilities(self, threema_id: str) -> frozenset[str]:
        """What somebody's app can show: "text", "file", ..."""
        kept = await self._memory.get(f"can:{threema_id}")
        if kept is None:
            kept = await self._prepare("GET", f"/capabilities/{threema_id}")
            await self._memory.put(f"can:{threema_id}", kept[:500], ttl_s=CAPABILITIES_LIVE_S)
        return frozenset(kept.split(","))

    async def credits(self) -> int:
        """How many messages and files are paid for."""
        text = await self._prepare("GET", "/credits")
        if not text.isdecimal():
            raise SendError(SendErrorKind.RETRY_FEW, code="no credits told")
        return int(text)

    async def send(self, path: str, fields: Mapping[str, str]) -> str:
        """Send a message; its id."""
        answer = await exchange(
            self._session, "POST", self._api_url + path, data=urlencode({**self._proof, **fields}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        message_id = _said(answer)
        if not _MESSAGE_ID.fullmatch(message_id):
            raise SendError(SendErrorKind.RETRY_UNKNOWN, code="no id", maybe_sent=True)
        return message_id.lower()

    async def upload(self, blob: bytes) -> str:
        """Leave an encrypted file at Threema; its id."""
        form = aiohttp.FormData()
        # As a file: aiohttp would write bytes of this size without ever yielding to others.
        form.add_field("blob", BytesIO(blob), filename="blob", content_type="application/octet-stream")
        try:
            blob_id = await self._prepare("POST", "/upload_blob", data=form, timeout=UPLOAD_TIMEOUT)
        except SendError as error:
            if error.kind is SendErrorKind.PERMANENT_RECIPIENT:  # of whom this call knows nothing
                raise SendError(SendErrorKind.PERMANENT_CONTENT, code=error.code) from None
            raise
        if not _BLOB_ID.fullmatch(blob_id):
            raise SendError(SendErrorKind.RETRY_FEW, code="no blob")
        return blob_id.lower()

    async def download(self, blob_id: str) -> bytes:
        """An encrypted file; raises `MediaGone` where Threema has it no more, or it is too big for us."""
        url = f"{self._api_url}/blobs/{blob_id}?{urlencode(self._proof)}"
        most, failure = MOST_BYTES + _OVERHEAD_BYTES, None
        received = bytearray()
        try:
            async with self._session.get(url, allow_redirects=False, timeout=UPLOAD_TIMEOUT) as response:
                if response.status == 404:
                    raise MediaGone
                if response.status != 200:
                    raise meaning(response.status)
                async for chunk in response.content.iter_chunked(1 << 16):
                    received += chunk
                    if len(received) > most:
                        raise MediaGone(f"the file is over {MOST_BYTES // 1024**2} MB")
        except TRANSPORT_ERRORS as error:
            failure = transport_error(error)
        if failure:
            raise failure
        return bytes(received)

    async def _prepare(self, method: str, path: str, **options: Any) -> str:
        url = f"{self._api_url}{path}?{urlencode(self._proof)}"
        try:
            return _said(await exchange(self._session, method, url, **options))
        except SendError as error:
            failure = before_sending(error)
        raise failure


class _Proof(dict[str, str]):
    """Our name and secret, which nobody sees by printing what holds them."""

    def __repr__(self) -> str:
        return "{...}"


def _said(answer: Answer) -> str:
    if answer.status == 200:
        return answer.body.decode("utf-8", "replace").strip()
    after = answer.headers.get("Retry-After", "")
    raise meaning(answer.status, min(float(after), 3600.0) if after.isdecimal() else None)
