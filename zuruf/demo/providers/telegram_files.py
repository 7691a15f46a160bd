"""The files that people and the bot sent through the fake Telegram."""

from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_extension
from urllib.parse import urlsplit

import aiohttp

from bot.web.shell import LOOPBACK_HOSTS
from zuruf.demo.providers.telegram_rules import Refused, bad_request

MEBIBYTE = 1024 * 1024
MOST_DOWNLOAD_BYTES = 20 * MEBIBYTE
MOST_UPLOAD_BYTES = {"photo": 10 * MEBIBYTE}
MOST_OTHER_UPLOAD_BYTES = 50 * MEBIBYTE
FOLDERS = {"photo": "photos", "voice": "voice", "video": "videos", "audio": "music", "document": "documents"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart call."""

    file_name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the provider keeps it."""

    file_id: str
    path: str  # below /file/bot<token>/
    upload: Upload

    def as_json(self) -> dict[str, object]:
        """What every kind of file object has in common."""
        size = len(self.upload.content)
        return {"file_id": self.file_id, "file_unique_id": f"U{self.file_id[-8:]}", "file_size": size}


class Files:
    """Files by id and by path."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def keep(self, kind: str, upload: Upload) -> StoredFile:
        """Store a file of this kind (`photo`, `voice`, `video`, `audio`, `document`)."""
        number = len(self._by_id) + 1
        extension = guess_extension(upload.content_type) or ".bin"
        stored = StoredFile(f"AgFAKE{number:08d}", f"{FOLDERS[kind]}/file_{number}{extension}", upload)
        self._by_id[stored.file_id] = self._by_path[stored.path] = stored
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        """The file of that id."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """The file of that path."""
        return self._by_path.get(path)

    async def named(self, kind: str, value: object, uploads: Mapping[str, Upload]) -> StoredFile:
        """The file that a sending call means: an upload, a file id, or a URL on this machine."""
        if isinstance(value, Upload):
            return self._admit(kind, value)
        name = str(value or "")
        if name.startswith("attach://") and name[9:] in uploads:
            return self._admit(kind, uploads[name[9:]])
        if name.startswith(("http://", "https://")):
            return self._admit(kind, await _downloaded(name))
        known = self._by_id.get(name)
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
