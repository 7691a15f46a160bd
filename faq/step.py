"""The FAQ's place in the dialog: answer, ask back, or name what is open and give it to a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.dialog import (
    GUESSED_LANGUAGE,
    ONE_DAY_MS,
    Ask,
    Option,
    Outcome,
    Question,
    Remember,
    Reply,
    Target,
    Turn,
    Write,
    merge,
)
from bot.menu import PERSON, person
from channels.text import shorten
from faq.follow_up import fragment, is_unhelpful, speaks_of
from faq.knowledge_base import Entry, Wording
from faq.matcher import MOST_CANDIDATES, Candidate
from faq.reading import Asked, Decide, Reading

CLARIFY = "faq.clarify"
LAST_ENTRY, MISSED_AT_MS = "faq.last_entry", "faq.missed_at_ms"
LEAST_SHARE = 0.1  # of the first choice's confidence: what is less likely is not worth reading
LONGEST_QUOTE = 160  # characters of a question that is named as open


@dataclass(frozen=True, slots=True)
class Faq:
    """The dialog's FAQ; `decide` asks the matcher of the moment, `hand_off` gives the turn to people."""

    decide: Decide
    hand_off: Target

    def step(self, turn: Turn) -> Outcome | None:
        """Settle the questions that were read in the message before the lock was taken."""
        reading = turn.foresight.get("faq")
        if turn.mode == "agent" or not isinstance(reading, Reading):
            return None
        if turn.mode == "waiting":
            return self._settle(turn, reading) if reading.sure else None
        if is_unhelpful(turn.text):
            return self._give_up(turn, "")
        return self._follow_up(turn, reading) or self._settle(turn, reading)

    def show(self, turn: Turn, entry_id: str) -> Outcome | None:
        """The answer of one entry, chosen from a menu or among our choices; None if it is gone."""
        wording = _wording(turn, entry_id)
        return _said(turn, wording.answer, entry_id) if wording else None

    def chosen(self, turn: Turn, question: Question, value: str) -> Outcome | None:
        """What "did you mean" led to; an entry that is gone by now leads to a person."""
        shown = None if value == PERSON else self.show(_in_language_offered(turn, question, value), value)
        return shown or self._give_up(turn, "" if value == PERSON else "not_understood")

    def _settle(self, turn: Turn, reading: Reading) -> Outcome | None:
        spoken = _in_language_of(turn, reading)
        outcome = self._answer(spoken, reading)
        if outcome is None or spoken.language == turn.language:
            return outcome
        return replace(outcome, writes=(*outcome.writes, Remember(GUESSED_LANGUAGE, spoken.language)))

    def _answer(self, turn: Turn, reading: Reading) -> Outcome | None:
        answers: dict[str, Wording] = {}
        unanswered: list[Asked] = []
        for asked in reading.questions:
            first = asked.decision.candidates[:1] if asked.decision.decision == "answer" else ()
            wording = _wording(turn, first[0].entry, first[0].language) if first else None
            if wording:
                answers[first[0].entry] = wording
            else:
                unanswered.append(asked)
        if not unanswered:
            return _said(turn, _together(list(answers.values())), [*answers][-1])
        if len(reading.questions) == 1 and unanswered[0].decision.decision == "clarify":
            return self._clarify(turn, unanswered[0].decision.candidates)
        return self._leave_open(turn, list(answers.values()), unanswered)

    def _clarify(self, turn: Turn, candidates: Sequence[Candidate]) -> Outcome | None:
        if _has_missed(turn):
            return self._give_up(turn, "not_understood")
        options = _options(turn, candidates)
        if not options:
            return self._give_up(turn, "not_understood")
        alone = len(options) == 1
        numbers = {"9": PERSON, "no": PERSON} | ({"yes": options[0].value} if alone else {})
        ask = Ask(CLARIFY, (*options, person(turn)), numbers=numbers)
        question = turn.ask("faq-clarify-one" if alone else "faq-clarify", ask)
        return Outcome((question,), (Remember(MISSED_AT_MS, turn.now_ms),))

    def _leave_open(
        self, turn: Turn, answers: Sequence[Wording], unanswered: Sequence[Asked]
    ) -> Outcome | None:
        """Answer what can be answered, name the rest and give it to a person."""
        handed = self._give_up(turn, "not_understood")
        if handed is None or (not answers and len(unanswered) == 1):
            return handed
        named = "\n".join(f"– {shorten(asked.text, LONGEST_QUOTE)}" for asked in unanswered)
        told = [Reply(_together(answers))] if answers else []
        left = Reply(turn.say("faq-open", questions=named))
        return replace(handed, replies=merge((*told, left, *handed.replies)))

    def _follow_up(self, turn: Turn, reading: Reading) -> Outcome | None:
        """ "Und in Ochsenfurt?" is asked of the entry before; None where it is a question of its own."""
        rest, last = fragment(turn.text), _last_entry(turn)
        own = reading.questions[0].decision
        if rest is None or last is None or own.decision == "answer":
            return None
        turn = replace(turn, language=last["language"])
        wording = _wording(turn, last["id"])
        if wording is None:
            return None
        joined = self.decide(f"{wording.title} {rest}", turn.language)
        if joined.decision == "answer" and joined.candidates[0].entry != last["id"]:
            return self.show(turn, joined.candidates[0].entry)
        told = speaks_of(wording, rest)
        if not told and (own.decision == "clarify" or _has_missed(turn)):
            return None
        again = _said(turn, turn.say("faq-follow-up", answer=wording.answer), last["id"])
        return again if told else replace(again, writes=(Remember(MISSED_AT_MS, turn.now_ms),))

    def _give_up(self, turn: Turn, reason: str) -> Outcome | None:
        handed = self.hand_off(turn, reason)
        return handed and replace(handed, writes=(*handed.writes, *_forget()))


