"""A chat to try dialogs in: it carries outcomes out in memory, as the inbox does in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.content import Content, Organisation, default_texts
from bot.core import core
from bot.dialog import (
    ChooseLanguage,
    CloseQuestion,
    Dialog,
    Mode,
    NoticeShown,
    Origin,
    Outcome,
    Question,
    RecordConsent,
    Remember,
    Reply,
    SetMode,
    SetStopped,
    Turn,
    Write,
)
from bot.feature import Feature, build_dialog
from bot.menu_content import MenuRow
from channels.message import Identifier, InboundMessage, Sender

MONDAY_NOON_MS = 1_767_610_800_000  # 5 January 2026, 12:00 in Berlin
ONE_MINUTE_MS = 60_000
SENDER = Sender((Identifier("phone", "+49000"),))


def row(key: str, de: str, en: str, **fields: Any) -> MenuRow:
    """A menu row."""
    return MenuRow(id=key, title={"de": de, "en": en}, **fields)


MENU = {
    item.id: item
    for item in (
        row("delivery", "Abfuhr", "Haulage"),
        row(
            "dates",
            "Abfuhrtermine",
            "Haulage dates",
            under="delivery",
            text={"de": "Ab Oktober.", "en": "From October."},
        ),
        row(
            "clamp",
            "Rübenmiete",
            "Beet clamp",
            under="delivery",
            text={"de": "Bitte abdecken.", "en": "Please cover."},
        ),
        row("money", "Geld & Abrechnung", "Money & billing", leads_to="test:money"),
        row("topics", "Rundschreiben", "Newsletters", leads_to="test:topics"),
    )
}
TARGETS = Feature(
    name="test",
    targets={
        "test": lambda turn, argument: Outcome((Reply(f"target {argument}"),)),
        "topics": lambda turn, argument: Outcome((Reply("the topics"),)),
        "agent": lambda turn, argument: Outcome(
            (Reply(f"a person ({argument})"),), (SetMode("waiting", argument or "asked"),)
        ),
    },
)


def content(*packages: str, rows: dict[str, MenuRow] = MENU) -> Content:
    """Sample content with the standard texts of `packages`."""
    return Content(Organisation(), default_texts("bot", *packages), {"menu": rows})


@dataclass
class Talk:
    """One conversation; every method says something and returns what came back."""

    dialog: Dialog = field(default_factory=lambda: build_dialog([core(), TARGETS]))
    content: Content = field(default_factory=content)
    mode: Mode = "bot"
    language: str = "de"
    stopped: bool = False
    stopped_at_ms: int | None = None
    greeted: bool = True
    memory: dict[str, Any] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    foresight: dict[str, Any] = field(default_factory=dict)
    origin: Origin | None = None  # whose code for moving is written next
    now_ms: int = MONDAY_NOON_MS
    _spoken: int = 0

    def say(self, text: str, **fields: Any) -> list[str]:
        """Type `text`; `fields` are further ones of the message."""
        self._spoken += 1
        key = f"in{self._spoken}"
        return self._turn(InboundMessage(key, SENDER, key, self.now_ms, text=text, **fields))

    def send(self, **fields: Any) -> list[str]:
        """Send something that is no text."""
        return self.say("", **fields)

    def tap(self, number: int, question: Question | None = None) -> list[str]:
        """Tap an option of our latest question, or of `question`."""
        return self.send(choice=f"{(question or self.question).code}.{number}")

    def quote(self, question: Question, text: str) -> list[str]:
        """Answer `question` by quoting it."""
        return self.say(text, reply_to=question.provider_id)

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        self.now_ms += int(minutes * ONE_MINUTE_MS)

    def hear(self) -> None:
        """A person or a broadcast writes, so that no question of ours is the latest bubble."""
        self.questions = [replace(question, latest=False) for question in self.questions]

    @property
    def question(self) -> Question:
        """Our newest open question."""
        return self.questions[0]

    @property
    def titles(self) -> list[str]:
        """What the newest question offers."""
        return [option.title for option in self.question.options]

    def written(self, kind: type[Write]) -> list[Any]:
        """The writes of one kind, so far."""
        return [write for write in self.writes if isinstance(write, kind)]

    def text(self, key: str, **values: str) -> str:
        """A standard text in the conversation's language."""
        return self.content.say(key, self.language, **values)

    def _turn(self, message: InboundMessage) -> list[str]:
        outcome = self.dialog.decide(
            Turn(
                now_ms=self.now_ms,
                message=message,
                content=self.content,
                language=self.language,
                channel="whatsapp",
                mode=self.mode,
                stopped=self.stopped,
                stopped_at_ms=self.stopped_at_ms,
                notice_version=self.content.notice_version if self.greeted else "",
                memory=dict(self.memory),
                questions=tuple(self.questions),
                foresight=self.foresight,
                origin=self.origin,
            )
        )
        assert len(outcome.replies) <= 2, "at most two bubbles"
        for write in outcome.writes:
            self._apply(write)
        for reply in outcome.replies:
            self._ask(reply)
        return [reply.text for reply in outcome.replies]

    def _apply(self, write: Write) -> None:
        self.writes.append(write)
        match write:
            case SetMode(mode):
                self.mode = mode
            case Remember(key, None):
                self.memory.pop(key, None)
            case Remember(key, value):
                self.memory[key] = value
            case ChooseLanguage(language):
                self.language = language
            case SetStopped(stopped):
                self.stopped = stopped
            case NoticeShown():
                self.greeted = True
            case CloseQuestion(question_id):
                self.questions = [question for question in self.questions if question.id != question_id]

    def _ask(self, reply: Reply) -> None:
        self.hear()
        if reply.ask is None:
            return
        number = self._spoken * 10 + len(self.questions)
        question = Question(
            id=number,
            code=f"q{number}",
            purpose=reply.ask.purpose,
            options=reply.ask.options,
            numbers=reply.ask.numbers,
            asked_at_ms=self.now_ms,
            expires_at_ms=self.now_ms + reply.ask.lives_ms,
            provider_id=f"out{number}",
            latest=True,
        )
        self.questions.insert(0, question)


def consents(talk: Talk) -> Sequence[RecordConsent]:
    """The declarations recorded so far."""
    return talk.written(RecordConsent)
