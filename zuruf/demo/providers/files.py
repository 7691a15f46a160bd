"""The files that people and the bot sent through a fake provider."""

from dataclasses import dataclass
from mimetypes import guess_extension
from typing import Any

MEBIBYTE = 1024 * 1024
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


def file_content(kind: str, stored: StoredFile, duration_s: int = 0) -> dict[str, Any]:
    """A file as a bubble's content; its fields are named as in Telegram's Bot API."""
    described: dict[str, Any] = stored.as_json()
    if kind == "photo":
        thumbnail = {**described, "width": 90, "height": 68}
        return {"photo": [thumbnail, {**described, "width": 1280, "height": 960}]}
    described["mime_type"] = stored.upload.content_type
    if kind in ("voice", "audio", "video"):
        described["duration"] = duration_s
    if kind != "voice" and stored.upload.file_name:
        described["file_name"] = stored.upload.file_name
    if kind == "video":
        described |= {"width": 1280, "height": 720}
    return {kind: described}


def kind_of(content_type: str) -> str:
    """Which kind of file a type is shown as."""
    family = content_type.partition("/")[0]
    return {"image": "photo", "video": "video"}.get(
        family, "voice" if content_type == "audio/ogg" else "audio" if family == "audio" else "document"
    )
