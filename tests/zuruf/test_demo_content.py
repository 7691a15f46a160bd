import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.content import Content, Organisation
from bot.menu_content import MENU, MenuRow, check_menu, rows_under
from broadcasts.topics import REGION, TOPIC, Region, Topic
from faq.knowledge_base import CATEGORY, ENTRY, Category, Entry, check_entries
from zuruf.demo import SAMPLE_CONTENT

QUESTIONS = SAMPLE_CONTENT / "questions.tsv"
OUT_OF_SCOPE = "oos"
MODELS = {kind.name: kind.model for kind in (CATEGORY, ENTRY, MENU, REGION, TOPIC)}


def read_items(folder: Path) -> dict[str, dict[str, BaseModel]]:
    items: dict[str, dict[str, BaseModel]] = defaultdict(dict)
    for path in sorted(folder.rglob("*.toml")):
        for kind, tables in tomllib.loads(path.read_text("utf-8")).items():
            for table in tables:
                assert table["id"] not in items[kind], f"{kind} {table['id']} stands there twice"
                items[kind][table["id"]] = MODELS[kind].model_validate(table)
    return items


@pytest.fixture(scope="module")
def content() -> Content:
    targets = frozenset({"faq", "agent", "topics", "move"})
    return Content(Organisation(), {}, read_items(SAMPLE_CONTENT), targets)


@pytest.fixture(scope="module")
def entries(content: Content) -> dict[str, Entry]:
    return content.all("entry", Entry)


@pytest.fixture(scope="module")
def questions() -> list[tuple[str, str]]:
    pairs = [line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines()]
    return [(question, expected) for question, expected in pairs]


def test_nothing_in_the_sample_content_needs_mending(content: Content) -> None:
    assert [*check_menu(content), *check_entries(content)] == []


def test_there_is_enough_to_ask_about(content: Content, entries: dict[str, Entry]) -> None:
    assert len(entries) >= 66
    assert len(content.all("category", Category)) >= 10
    assert {entry.category for entry in entries.values()} == set(content.all("category", Category))


def test_every_entry_is_asked_in_five_to_eight_ways_per_language(entries: dict[str, Entry]) -> None:
    for key, entry in entries.items():
        assert list(entry.wordings) == ["de", "en"], key
        for wording in entry.wordings.values():
            assert 5 <= len(set(wording.phrasings)) == len(wording.phrasings) <= 8, key


def test_the_menu_is_two_levels_deep_and_explains_its_rows(content: Content) -> None:
    rows = content.all("menu", MenuRow)
    first_level = {row.id for row in rows_under(content, "")}
    assert {row.under for row in rows.values()} <= {"", *first_level}
    for row in rows.values():
        assert row.description is not None, row.id
        assert max(map(len, row.description.values())) <= 72, row.id


def test_menu_rows_lead_to_entries_that_exist(content: Content, entries: dict[str, Entry]) -> None:
    leads = {row.leads_to for row in content.all("menu", MenuRow).values()}
    named = {lead.removeprefix("faq:") for lead in leads if lead.startswith("faq:")}
    assert named <= set(entries)
    assert {"agent", "topics"} <= leads


def test_there_are_five_regions_and_six_topics_two_of_them_regional(content: Content) -> None:
    topics = content.all("topic", Topic)
    assert "ochsenfurt" in content.all("region", Region)
    assert len(content.all("region", Region)) == 5
    assert len(topics) == 6
    assert {key for key, topic in topics.items() if topic.regional} == {"plant-protection", "events"}


def test_questions_to_measure_with_name_entries_and_a_quarter_is_out_of_scope(
    entries: dict[str, Entry], questions: list[tuple[str, str]]
) -> None:
    expected = [entry for _, entry in questions]
    assert len(questions) >= 220
    assert len({question.casefold() for question, _ in questions}) == len(questions)
    assert set(expected) == {*entries, OUT_OF_SCOPE}
    assert 0.2 <= expected.count(OUT_OF_SCOPE) / len(expected) <= 0.3


def test_no_question_to_measure_with_is_a_phrasing(
    entries: dict[str, Entry], questions: list[tuple[str, str]]
) -> None:
    wordings = [wording for entry in entries.values() for wording in entry.wordings.values()]
    phrasings = {phrasing.casefold() for wording in wordings for phrasing in wording.phrasings}
    assert not {question for question, _ in questions if question.casefold() in phrasings}
