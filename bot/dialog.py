"""The turn: what one inbound message leads to, decided by the first step that takes it.

Pure: no database, no network, no clock but the turn's own. The inbox loads what turns need, runs them
and writes their outcomes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal

from bot.content import Content
from bot.words import fold
from channels.message import InboundMessage

Mode = Literal["bot", "waiting", "agent"]
ONE_DAY_MS = 24 * 3600 * 1000
# In a conversation's memory: the language of what was understood, where the messenger tells none.
GUESSED_LANGUAGE = "guessed_language"


class Place(IntEnum):
    """Where in the dialog a step stands; the design's order."""

    RIGHTS = 1
    ADDRESSED_ANSWER = 2
    HANDOFF = 3
    BARE_ANSWER = 4
    MENU = 5
    FIELD_CASE = 6
    SMALL_TALK = 7
    FAQ = 8
    FALLBACK = 9


@dataclass(frozen=True, slots=True)
class Option:
    """One offered answer to a question of ours; `value` is for the handler, never shown."""

    value: str
    title: str
    description: str = ""
    key: str = ""  # what is typed for it instead of its place in the list; such options stand last


@dataclass(frozen=True, slots=True)
class Ask:
    """Makes a reply a question: its answer goes to the handler registered for `purpose`."""

    purpose: str
    options: tuple[Option, ...]
    lives_ms: int = ONE_DAY_MS
    numbers: Mapping[str, str] = field(default_factory=dict)  # typed extras: {"9": value, "no": value}


@dataclass(frozen=True, slots=True)
class Question:
    """A question of ours that is still open."""

    id: int
    code: str  # the opaque part of its choices' ids
    purpose: str
    options: tuple[Option, ...]
    numbers: Mapping[str, str]
    asked_at_ms: int
    expires_at_ms: int
    provider_id: str = ""  # of the bubble that asked it, for quoted replies
    latest: bool = False  # it stands in our latest bubble


@dataclass(frozen=True, slots=True)
class Reply:
    """What a step wants said, channel-neutral. `text` may use *bold* and _italic_."""

    text: str
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class SetMode:
    """Who has the conversation from now on."""

    mode: Mode
    reason: str = ""  # why it waits: "asked", "complaint", "not_understood", "crashed"
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep a small JSON value in the conversation's memory; None forgets it."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """The contact wants this language from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class SetStopped:
    """The contact said STOP (True) or START (False): nothing but answers is sent to the stopped."""

    stopped: bool


@dataclass(frozen=True, slots=True)
class RecordConsent:
    """Append one declaration to the consent record."""

    purpose: str  # "marketing", or "topic:prices"
    given: bool
    wording: str  # what the person was shown, or what they wrote
    how: str  # "word", "menu", "link"


@dataclass(frozen=True, slots=True)
class CloseQuestion:
    """This question has its answer."""

    question_id: int
    value: str


@dataclass(frozen=True, slots=True)
class NoticeShown:
    """The privacy notice of this version was shown to the address."""

    version: str


@dataclass(frozen=True, slots=True)
class GiveMoveCode:
    """Whoever writes `code` in another chat gets this one's contact; an earlier code is void."""

    code: str
    lives_ms: int


@dataclass(frozen=True, slots=True)
class MoveHere:
    """This address becomes the contact's whose chat the code came from; that chat is told `notice`."""

    code: str
    notice: Reply


