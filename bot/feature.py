"""What a feature registers with the hall: its steps, answers, content, jobs and pages."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bot.content import Content, ContentKind
from bot.dialog import AnswerHandler, Dialog, Foresee, Place, Step, Target

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Feature:
    """One room of the house, as `zuruf/app.py` sees it. The import package is `name`."""

    name: str
    content: tuple[ContentKind, ...] = ()
    steps: tuple[tuple[Place, Step], ...] = ()
    answers: Mapping[str, AnswerHandler] = field(default_factory=dict)  # by a question's purpose
    targets: Mapping[str, Target] = field(default_factory=dict)  # what menu rows may lead to
    foresee: Foresee | None = None
    on_content: Callable[[Content], None] | None = None  # a new revision is live
    console_routes: tuple[web.RouteDef, ...] = ()
    jobs: tuple[Job, ...] = ()  # run from start to stop; restarted when they fail


def build_dialog(features: Iterable[Feature]) -> Dialog:
    """The dialog of all features' steps, in the order of their places."""
    features = list(features)
    placed = [entry for feature in features for entry in feature.steps]
    return Dialog(
        steps=[step for _, step in sorted(placed, key=lambda entry: entry[0])],
        answers={purpose: handler for feature in features for purpose, handler in feature.answers.items()},
        targets={word: target for feature in features for word, target in feature.targets.items()},
        foresee={feature.name: feature.foresee for feature in features if feature.foresee},
    )
