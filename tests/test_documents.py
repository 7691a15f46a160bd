"""The documents, held against the tree: what they link to and name is there."""

import importlib.util
import re
from pathlib import Path

import pytest

from channels.channel import Channel
from channels.registry import CHANNEL_KINDS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
NAMED = re.compile(r"`((?:bot|channels|faq|broadcasts|handoff|zuruf|tests|docs|benchmarks)/[\w./-]+\.\w+)`")
INVENTED = "pigeon"  # the channel that docs/adding-a-channel.md builds


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_named_file_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    links = [document.parent / link for link in LINK.findall(text)]
    named = [ROOT / name for name in NAMED.findall(text) if INVENTED not in name]
    assert [str(path) for path in (*links, *named) if not path.exists()] == []


def test_the_guide_to_channels_names_every_method_of_the_contract() -> None:
    guide = (ROOT / "docs" / "adding-a-channel.md").read_text("utf-8")
    methods = [name for name, thing in vars(Channel).items() if name[0] != "_" and callable(thing)]
    assert [name for name in (*methods, "capabilities") if f"`{name}" not in guide] == []


def test_the_table_of_features_is_what_the_adapters_say() -> None:
    path = ROOT / "docs" / "feature_matrix.py"
    spec = importlib.util.spec_from_file_location("feature_matrix", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text("utf-8")
    assert script.written(page) == page, "run: python docs/feature_matrix.py"
    assert set(CHANNEL_KINDS) == {kind for kind, _ in script.CONFIGURED.values()}
