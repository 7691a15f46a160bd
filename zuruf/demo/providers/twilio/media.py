"""Files that people sent: named in webhooks, asked for with the account's proof, kept by another host."""

from collections.abc import Mapping

from aiohttp import web

from zuruf.demo.providers.chats import Json
from zuruf.demo.providers.files import StoredFile
from zuruf.demo.providers.twilio.rules import not_found

_ANOTHER_HOST = "localhost"  # the same machine, by another name


class MediaStore:
    """One account's files, until somebody deletes them."""

    def __init__(self) -> None:
        self.early_404s = 0  # how many of the next questions come before the store knows the file
        self.saw_proof = False  # somebody showed the account's proof to the other host
        self._files: dict[str, Mapping[str, StoredFile]] = {}  # message sid -> media sid -> file

    def keep(self, message_sid: str, file: StoredFile) -> str:
        """Keep a message's one file; its path below the account's."""
        media_sid = f"ME{int(file.file_id[-8:]):032x}"
        self._files[message_sid] = {media_sid: file}
        return f"/Messages/{message_sid}/Media/{media_sid}"

    def where(self, message_sid: str, media_sid: str, port: int) -> web.Response:
        """The redirect to the host that has the file; raises `Refused`."""
        if self.early_404s:
            self.early_404s -= 1
            raise not_found()
        self._file(message_sid, media_sid)
        store = f"http://{_ANOTHER_HOST}:{port}/cdn/{message_sid}/{media_sid}?Expires=1&Signature=x"
        return web.Response(status=307, headers={"Location": store})

    def fetch(self, request: web.BaseRequest) -> web.Response:
        """The file itself, from the other host."""
        self.saw_proof |= "Authorization" in request.headers
        message_sid, _, media_sid = request.path.removeprefix("/cdn/").partition("/")
        upload = self._file(message_sid, media_sid).upload
        return web.Response(body=upload.content, content_type=upload.content_type)

    def page(self, message_sid: str) -> Json:
        """A message's files, as the REST interface lists them."""
        files = self._files.get(message_sid, {}).items()
        listed = [{"sid": sid, "content_type": stored.upload.content_type} for sid, stored in files]
        return {"media_list": listed, "next_page_uri": None}

    def delete(self, message_sid: str, media_sid: str) -> None:
        """Forget a file; raises `Refused`."""
        self._file(message_sid, media_sid)
        del self._files[message_sid]

    def _file(self, message_sid: str, media_sid: str) -> StoredFile:
        stored = self._files.get(message_sid, {}).get(media_sid)
        if stored is None:
            raise not_found()
        return stored
