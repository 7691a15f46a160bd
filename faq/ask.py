"""`zuruf faq ask`: what the matcher says of questions, without a gateway."""

import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from faq.feature import phrasings_of
from faq.knowledge_base import Entry
from faq.matcher import Decision, Matcher, Phrasing

DECIMALS = 4


class KnowledgeBaseUnreadable(ValueError):
    """The knowledge base cannot be read; the message names the file and what is wrong in it."""


def read_phrasings(path: Path) -> list[Phrasing]:
    """The phrasings of a content folder, one of its files, or a plain `phrasing<TAB>entry-id` file.

    Raises `KnowledgeBaseUnreadable`.
    """
    if not path.exists():
        raise KnowledgeBaseUnreadable(f"{path}: there is no such file or folder")
    if path.is_dir():
        found = [phrasing for file in sorted(path.rglob("*.toml")) for phrasing in _from_toml(file)]
    else:
        found = list(_from_toml(path) if path.suffix == ".toml" else _from_lines(path))
    if not found:
        raise KnowledgeBaseUnreadable(f"{path}: holds no entry")
    return found


def ask(matcher: Matcher, questions: Iterable[str]) -> Iterator[str]:
    """One line of JSON per question, as soon as it is asked; blank lines are no questions."""
    for line in questions:
        question = line.strip()
        if question:
            yield as_json(question, matcher.decide(question))


def as_json(question: str, decision: Decision) -> str:
    """A decision as other tools read it."""
    candidates = [
        {"entry": candidate.entry, "confidence": round(candidate.confidence, DECIMALS)}
        for candidate in decision.candidates
    ]
    told = {"question": question, "decision": decision.decision, "candidates": candidates}
    return json.dumps(told, ensure_ascii=False)


def _from_toml(path: Path) -> Iterator[Phrasing]:
    try:
        tables = tomllib.loads(_text(path)).get("entry", [])
        yield from phrasings_of([Entry.model_validate(table) for table in tables])
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeBaseUnreadable(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise KnowledgeBaseUnreadable(f"{path}: [[entry]] {where}: {first['msg']}") from error


def _from_lines(path: Path) -> Iterator[Phrasing]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        phrasing, tab, entry = line.partition("\t")
        if not tab or not phrasing.strip() or not entry.strip():
            raise KnowledgeBaseUnreadable(
                f"{path}, line {number}: expected a phrasing, a tab and an entry's id"
            )
        yield Phrasing(phrasing.strip(), entry.strip())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeBaseUnreadable(f"{path}: {error}") from error
