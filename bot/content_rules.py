"""What content has to keep to here: the kinds there are, and what the whole of it is checked against."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from pydantic import BaseModel

from bot.content import Content, ContentKind, JsonBody, Organisation, Problem

Key = tuple[str, str]  # kind and id


@dataclass(frozen=True)
class ContentRules:
    """All that makes items of content into a checked whole."""

    kinds: Sequence[ContentKind]
    organisation: Organisation = field(default_factory=Organisation)
    default_texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()

    def content(self, items: Mapping[Key, BaseModel], revision: int = 0) -> Content:
        """The items as one revision, in the given order."""
        by_kind: dict[str, dict[str, BaseModel]] = {kind.name: {} for kind in self.kinds}
        for (kind, key), item in items.items():
            by_kind[kind][key] = item
        return Content(self.organisation, self.default_texts, by_kind, self.targets, revision)

    def problems(self, items: Mapping[Key, BaseModel]) -> list[Problem]:
        """What only the whole can show to be wrong."""
        content = self.content(items)
        return [problem for kind in self.kinds for problem in kind.check(content)]

    def model(self, kind: str) -> type[BaseModel] | None:
        """What an item of the kind has to look like; None for a kind that nobody has registered."""
        return next((each.model for each in self.kinds if each.name == kind), None)


def body_of(item: BaseModel) -> JsonBody:
    """An item as it is stored: without defaults, so that equal items have equal bodies."""
    return item.model_dump(mode="json", exclude_defaults=True)


def digest(body: JsonBody) -> str:
    """Equal for equal bodies, whatever the order of their keys."""
    return hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
