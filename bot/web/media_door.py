"""Where providers fetch the files that we send: signed addresses that expire.

Some providers take a file only as an address on the internet. Ours says in itself which file it means,
and until when; nobody can make one up, and nothing outside the media folder can be meant.
"""

import asyncio
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from channels.message import Media

LINK_LIVES_S = 3600  # providers fetch within seconds, but may queue a message for a while
# What a browser would run is handed out as a file to save, should anybody open the link in one.
SHOWN = ("image/jpeg", "image/png", "image/webp", "audio/", "video/", "application/pdf", "text/vcard")
# Nothing that a browser would run either, and providers go by the type.
SAVED = ("application/msword", "application/vnd.", "text/plain", "text/csv")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}


class MediaDoor:
    """Makes the addresses, and serves what they mean."""

    def __init__(self, key: bytes, public_url: str, folder: Path) -> None:
        self._signer = URLSafeTimedSerializer(key, salt="media")
        self._public_url = public_url
        self._folder = folder.resolve()

    @property
    def routes(self) -> list[web.RouteDef]:
        """The route on the server's port."""
        return [web.get("/media/{token}", self.serve)]

    def url(self, media: Media) -> str:
        """The address of a file in the media folder; raises ValueError for any other file."""
        path = Path(media.reference).resolve().relative_to(self._folder)
        token = self._signer.dumps([str(path), media.content_type, media.file_name])
        return f"{self._public_url}/media/{token}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The file, its type and its name; 404 for whatever is not a valid, fresh link to a file."""
        try:
            name, content_type, file_name = self._signer.loads(
                request.match_info["token"], max_age=LINK_LIVES_S
            )
        except BadData:
            raise web.HTTPNotFound from None
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not await asyncio.to_thread(path.is_file):
            raise web.HTTPNotFound
        shown = content_type.startswith(SHOWN)
        told = content_type if shown or content_type.startswith(SAVED) else "application/octet-stream"
        headers = {
            **HEADERS,
            "Content-Type": told,
            "Content-Disposition": _disposition("inline" if shown else "attachment", file_name or path.name),
        }
        return web.FileResponse(path, headers=headers)


def _disposition(how: str, file_name: str) -> str:
    """With the name in both spellings of RFC 6266: whoever knows the second sees the umlauts."""
    plain = file_name.encode("ascii", "replace").decode().translate(str.maketrans('"\\', "__"))
    simple = "".join(character for character in plain if character.isprintable())
    return f"{how}; filename=\"{simple}\"; filename*=UTF-8''{quote(file_name, safe='', errors='replace')}"
