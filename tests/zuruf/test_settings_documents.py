"""No key without an explanation: the example and the document, held against the models."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from channels.channel import ChannelConfig
from channels.registry import CHANNEL_KINDS
from zuruf.settings import Settings, load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"
DOCUMENT = ROOT / "docs" / "configuration.md"
NAMED_BY_CHANNEL = {"channels", "prices"}  # their keys depend on what is configured


def leaf_keys(model: type[BaseModel], above: str = "") -> dict[str, Any]:
    """Every key that can be set below `model`, with its default."""
    keys: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        if path in NAMED_BY_CHANNEL:
            continue
        tables = [each for each in (field.annotation, *get_args(field.annotation)) if is_table(each)]
        if tables:
            keys |= leaf_keys(tables[0], f"{path}.")
        else:
            keys[path] = None if field.default is PydanticUndefined else field.default
    return keys


def is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def channel_keys() -> set[str]:
    return {key for kind in CHANNEL_KINDS.values() for key in kind.Config.model_fields}


def all_uncommented() -> str:
    """The example with all optional keys in use."""
    return re.sub(r"(?m)^# (?=\[[a-z_.]+\]$|[a-z_]+ = )", "", EXAMPLE.read_text("utf-8"))


def test_the_example_is_a_valid_configuration() -> None:
    assert load(EXAMPLE, {}).unused() == []


def test_the_example_is_valid_with_all_optional_keys_in_use(tmp_path: Path) -> None:
    full = tmp_path / "config.toml"
    full.write_text(all_uncommented(), "utf-8")
    assert load(full, {}).mail is not None


def test_every_key_stands_in_the_example_below_a_line_that_explains_it() -> None:
    explained: set[str] = set()
    table, lines = "", all_uncommented().splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        header, key = re.fullmatch(r"\[([a-z_.]+)\]", line), re.match(r"([a-z_]+) = ", line)
        table = header[1] if header else table
        if key and before.startswith("# "):
            explained.add(f"{table}.{key[1]}")
    assert set(leaf_keys(Settings)) - explained == set()
    told = {key.split(".")[-1] for key in explained if key.startswith("channels.")}
    assert channel_keys() - told == set()


def test_the_defaults_that_the_example_names_are_the_real_ones() -> None:
    default_line = r'(?m)^# .*Default: (\[.*?\]|".*?"|[\d.]*\d).*\n(?:# )?([a-z_]+) = '
    named = re.findall(default_line, EXAMPLE.read_text("utf-8"))
    defaults: dict[str, set[str]] = {}
    for key, value in leaf_keys(Settings).items():
        defaults.setdefault(key.split(".")[-1], set()).add(as_toml(value))
    wrong = [f"{key}: {said}" for said, key in named if said not in defaults.get(key, {said})]
    assert len(named) > 10
    assert wrong == []


def test_the_table_of_keys_has_every_key_with_its_default_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| `([a-z_.]+)` \| (.*?) \|", DOCUMENT.read_text("utf-8"))
    expected = {key: shown(default) for key, default in leaf_keys(Settings).items()}
    assert {key: default for key, default in rows if "." in key} == expected


def as_toml(default: object) -> str:
    if isinstance(default, tuple):
        return f"[{', '.join(map(as_toml, default))}]"
    return str(default) if isinstance(default, int | float) else f'"{default}"'


def shown(default: object) -> str:
    if default is None:
        return "–"
    values = default if isinstance(default, tuple) else (default,)
    return ", ".join(f"`{value}`" for value in values) or "–"


@pytest.mark.parametrize("kind", sorted(CHANNEL_KINDS))
def test_the_keys_of_every_kind_of_channel_are_in_the_document(kind: str) -> None:
    text = DOCUMENT.read_text("utf-8")
    assert f"### `{kind}`" in text
    chapter = text.split(f"### `{kind}`")[1].split("\n#")[0]
    documented = set(re.findall(r"(?m)^\| `([a-z_]+)` \|", chapter))
    own = set(CHANNEL_KINDS[kind].Config.model_fields) - set(ChannelConfig.model_fields)
    assert documented == own
