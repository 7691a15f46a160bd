import json
from pathlib import Path

import pytest

from faq.ask import KnowledgeBaseUnreadable, ask, read_phrasings
from faq.matcher import Matcher

CONTENT = """
[[category]]
id = "money"
title = { de = "Geld" }

[[entry]]
id = "payment"
category = "money"
[entry.de]
title = "Auszahlung"
phrasings = ["Wann wird ausgezahlt?"]
answer = "Am 15."
[entry.en]
title = "Payment"
phrasings = ["When will I be paid?"]
answer = "On the 15th."
"""
LINES = (
    "Wann wird ausgezahlt?\tpayment\n\nWie bestelle ich Saatgut?\tseed\nKampagne\tcampaign\nMiete\tclamp\n"
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_every_question_is_one_line_of_json(tmp_path: Path) -> None:
    matcher = Matcher(read_phrasings(write(tmp_path, "faq.tsv", LINES)))
    told = [json.loads(line) for line in ask(matcher, ["wann wird ausgezahlt\n", "\n", "Grüße „Wetter“?\n"])]
    assert [line["question"] for line in told] == ["wann wird ausgezahlt", "Grüße „Wetter“?"]
    assert [line["decision"] for line in told] == ["answer", "handoff"]
    assert told[0]["candidates"][0] == {"entry": "payment", "confidence": 1.0}
    for line in told:
        assert set(line) == {"question", "decision", "candidates"}
        assert len(line["candidates"]) >= 3


def test_a_question_is_answered_before_the_next_one_is_read(tmp_path: Path) -> None:
    matcher = Matcher(read_phrasings(write(tmp_path, "faq.tsv", LINES)))
    asked = iter(["Miete", "never read"])
    assert json.loads(next(ask(matcher, asked)))["candidates"][0]["entry"] == "clamp"
    assert next(asked) == "never read"


@pytest.mark.parametrize("given", ["folder", "file"])
def test_content_files_are_read_with_titles_and_languages(tmp_path: Path, given: str) -> None:
    file = write(tmp_path, "content/faq/money.toml", CONTENT)
    write(tmp_path, "content/menu.toml", '[[menu]]\nid = "a"\n')
    phrasings = read_phrasings(tmp_path / "content" if given == "folder" else file)
    assert {(phrasing.text, phrasing.language) for phrasing in phrasings} == {
        ("Wann wird ausgezahlt?", "de"),
        ("Auszahlung", "de"),
        ("When will I be paid?", "en"),
        ("Payment", "en"),
    }
    assert {phrasing.entry for phrasing in phrasings} == {"payment"}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("faq.tsv", "Miete\tclamp\nno tab here\n", "line 2"),
        ("faq.tsv", "", "holds no entry"),
        ("faq.toml", "[[entry", "faq.toml"),
        (
            "faq.toml",
            '[[entry]]\nid = "a"\ncategory = "b"\n[entry.de]\ntitle = "T"\nanswer = "A"\n',
            "phrasings",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong_and_where(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    with pytest.raises(KnowledgeBaseUnreadable, match=told):
        read_phrasings(write(tmp_path, name, text))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "faq.tsv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KnowledgeBaseUnreadable, match=r"faq\.tsv"):
        read_phrasings(path)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseUnreadable, match="no such file"):
        read_phrasings(tmp_path / "gone")
