import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zuruf.settings import ConfigurationError, Settings, hash_key, load


def stored_at(folder: Path, **values: str) -> Settings:
    environ = {"ZURUF_STORAGE__DATABASE": f"sqlite:///{folder}/zuruf.db", **values}
    return load(None, {**environ, "ZURUF_STORAGE__MEDIA": f"{folder}/media"})


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    settings = stored_at(tmp_path / "data")
    key = hash_key(settings)
    file = tmp_path / "data" / "zuruf.db.key"
    assert len(key) == 64
    assert hash_key(settings) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [file.name]


def test_whoever_asks_at_the_same_time_gets_the_same_key(tmp_path: Path) -> None:
    settings = stored_at(tmp_path)
    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(lambda _: hash_key(settings), range(64)))) == 1


def test_the_content_of_the_key_file_can_be_moved_into_the_configuration(tmp_path: Path) -> None:
    made = hash_key(stored_at(tmp_path))
    moved = (tmp_path / "zuruf.db.key").read_text().strip()
    assert hash_key(stored_at(tmp_path / "elsewhere", ZURUF_PRIVACY__HASH_KEY=moved)) == made
    assert not (tmp_path / "elsewhere").exists()


def test_with_postgresql_the_key_lies_above_the_media(tmp_path: Path) -> None:
    settings = stored_at(tmp_path, ZURUF_STORAGE__DATABASE="postgresql://u:p@host/zuruf")
    assert hash_key(settings) == (tmp_path / "zuruf.key").read_bytes().strip()


def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "zuruf.db.key"
    file.write_text("")
    with pytest.raises(ConfigurationError, match="shorter than 32"):
        hash_key(stored_at(tmp_path))
    assert file.read_text() == ""
