"""Files that come with messages, with the real Telegram adapter: after the 200, again after failures."""

from pathlib import Path
from typing import Any

import pytest

from tests.zuruf.whole_app import Whole, whole_gateway
from zuruf.demo.providers.faults import Answer, Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.telegram.files import MOST_DOWNLOAD_BYTES

GET_FILE = frozenset({"getFile"})
PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 300


async def media_row(whole: Whole) -> Any:
    rows = await whole.rows("SELECT state, path, size_bytes, attempts, file_name FROM media")
    return rows[0] if rows else None


async def test_a_photo_is_acknowledged_first_and_fetched_then(tmp_path: Path, database_url: str) -> None:
    async with whole_gateway(tmp_path, database_url) as whole:
        whole.provider.faults.switch_on("slow", Fault(latency_s=0.3, methods=GET_FILE))
        photo = whole.provider.send_photo(whole.provider.chat(1), PICTURE, "Mein Feld")
        await whole.provider.until(lambda: photo.accepted)
        assert (await media_row(whole))[0] == "pending"
        state, path, size, attempts, _ = await _settled(whole)
        assert (state, size, attempts) == ("stored", len(PICTURE), 1)
        assert (tmp_path / "media" / path).read_bytes() == PICTURE


async def test_a_failed_fetch_is_tried_again(tmp_path: Path, database_url: str) -> None:
    async with whole_gateway(tmp_path, database_url) as whole:
        whole.provider.faults.plan(
            Fault(answer=Answer(500), methods=GET_FILE), Fault(cuts=True, methods=GET_FILE)
        )
        whole.provider.send_photo(whole.provider.chat(1), PICTURE)
        state, path, _, attempts, _ = await _settled(whole)
        assert (state, attempts) == ("stored", 3)
        assert [file.name for file in _files(tmp_path)] == [Path(path).name], "no halves are left behind"


async def test_a_file_over_the_providers_limit_is_gone_and_never_asked_for(
    tmp_path: Path, database_url: str
) -> None:
    async with whole_gateway(tmp_path, database_url) as whole:
        big = Upload("film.bin", "application/octet-stream", bytes(MOST_DOWNLOAD_BYTES + 1))
        whole.provider.send_document(whole.provider.chat(1), big)
        assert (await _settled(whole))[0] == "gone"
        assert not _files(tmp_path)
        assert not [name for name, _ in whole.provider.calls if name == "getFile"]


@pytest.mark.parametrize("name", ["../../../evil.sh", "/etc/passwd", "..\\evil", "a\nb", ".", "x" * 300])
async def test_no_name_from_outside_decides_where_a_file_lies(tmp_path: Path, name: str) -> None:
    async with whole_gateway(tmp_path, f"sqlite:///{tmp_path}/zuruf.db") as whole:
        whole.provider.send_document(whole.provider.chat(1), Upload(name, "text/html", b"<script>"))
        state, path, _, _, shown = await _settled(whole)
        assert (state, shown) == ("stored", name)
        found = _files(tmp_path)
        assert [str(file.relative_to(tmp_path / "media")) for file in found] == [path]
        assert set(found[0].name) <= set("0123456789abcdef")
        assert len(found[0].name) == 32


def _files(folder: Path) -> list[Path]:
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


async def _settled(whole: Whole) -> Any:
    """The row of the one file, as soon as it is not pending any more."""
    row = None
    for _ in range(1500):
        row = await media_row(whole)
        if row and row[0] != "pending":
            return row
        await whole.pause()
    raise AssertionError(f"still {row}")
