"""A small knowledge base, and turns that ask it."""

from collections.abc import Mapping
from typing import Any

from bot.content import Content, Organisation, default_texts
from bot.dialog import ONE_DAY_MS, Dialog, Outcome, Question, Remember, Reply, SetMode, Turn
from bot.feature import Feature, build_dialog
from channels.message import Identifier, InboundMessage, Sender
from faq.feature import feature, phrasings_of
from faq.knowledge_base import Category, Entry
from faq.matcher import Phrasing

NOW_MS = 1_760_000_000_000
ANSWER_PRECISION = 0.9
TEXTS = {**default_texts("bot", "faq")}

_TOLD: dict[str, dict[str, tuple[str, str, list[str]]]] = {
    "payment": {
        "de": (
            "Auszahlungstermin",
            "Wir zahlen am 15. November.",
            [
                "Wann bekomme ich mein Rübengeld?",
                "Wann wird ausgezahlt?",
                "Wann kommt die Auszahlung?",
                "Wann ist das Geld auf dem Konto?",
                "Wann überweist ihr das Rübengeld?",
            ],
        ),
        "en": (
            "Payment date",
            "We pay on 15 November.",
            [
                "When do I get my beet money?",
                "When will I be paid?",
                "When is the payment?",
                "When is the money in my account?",
            ],
        ),
    },
    "campaign": {
        "de": (
            "Kampagnenstart",
            "Ochsenfurt beginnt am 10. September, Zeitz am 12.",
            [
                "Wann beginnt die Kampagne?",
                "Wann startet die Rübenkampagne?",
                "Ab wann nimmt das Werk Rüben an?",
                "Beginn der Kampagne",
                "Wann geht die Verarbeitung los?",
            ],
        ),
        "en": (
            "Start of campaign",
            "Ochsenfurt starts on 10 September, Zeitz on the 12th.",
            [
                "When does the campaign start?",
                "When does the factory open?",
                "Start of the beet campaign",
                "When does processing begin?",
            ],
        ),
    },
    "seed": {
        "de": (
            "Saatgut bestellen",
            "Saatgut bestellen Sie im Portal.",
            [
                "Wie bestelle ich Saatgut?",
                "Wo kann ich Rübensaatgut bestellen?",
                "Saatgutbestellung",
                "Bis wann muss ich das Saatgut bestellen?",
                "Ich möchte Saatgut ordern",
            ],
        ),
    },
    "bank": {
        "de": (
            "Bankverbindung",
            "Ihr Konto ändern Sie im Portal.",
            [
                "Wie ändere ich meine Bankverbindung?",
                "Ich habe ein neues Konto",
                "Neue IBAN mitteilen",
                "Wo melde ich meine Kontoänderung?",
                "Meine Kontonummer hat sich geändert",
            ],
        ),
    },
    "clamp": {
        "de": (
            "Miete abdecken",
            "Decken Sie die Miete mit Vlies ab.",
            [
                "Wie decke ich die Rübenmiete ab?",
                "Brauche ich ein Vlies für die Miete?",
                "Mietenabdeckung",
                "Womit schütze ich die Miete vor Frost?",
                "Wann muss die Miete abgedeckt werden?",
            ],
        ),
    },
}


def _entry(entry_id: str, wordings: Mapping[str, tuple[str, str, list[str]]]) -> Entry:
    bodies = {
        language: {"title": title, "answer": answer, "phrasings": phrasings}
        for language, (title, answer, phrasings) in wordings.items()
    }
    return Entry.model_validate({"id": entry_id, "category": "beet", **bodies})


ENTRIES = {entry_id: _entry(entry_id, wordings) for entry_id, wordings in _TOLD.items()}
PHRASINGS: list[Phrasing] = list(phrasings_of(ENTRIES.values()))


def content_of(entries: Mapping[str, Entry] = ENTRIES) -> Content:
    """Content that holds these entries, in German and English."""
    categories = {"beet": Category(id="beet", title={"de": "Rüben"})}
    return Content(Organisation(), TEXTS, {"category": categories, "entry": entries})


def hand_off(turn: Turn, reason: str) -> Outcome:
    """Stands for the people's side: says which reason it was given."""
    return Outcome((Reply(f"handed over: {reason}"),), (SetMode("waiting", reason),))


class Talk:
    """A conversation with the FAQ alone: what is said, and what is remembered from turn to turn."""

    def __init__(self, content: Content | None = None, **turn: Any) -> None:
        self.feature: Feature = feature(ANSWER_PRECISION, hand_off)
        self.content = content or content_of()
        assert self.feature.on_content is not None
        self.feature.on_content(self.content)
        self.dialog: Dialog = build_dialog([self.feature])
        self.memory: dict[str, Any] = {}
        self.now_ms = NOW_MS
        self.reported: str | None = turn.pop("reported", "de")
        self.more = {"language": "de", "notice_version": self.content.notice_version, **turn}

    def turn(self, text: str, **more: Any) -> Turn:
        """The turn of one text message, with what the FAQ foresees of it."""
        sender = Sender((Identifier("chat", "1"),), language=self.reported)
        message = InboundMessage("key", sender, "in-1", NOW_MS, text=text)
        seen = self.dialog.look_ahead(message)
        given = {"memory": dict(self.memory), "foresight": seen, **self.more, **more}
        return Turn(now_ms=self.now_ms, message=message, content=self.content, **given)

    def say(self, text: str, **more: Any) -> Outcome:
        """What the FAQ makes of a message; remembers what it wants remembered."""
        return self.keep(self.dialog.decide(self.turn(text, **more)))

    def choose(self, asked: Outcome, typed: str, **more: Any) -> Outcome | None:
        """What a typed number leads to, as the answer to a question of ours."""
        ask = asked.replies[-1].ask
        assert ask is not None
        values = {str(number): option.value for number, option in enumerate(ask.options, 1)}
        question = Question(1, "q", ask.purpose, ask.options, ask.numbers, NOW_MS, NOW_MS + ask.lives_ms)
        outcome = self.dialog.answers[ask.purpose](
            self.turn(typed, **more), question, {**values, **ask.numbers}[typed]
        )
        return self.keep(outcome) if outcome else None

    def keep(self, outcome: Outcome) -> Outcome:
        """Apply what is to be remembered."""
        for write in outcome.writes:
            if isinstance(write, Remember):
                self.memory[write.key] = write.value
        return outcome

    def wait_days(self, days: int) -> None:
        """Let time pass."""
        self.now_ms += days * ONE_DAY_MS


def text_of(outcome: Outcome | None) -> str:
    """Everything that is said."""
    return "\n".join(reply.text for reply in outcome.replies) if outcome else ""


def modes(outcome: Outcome | None) -> list[tuple[str, str]]:
    """Who gets the conversation, and why."""
    writes = outcome.writes if outcome else ()
    return [(write.mode, write.reason) for write in writes if isinstance(write, SetMode)]
