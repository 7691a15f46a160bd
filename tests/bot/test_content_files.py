"""Content files: what is read, and what an editor is told of mistakes."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import TEXT, Organisation
from bot.content_files import ContentDraft, read_folder
from bot.content_problems import FileProblem
from bot.content_rules import ContentRules, body_of
from bot.content_toml import item_toml
from bot.menu_content import MENU
from bot.toml_lines import key_lines
from broadcasts.topics import REGION, TOPIC
from faq.knowledge_base import CATEGORY, ENTRY

KINDS = (TEXT, MENU, CATEGORY, ENTRY, REGION, TOPIC)
RULES = ContentRules(
    KINDS, Organisation(), {"greeting": {"de": "Hallo", "en": "Hello"}}, frozenset({"faq", "agent"})
)
MENU_FILE = """
[[menu]]
id = "people"
title = { de = "Mensch", en = "Person" }
leads_to = "agent"
"""

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, text: str) -> Path:
        file = tmp_path / "content" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return tmp_path / "content"

    return put


def problems_of(folder: Path) -> tuple[FileProblem, ...]:
    return read_folder(folder, KINDS).check(RULES)


def only_problem(folder: Path) -> FileProblem:
    (problem,) = problems_of(folder)
    return problem


def entry(key: str, phrasing: str, category: str = "prices") -> str:
    wordings = "".join(
        f'[entry.{language}]\ntitle = "{key}"\nphrasings = ["{phrasing} {language}"]\nanswer = "Ja."\n'
        for language in ("de", "en")
    )
    return f'[[entry]]\nid = "{key}"\ncategory = "{category}"\n{wordings}\n'


def ids(draft: ContentDraft, kind: str) -> list[str]:
    return [key for each, key in draft.items if each == kind]


def test_items_are_in_the_order_of_the_files_and_then_as_they_stand(write: Write) -> None:
    category = '[[category]]\nid = "prices"\ntitle = { de = "Preise", en = "Prices" }\n'
    write("faq/b.toml", entry("third", "c"))
    folder = write("faq/a.toml", category + entry("second", "b") + entry("first", "a"))
    draft = read_folder(folder, KINDS)
    assert draft.check(RULES) == ()
    assert ids(draft, "entry") == ["second", "first", "third"]


def test_a_single_file_can_be_read_as_well(write: Write) -> None:
    folder = write("menu.toml", MENU_FILE)
    assert ids(read_folder(folder / "menu.toml", KINDS), "menu") == ["people"]


def test_hidden_files_and_folders_are_left_alone(write: Write) -> None:
    write(".git/menu.toml", "nonsense")
    folder = write("menu.toml", MENU_FILE)
    assert problems_of(folder) == ()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "menu.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (MENU_FILE + 'titel = "x"\n').replace("\n", "\r\n").encode())
    assert only_problem(file).line == 6


@pytest.mark.parametrize(
    ("text", "line", "message", "cure"),
    [
        ('[[menu]]\nid = "a"\nid = "b"\n', 3, "Cannot overwrite a value", "each key once"),
        ('[[menu]]\nid = "a"\ntext = "', 3, "is not TOML", "in quotes"),
        ("[[menue]]\n", 1, '"menue" is unknown', 'did you mean "menu"?'),
        ("[[xyz]]\n", 1, '"xyz" is unknown', "there are: category, entry, menu"),
        ('\n[menu]\nid = "a"\n', 2, "is no list of items", "[[menu]]"),
        ('menu = ["a"]\n', 1, "is no list of items", "[[menu]]"),
        (MENU_FILE + 'titel = "x"\n', 6, 'key "titel" is unknown', 'did you mean "title"?'),
        (MENU_FILE.replace('"people"', '"Main Menu"'), 3, '"Main Menu" is not allowed', "hyphens"),
        (MENU_FILE.replace('id = "people"\n', ""), 2, '"id" is missing', "id = ..."),
        (MENU_FILE.replace('"Person"', '" "'), 4, 'the text for "en" is empty', ""),
        (MENU_FILE.replace('"Person"', f'"{"x" * 25}"'), 4, "has 25 characters, at most 24 fit", ""),
        (MENU_FILE + "description = 7\n", 6, "must be a table with a text per language", ""),
        (MENU_FILE + MENU_FILE, 7, 'id "people" is taken already, in', "its own id"),
        (MENU_FILE.replace('"agent"', '"nowhere"'), 2, 'leads to "nowhere"', ""),
        ('[[text]]\nid = "greting"\nde = "Hallo"\n', 1, "no standard text has this id", ""),
        ('[[text]]\nid = "greeting"\ndeutsch = "Hallo"\n', 3, 'key "deutsch" is unknown', ""),
        ("a = " + "[" * 3000 + "]" * 3000, 0, "holds something that no content is", ""),
        ("a = 1" + "0" * 5000, 0, "holds something that no content is", ""),
    ],
)
def test_a_mistake_is_named_with_line_and_cure(
    write: Write, text: str, line: int, message: str, cure: str
) -> None:
    problem = only_problem(write("menu.toml", text))
    assert problem.file.endswith("menu.toml")
    assert problem.line == line
    assert message in problem.message
    assert cure in problem.cure


def test_a_mistake_in_a_wording_is_named_with_its_own_line(write: Write) -> None:
    text = entry("price", "a").replace('answer = "Ja."\n', 'answr = "Ja."\n', 1)
    write("categories.toml", '[[category]]\nid = "prices"\ntitle = { de = "Preise", en = "Prices" }\n')
    found = {(problem.line, problem.message) for problem in problems_of(write("faq.toml", text))}
    assert (7, 'key "de.answr" is unknown') in found
    assert (4, '"de.answer" is missing') in found


def test_both_places_of_a_doubled_id_are_named(write: Write) -> None:
    write("a.toml", MENU_FILE)
    problem = only_problem(write("b.toml", "\n" + MENU_FILE))
    assert problem.place.endswith("b.toml:3")
    assert "a.toml:2" in problem.message


def test_what_only_the_whole_shows_is_named_with_the_item_s_line(write: Write) -> None:
    category = '[[category]]\nid = "prices"\ntitle = { de = "Preise", en = "Prices" }\n'
    folder = write("faq.toml", category + entry("one", "same") + entry("two", "same", category="price"))
    found = [(problem.line, problem.id) for problem in problems_of(folder)]
    assert set(found) == {(16, "two")}
    assert any('"price" does not exist' in problem.message for problem in problems_of(folder))
    assert any("is also in entry" in problem.message for problem in problems_of(folder))


def test_a_level_that_is_too_long_is_named_with_the_menu_s_file(write: Write) -> None:
    rows = "".join(MENU_FILE.replace("people", f"people-{number}") for number in range(8))
    problem = only_problem(write("menu.toml", rows))
    assert problem.file.endswith("menu.toml")
    assert "8 rows" in problem.message


def test_a_hundred_problems_are_all_named_at_once(write: Write) -> None:
    write("broken.toml", "[[menu]\n")
    (write("latin.toml", "") / "latin.toml").write_bytes("ä".encode("latin-1"))
    for number in range(100):
        folder = write(f"{number:03}.toml", f'[[menu]]\nid = "row-{number}"\ntitel = "x"\n')
    problems = problems_of(folder)
    assert sum("titel" in problem.message for problem in problems) == 100
    assert sum('"title" is missing' in problem.message for problem in problems) == 100
    assert {Path(problem.file).name for problem in problems} >= {"broken.toml", "latin.toml"}


def test_files_that_are_not_utf_8_are_named_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "menu.toml"
    file.write_bytes(b"# one\n# two\n" + "# drei: Rübe\n".encode("latin-1"))
    problem = only_problem(file)
    assert (problem.line, problem.message) == (3, "is not UTF-8 text")


def test_files_that_cannot_be_opened_are_a_problem_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").symlink_to(tmp_path / "a.toml")
    assert "cannot be read" in only_problem(tmp_path).message


@pytest.mark.parametrize(("name", "message"), [("", "no *.toml file"), ("missing", "no such file")])
def test_a_path_without_content_is_a_problem(tmp_path: Path, name: str, message: str) -> None:
    assert message in only_problem(tmp_path / name).message


def test_nothing_is_said_of_gaps_that_an_unreadable_file_may_have_torn(write: Write) -> None:
    write("categories.toml", "[[category]\n")
    assert only_problem(write("faq.toml", entry("one", "a"))).file.endswith("categories.toml")


def test_lines_are_found_through_long_texts_lists_and_nested_arrays() -> None:
    document = """# [[entry]]