def _said(turn: Turn, text: str, entry_id: str) -> Outcome:
    last = {"id": entry_id, "language": turn.language, "at_ms": turn.now_ms}
    return Outcome((Reply(text),), (Remember(LAST_ENTRY, last), Remember(MISSED_AT_MS, None)))


def _forget() -> tuple[Write, ...]:
    return Remember(LAST_ENTRY, None), Remember(MISSED_AT_MS, None)


def _together(answers: Sequence[Wording]) -> str:
    if len(answers) == 1:
        return answers[0].answer
    return "\n\n".join(f"*{wording.title}*\n{wording.answer}" for wording in answers)


def _options(turn: Turn, candidates: Sequence[Candidate]) -> tuple[Option, ...]:
    """The likely ones among the candidates, under different titles."""
    titles: dict[str, str] = {}
    for candidate in candidates:
        wording = _wording(turn, candidate.entry, candidate.language)
        likely = candidate.confidence >= LEAST_SHARE * candidates[0].confidence
        if wording and likely and wording.title not in titles:
            titles[wording.title] = candidate.entry
    return tuple(Option(entry, title) for title, entry in titles.items())[:MOST_CANDIDATES]


def _wording(turn: Turn, entry_id: str, matched: str = "") -> Wording | None:
    """An entry in the turn's language, else in the one it was asked in, else in any."""
    entry = turn.content.all("entry", Entry).get(entry_id)
    if entry is None:
        return None
    wordings = entry.wordings
    languages = (turn.language, matched, turn.content.language, *wordings)
    return next((wordings[language] for language in languages if language in wordings), None)


def _in_language_of(turn: Turn, reading: Reading) -> Turn:
    """The turn in the language of the phrasings, where the contact's own is only a guess."""
    reported = (turn.message.sender.language or "")[:2].lower()
    if turn.language_chosen or reported in turn.content.organisation.languages:
        return turn
    for asked in reading.questions:
        if asked.decision.decision != "handoff" and asked.decision.candidates[0].language:
            return replace(turn, language=asked.decision.candidates[0].language)
    return turn


def _in_language_offered(turn: Turn, question: Question, entry_id: str) -> Turn:
    """The turn in the language of the title that was chosen, where the contact's own is only a guess."""
    entry = turn.content.all("entry", Entry).get(entry_id)
    titles = {option.title for option in question.options if option.value == entry_id}
    if entry is None or turn.language_chosen:
        return turn
    offered = [language for language, wording in entry.wordings.items() if wording.title in titles]
    return turn if turn.language in offered or not offered else replace(turn, language=offered[0])


def _has_missed(turn: Turn) -> bool:
    missed_at_ms = turn.memory.get(MISSED_AT_MS)
    return missed_at_ms is not None and turn.now_ms - int(missed_at_ms) < ONE_DAY_MS


def _last_entry(turn: Turn) -> dict[str, Any] | None:
    last: dict[str, Any] | None = turn.memory.get(LAST_ENTRY)
    return last if last and turn.now_ms - int(last["at_ms"]) < ONE_DAY_MS else None
