"""What the organisation wants said: menu, standard texts, and whatever else features keep as content.

An item of content has a kind ("menu", "text", "entry", ...), an id and a body that its kind's model
checks. `Content` is one revision of all of it, read-only, held in memory and swapped whole.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Item = TypeVar("Item", bound=BaseModel)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_LANGUAGE = re.compile(r"[a-z]{2}")


def _languages_named(texts: dict[str, str]) -> dict[str, str]:
    for language, text in texts.items():
        if not _LANGUAGE.fullmatch(language):
            raise ValueError(f'"{language}" is not a language code such as "de"')
        if not text.strip():
            raise ValueError(f'the text for "{language}" is empty')
    if not texts:
        raise ValueError("no language is given")
    return texts


Localised = Annotated[dict[str, str], AfterValidator(_languages_named)]
ItemId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class ContentItem(BaseModel):
    """One item of content; kinds add their fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: ItemId


class Text(BaseModel):
    """A standard text, by its key, in every language: `[[text]]` with `id`, `de`, `en`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, str]
    id: str

    @property
    def languages(self) -> dict[str, str]:
        """The wording per language."""
        return dict(self.__pydantic_extra__ or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the content that a person has to mend."""

    kind: str
    id: str
    message: str


@dataclass(frozen=True, slots=True)
class ContentKind:
    """A kind of content: its word in files, its model, and what only the whole can show to be wrong."""

    name: str
    model: type[BaseModel]
    check: Callable[["Content"], Iterable[Problem]] = lambda content: ()
    file: str = ""  # where an export writes it, named after the items' own values: "faq/{category}.toml"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who speaks: the values that every standard text may name."""

    name: str = "Musterzucker AG"
    privacy_url: str = "https://example.org/datenschutz"
    languages: tuple[str, ...] = ("de", "en")

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders that work in every standard text."""
        return {"organisation": self.name, "privacy_url": self.privacy_url}


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with {placeholders} replaced; unknown ones stay, so that a mistake is seen."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def placeholders(template: str) -> set[str]:
    """The names between braces in `template`."""
    return set(_PLACEHOLDER.findall(template))


def in_language(texts: Mapping[str, str], language: str, default: str) -> str:
    """The text in `language`, else in the default language, else in any."""
    return texts.get(language) or texts.get(default) or next(iter(texts.values()), "")


@dataclass(frozen=True)
class Content:
    """One revision of everything the organisation wants said."""

    organisation: Organisation
    default_texts: Mapping[str, Mapping[str, str]]  # from the features, by key and language
    items: Mapping[str, Mapping[str, BaseModel]] = field(default_factory=dict)  # by kind and id, in order
    targets: frozenset[str] = frozenset()  # what a menu row's `leads_to` may name
    revision: int = 0

    def all(self, kind: str, model: type[Item]) -> dict[str, Item]:
        """The items of one kind by id, in the editors' order."""
        found = self.once(
            ("all", kind),
            lambda: {key: item for key, item in self.items.get(kind, {}).items() if isinstance(item, model)},
        )
        return cast(dict[str, Item], found)

    def once(self, key: Hashable, work_out: Callable[[], Any]) -> Any:
        """What `work_out` returns, worked out once for this revision."""
        if key not in self._worked_out:
            self._worked_out[key] = work_out()
        return self._worked_out[key]

    @cached_property
    def _worked_out(self) -> dict[Hashable, Any]:
        return {}

    @property
    def language(self) -> str:
        """The organisation's first language."""
        return self.organisation.languages[0]

    @cached_property
    def texts(self) -> dict[str, Mapping[str, str]]:
        """Every standard text: the organisation's own wording, else the default."""
        own = {
            key: item.languages for key, item in self.items.get("text", {}).items() if isinstance(item, Text)
        }
        return {key: {**wording, **own.get(key, {})} for key, wording in self.default_texts.items()}

    @cached_property
    def notice_version(self) -> str:
        """Changes when the privacy notice does, so that everybody is shown the new one once."""
        told = repr(sorted(self.texts["greeting"].items())) + self.organisation.privacy_url
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def say(self, key: str, language: str, **values: str) -> str:
        """The standard text `key`; raises KeyError for a key that no feature has registered."""
        wording = in_language(self.texts[key], language, self.language)
        return fill(wording, {**self.organisation.placeholders, **values})

    def word(self, texts: Mapping[str, str], language: str) -> str:
        """The wording of an item for somebody who reads `language`."""
        return in_language(texts, language, self.language)


def default_texts(*packages: str) -> dict[str, dict[str, str]]:
    """The standard texts that packages bring along in their `texts.toml`, by key and language."""
    texts: dict[str, dict[str, str]] = {}
    for package in packages:
        source = resources.files(package).joinpath("texts.toml").read_text("utf-8")
        for entry in tomllib.loads(source)["text"]:
            texts[entry["id"]] = {key: value for key, value in entry.items() if key != "id"}
    return texts


def check_texts(content: Content) -> Iterable[Problem]:
    """Unknown keys, unknown placeholders and wrong languages among the organisation's standard texts."""
    for key, item in content.items.get("text", {}).items():
        default = content.default_texts.get(key)
        if default is None:
            known = ", ".join(sorted(content.default_texts))
            yield Problem("text", key, f"no standard text has this id; there are: {known}")
            continue
        allowed = {*content.organisation.placeholders, *placeholders(" ".join(default.values()))}
        for language, wording in item.languages.items() if isinstance(item, Text) else ():
            for name in sorted(placeholders(wording) - allowed):
                message = f'"{{{name}}}" ({language}) is not filled here; use {sorted(allowed)}'
                yield Problem("text", key, message)


def missing_languages(content: Content, texts: Mapping[str, str]) -> Sequence[str]:
    """The organisation's languages in which a wording is missing."""
    return [language for language in content.organisation.languages if language not in texts]


TEXT = ContentKind("text", Text, check_texts, file="texts.toml")
JsonBody = dict[str, Any]