Write = (
    SetMode
    | Remember
    | ChooseLanguage
    | SetStopped
    | RecordConsent
    | CloseQuestion
    | NoticeShown
    | GiveMoveCode
    | MoveHere
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn leads to. Empty: the message is stored, and we stay silent."""

    replies: tuple[Reply, ...] = ()
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """The chat whose good code for moving somebody wrote."""

    channel: str
    language: str  # the one to write there in
    language_chosen: bool
    is_ours: bool  # the turn's contact has it already


@dataclass(frozen=True, slots=True)
class Turn:
    """All that a step may know about the message it decides on."""

    now_ms: int
    message: InboundMessage
    content: Content
    language: str  # the one to answer in
    channel: str = ""
    mode: Mode = "bot"
    contact_name: str = ""
    stopped: bool = False
    stopped_at_ms: int | None = None
    language_chosen: bool = False  # the contact picked `language`; else it is a guess
    notice_version: str = ""  # the privacy notice that this address has seen
    memory: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()  # open: the latest bubble's, and those tapped or quoted
    foresight: Mapping[str, Any] = field(default_factory=dict)  # by feature name
    origin: Origin | None = None  # if the message is a code for moving
    # Whom a step may pass the turn on to; the dialog fills them in.
    answers: Mapping[str, "AnswerHandler"] = field(default_factory=dict, repr=False)
    targets: Mapping[str, "Target"] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """What the person typed."""
        return self.message.text

    @property
    def word(self) -> str:
        """What the person typed, folded for comparing with known words; empty for taps and media."""
        return fold(self.message.text) if self.message.kind == "text" else ""

    def say(self, key: str, **values: str) -> str:
        """The standard text `key` in the turn's language."""
        return self.content.say(key, self.language, **values)

    def ask(self, key: str, ask: Ask, **values: str) -> Reply:
        """The standard text `key` as a question."""
        return Reply(self.say(key, **values), ask)

    def answer(self, question: Question, value: str) -> Outcome | None:
        """What `value` as the answer to `question` leads to; None where it leads nowhere."""
        handler = self.answers.get(question.purpose)
        return handler(self, question, value) if handler else None

    def lead_to(self, destination: str) -> Outcome | None:
        """What a menu row's `leads_to` ("agent", "faq:ID") leads to; None where it leads nowhere."""
        word, _, argument = destination.partition(":")
        target = self.targets.get(word)
        return target(self, argument) if target else None


Step = Callable[[Turn], Outcome | None]
AnswerHandler = Callable[[Turn, Question, str], Outcome | None]
Target = Callable[[Turn, str], Outcome | None]
Foresee = Callable[[InboundMessage], Any]


@dataclass(frozen=True, slots=True)
class Dialog:
    """The ordered steps, and what questions and menu rows lead to."""

    steps: Sequence[Step]
    answers: Mapping[str, AnswerHandler]  # by a question's purpose
    targets: Mapping[str, Target]  # by a menu row's `leads_to`, the part before the colon
    foresee: Mapping[str, Foresee] = field(default_factory=dict)

    def decide(self, turn: Turn) -> Outcome:
        """The outcome of the first step that takes the turn, greeted on first contact."""
        if turn.targets is not self.targets:
            turn = replace(turn, answers=self.answers, targets=self.targets)
        for step in self.steps:
            outcome = step(turn)
            if outcome is not None:
                return greet(turn, outcome)
        return greet(turn, Outcome())

    def look_ahead(self, message: InboundMessage) -> dict[str, Any]:
        """What features can work out from the message alone, before any lock is taken."""
        seen = {name: foresee(message) for name, foresee in self.foresee.items()}
        return {name: value for name, value in seen.items() if value is not None}


def _language_of(write: Write) -> str | None:
    """The language that a write chooses, or takes a first guess at."""
    if isinstance(write, ChooseLanguage):
        return write.language
    return write.value if isinstance(write, Remember) and write.key == GUESSED_LANGUAGE else None


def greet(turn: Turn, outcome: Outcome) -> Outcome:
    """`outcome` with greeting and privacy notice before it, once per version of the notice.

    At most two bubbles: the greeting, and whatever there is to answer in one.
    """
    version = turn.content.notice_version
    if turn.notice_version == version or turn.mode != "bot":
        return outcome
    chosen = [language for write in outcome.writes if (language := _language_of(write))]
    greeting = Reply(turn.content.say("greeting", [turn.language, *chosen][-1]))
    answer = merge(outcome.replies)
    return replace(
        outcome,
        replies=(greeting, *answer),
        writes=(*outcome.writes, NoticeShown(version)),
    )


def merge(replies: Sequence[Reply]) -> tuple[Reply, ...]:
    """All replies in one bubble, with the last one's question."""
    if len(replies) <= 1:
        return tuple(replies)
    return (Reply("\n\n".join(reply.text for reply in replies), replies[-1].ask),)
