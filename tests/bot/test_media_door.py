"""The door at which providers fetch our files: only with a link of ours, only for an hour (S7, S8)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from itsdangerous import URLSafeTimedSerializer

from bot.web.media_door import LINK_LIVES_S, MediaDoor
from channels.message import Media

KEY = b"a key of the tests"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("not for anybody")
    media = tmp_path / "media"
    media.mkdir()
    (media / "plan.pdf").write_bytes(b"%PDF-1.7")
    (media / "page.html").write_text("<script>alert(1)</script>")
    return media


@pytest.fixture
def door(folder: Path) -> MediaDoor:
    return MediaDoor(KEY, "https://bot.example.org", folder)


@pytest.fixture
async def client(door: MediaDoor) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(door.routes)
    async with TestClient(TestServer(app)) as opened:
        yield opened


def path_of(url: str) -> str:
    assert url.startswith("https://bot.example.org/media/")
    return url.removeprefix("https://bot.example.org")


async def test_a_file_comes_with_its_type_and_its_own_name(
    client: Client, door: MediaDoor, folder: Path
) -> None:
    media = Media("document", str(folder / "plan.pdf"), "application/pdf", "Rübenplan.pdf")
    for method in ("HEAD", "GET"):
        answer = await client.request(method, path_of(door.url(media)))
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        disposition = answer.headers["Content-Disposition"]
        assert disposition == "inline; filename=\"R?benplan.pdf\"; filename*=UTF-8''R%C3%BCbenplan.pdf"
        assert await answer.read() == (b"%PDF-1.7" if method == "GET" else b"")


async def test_what_a_browser_would_run_is_only_saved(client: Client, door: MediaDoor, folder: Path) -> None:
    media = Media("document", str(folder / "page.html"), "text/html", 'a"\r\nSet-Cookie: x.html')
    answer = await client.get(path_of(door.url(media)))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "Set-Cookie" not in answer.headers


async def test_a_link_that_is_not_ours_or_is_too_old_leads_nowhere(
    client: Client, door: MediaDoor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = path_of(door.url(Media("document", str(folder / "plan.pdf"), "application/pdf")))
    stranger = URLSafeTimedSerializer(b"another key", salt="media").dumps(["plan.pdf", "text/plain", ""])
    for path in (link + "x", link[:-2], f"/media/{stranger}", "/media/plan.pdf", "/media/..%2Fsecret.txt"):
        assert (await client.get(path)).status == 404
    assert (await client.get(link)).status == 200
    monkeypatch.setattr("bot.web.media_door.LINK_LIVES_S", -1)
    assert LINK_LIVES_S == 3600
    assert (await client.get(link)).status == 404


async def test_no_file_outside_the_media_folder_can_be_meant(
    client: Client, door: MediaDoor, folder: Path
) -> None:
    with pytest.raises(ValueError, match="not in the subpath"):
        door.url(Media("document", str(folder / ".." / "secret.txt")))
    ours = URLSafeTimedSerializer(KEY, salt="media")
    for name in ("../secret.txt", "/etc/passwd", "", ".", "gone.pdf"):
        token = ours.dumps([name, "text/plain", ""])
        assert (await client.get(f"/media/{token}")).status == 404
