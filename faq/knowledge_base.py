"""The FAQ as content: categories and entries, with phrasings and an answer per language."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.content import Content, ContentItem, ContentKind, ItemId, Localised, Problem, missing_languages
from bot.menu_content import TITLE_LIMIT

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Category(ContentItem):
    """`[[category]]`: a drawer of entries."""

    title: Localised


class Wording(BaseModel):
    """An entry in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: Annotated[str, StringConstraints(min_length=1, max_length=TITLE_LIMIT)]  # offered as a choice
    phrasings: tuple[Line, ...] = Field(min_length=1)
    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Entry(BaseModel):
    """`[[entry]]`: one question with its answer; `[entry.de]`, `[entry.en]`, ... hold the wordings."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Wording]
    id: ItemId
    category: str

    @property
    def wordings(self) -> dict[str, Wording]:
        """The wordings by language."""
        return dict(self.__pydantic_extra__ or {})


def check_entries(content: Content) -> Iterable[Problem]:
    """Entries in no drawer, without a language, or asked for in the same words as another."""
    categories = content.all("category", Category)
    asked: dict[str, str] = {}
    for key, entry in content.all("entry", Entry).items():
        if entry.category not in categories:
            yield Problem("entry", key, f'category "{entry.category}" does not exist')
        for language in missing_languages(content, dict.fromkeys(entry.wordings, "")):
            yield Problem("entry", key, f'has no wording in "{language}"')
        for wording in entry.wordings.values():
            for phrasing in wording.phrasings:
                other = asked.setdefault(phrasing.casefold(), key)
                if other != key:
                    yield Problem("entry", key, f'phrasing "{phrasing}" is also in entry "{other}"')


CATEGORY = ContentKind("category", Category, file="faq/{id}.toml")
ENTRY = ContentKind("entry", Entry, check_entries, file="faq/{category}.toml")
