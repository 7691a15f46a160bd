"""The files of the fake Telegram, within its limits and under the names by which calls mean them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.files import MEBIBYTE, Files, StoredFile, Upload
from zuruf.demo.providers.telegram.rules import Refused, bad_request

MOST_DOWNLOAD_BYTES = 20 * MEBIBYTE
MOST_UPLOAD_BYTES = {"photo": 10 * MEBIBYTE}
MOST_OTHER_UPLOAD_BYTES = 50 * MEBIBYTE


class TelegramFiles(Files):
    """Files as the Bot API takes them."""

    async def named(self, kind: str, value: object, uploads: Mapping[str, Upload]) -> StoredFile:
        """The file that a sending call means: an upload, a file id, or a URL on this machine."""
        if isinstance(value, Upload):
            return self._admit(kind, value)
        name = str(value or "")
        if name.startswith("attach://") and name[9:] in uploads:
            return self._admit(kind, uploads[name[9:]])
        if name.startswith(("http://", "https://")):
            return self._admit(kind, await _downloaded(name))
        known = self.by_id(name)
        if known is None:
            raise bad_request("wrong file identifier/HTTP URL specified" if name else f"there is no {kind}")
        return known

    def _admit(self, kind: str, upload: Upload) -> StoredFile:
        if not upload.content:
            raise bad_request("file must be non-empty")
        if len(upload.content) > MOST_UPLOAD_BYTES.get(kind, MOST_OTHER_UPLOAD_BYTES):
            raise Refused(413, "Request Entity Too Large")
        return self.keep(kind, upload)


async def _downloaded(url: str) -> Upload:
    if urlsplit(url).hostname not in LOOPBACK_HOSTS:
        raise bad_request("failed to get HTTP URL content")
    limits = aiohttp.ClientTimeout(total=20)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits, trust_env=False) as session,
            session.get(url) as page,
        ):
            if page.status == 200:
                name = urlsplit(url).path.rpartition("/")[2]
                return Upload(name, page.content_type, await page.read())
    except (aiohttp.ClientError, OSError):
        pass
    raise bad_request("failed to get HTTP URL content")