[[entry]]
text = \"\"\"
[[entry]]
id = "no"
\"\"\"
list = [
  "[[entry]]",
]

[[entry]]
"quoted key" = 1
a.b = 2
[entry.de]
title = { x = 1 }
[[entry.more]]
[[entry.more]]
z = 'it''s'
"""
    document = document.replace("'it''s'", "'its'")
    lines = key_lines(document)
    expected: dict[tuple[str | int, ...], int] = {
        ("entry", 0): 2,
        ("entry", 0, "text"): 3,
        ("entry", 0, "list"): 7,
        ("entry", 1): 11,
        ("entry", 1, "quoted key"): 12,
        ("entry", 1, "a", "b"): 13,
        ("entry", 1, "de"): 14,
        ("entry", 1, "de", "title", "x"): 15,
        ("entry", 1, "more", 0): 16,
        ("entry", 1, "more", 1, "z"): 18,
    }
    assert {path: lines[path] for path in expected} == expected


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
SENTENCES = st.lists(
    st.sampled_from(
        ["Ein Satz. ", "z. B. so ", 'Er sagt "x". ', "\\ und ", "\n", "\r\n", "\t", "Wirklich? ", " "]
    ),
    max_size=40,
).map("".join)
TEXTS = st.one_of(WORDS, SENTENCES)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.one_of(TEXTS, st.booleans(), st.integers(), st.lists(TEXTS), st.dictionaries(WORDS, TEXTS)),
        max_size=4,
    )
)
def test_whatever_an_item_says_is_written_so_that_it_reads_the_same(body: dict[str, Any]) -> None:
    assert tomllib.loads(item_toml("entry", body))["entry"] == [body]


def test_equal_items_have_equal_bodies_whatever_defaults_are_written_out(write: Write) -> None:
    plain = read_folder(write("a/menu.toml", MENU_FILE), KINDS).items["menu", "people"].item
    folder = write("b/menu.toml", MENU_FILE + 'under = ""\n') / "b"
    assert body_of(read_folder(folder, KINDS).items["menu", "people"].item) == body_of(plain)


def test_long_answers_are_written_a_sentence_a_line_and_dates_stay_whole() -> None:
    first = "Bestellen Sie z. B. *Nmin* bis zum 31. Januar im Portal, *EUF* später."
    answer = f"{first} Wir rufen Sie dann an! Bis bald."
    written = item_toml("entry", {"id": "a", "answer": answer}).splitlines()
    assert written[2:] == ['answer = """', f"{first} \\", "Wir rufen Sie dann an! \\", 'Bis bald."""']
