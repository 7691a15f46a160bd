"""Writes the live content to files that import again to the same content."""

import asyncio
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import uuid4

from bot.content import ContentKind, fill
from bot.content_files import content_files
from bot.content_rows import LiveItem, read_items
from bot.content_toml import item_toml
from bot.database import Database

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9-]+")


class FolderNotEmpty(Exception):
    """The folder to export to holds something already."""


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """What an export wrote."""

    files: int
    items: int


async def export_content(
    database: Database, kinds: Sequence[ContentKind], folder: Path, *, force: bool = False
) -> ExportCounts:
    """Write the live content of `kinds` below `folder`; the order of items is kept within each file.

    Nothing changes at `folder` before all is written. With `force` the folder may be in use: its content
    files are replaced, and whatever else is there stays. Raises FolderNotEmpty without.
    """
    live = await database.read(read_items)
    items = [item for item in live.values() if not item.removed]
    files = to_files(kinds, items)
    names = {kind.name for kind in kinds}
    await asyncio.to_thread(_put_in_place, folder, files, names, force=force)
    return ExportCounts(len(files), sum(item.kind in names for item in items))


def to_files(kinds: Sequence[ContentKind], items: Sequence[LiveItem]) -> dict[PurePosixPath, str]:
    """The files that hold the items, by path."""
    written: dict[PurePosixPath, list[str]] = {}
    for kind in kinds:
        for item in items:
            if item.kind == kind.name:
                written.setdefault(_file(kind, item), []).append(item_toml(kind.name, item.body))
    return {path: "\n".join(texts) for path, texts in _in_order(written).items()}


def _file(kind: ContentKind, item: LiveItem) -> PurePosixPath:
    names = {
        key: _NOT_IN_A_NAME.sub("-", value.lower())
        for key, value in item.body.items()
        if isinstance(value, str)
    }
    return PurePosixPath(fill(kind.file or f"{kind.name}.toml", names))


def _in_order(files: Mapping[PurePosixPath, list[str]]) -> dict[PurePosixPath, list[str]]:
    """Number the files of a folder whose names would bring their items into another order."""
    numbered: dict[PurePosixPath, PurePosixPath] = {}
    for folder in dict.fromkeys(path.parent for path in files if path.parent.name):
        paths = [path for path in files if path.parent == folder]
        if paths != sorted(paths):
            width = len(str(len(paths)))
            numbered |= {
                path: folder / f"{place:0{width}}-{path.name}" for place, path in enumerate(paths, 1)
            }
    return {numbered.get(path, path): texts for path, texts in files.items()}


def _put_in_place(folder: Path, files: Mapping[PurePosixPath, str], kinds: set[str], *, force: bool) -> None:
    folder = folder.resolve()
    exists = folder.exists()
    if exists and (not folder.is_dir() or (any(folder.iterdir()) and not force)):
        raise FolderNotEmpty(str(folder))
    # An existing folder may be a mount of its own: what is renamed has to be on the same side.
    staged = (folder if exists else folder.parent) / f".{uuid4().hex}"
    try:
        _write(staged, files)
        if exists:
            _replace_content(folder, staged, kinds)
        else:
            staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write(folder: Path, files: Mapping[PurePosixPath, str]) -> None:
    folder.mkdir(parents=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="\n")


def _replace_content(folder: Path, staged: Path, kinds: set[str]) -> None:
    stale = [file for file in content_files(folder) if _holds_content(file, kinds)]
    new = [file.relative_to(staged) for file in content_files(staged)]
    for file in new:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (staged / file).replace(folder / file)
    for file in stale:
        if file.relative_to(folder) not in new:
            file.unlink()


def _holds_content(file: Path, kinds: set[str]) -> bool:
    # Anything else with that ending, a configuration perhaps, is not ours to remove.
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(tables) and tables.keys() <= kinds
