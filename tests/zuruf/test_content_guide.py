"""The guide to content files, held against the program: what it shows can be imported."""

import re
from pathlib import Path

import pytest

from bot.content_files import read_folder
from bot.content_rules import ContentRules
from zuruf.app import content_rules, features
from zuruf.settings import load

GUIDE = Path(__file__).parents[2] / "docs" / "content.md"


@pytest.fixture
def rules() -> ContentRules:
    settings = load(None, {})
    return content_rules(settings, features(settings))


def test_the_guides_examples_import_without_a_problem(rules: ContentRules, tmp_path: Path) -> None:
    for number, example in enumerate(re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)):
        (tmp_path / f"{number}.toml").write_text(example, "utf-8")
    draft = read_folder(tmp_path, rules.kinds)
    assert draft.check(rules) == ()
    assert {kind for kind, _ in draft.items} == {kind.name for kind in rules.kinds}


def test_the_guide_names_every_place_that_a_row_may_lead_to(rules: ContentRules) -> None:
    guide = GUIDE.read_text("utf-8")
    assert [target for target in rules.targets if f"`{target}" not in guide] == []


def test_the_guide_names_every_kind_and_key(rules: ContentRules) -> None:
    guide = GUIDE.read_text("utf-8")
    keys = {key for kind in rules.kinds for key in kind.model.model_fields}
    assert [kind.name for kind in rules.kinds if f"`[[{kind.name}]]`" not in guide] == []
    assert [key for key in keys if f"`{key}`" not in guide] == []
