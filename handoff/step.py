"""A conversation's way to people, and what is still answered while they have it."""

import re
from dataclasses import dataclass

from bot import answers, language, menu
from bot.dialog import ONE_DAY_MS, Outcome, Remember, Reply, SetMode, Turn
from bot.small_talk import is_small_talk
from bot.words import fold
from handoff.complaints import is_complaint
from handoff.expectation import TeamHours

HALF_AN_HOUR_MS = 30 * 60 * 1000
DOUBLE_TAP_MS = 5 * 1000  # a finger, or a second bot, that says the same again at once
CALLBACK = "callback"
_ANYBODY_THERE = re.compile(  # as `bot.words.fold` writes it
    r"(?:hallo |hey |huhu )*(?:ist|is) (?:da |hier |dort |denn |noch |uberhaupt )*"
    r"(?:wer|jemand|einer|keiner|niemand)(?: da| hier| dort)?"
    r"|wann (?:antwortet|meldet|antworten|melden) (?:ihr|sie)(?: euch| sich)?(?: denn| endlich)?"
    r"|(?:hello )?(?:is )?(?:anyone|anybody|someone|somebody) (?:there|here)"
    r"|when (?:will|do) you (?:answer|reply)"
)
_ASKS = re.compile(  # as `bot.words.fold` writes it: does is dos
    r"(wann|wo|wie|wer|was|welche[rsnm]?|warum|wieso|wohin|woher|wozu|womit|wieviel|kann|konnen|gibt|muss|darf|ist|sind"
    r"|when|where|how|who|what|which|why|can|do|dos|is|are|may|must)\b"
)


@dataclass(frozen=True, slots=True)
class Handoff:
    """The dialog's steps that lead to people, and those that keep the bot silent beside them."""

    team: TeamHours

    def target(self, turn: Turn, reason: str) -> Outcome:
        """Give the conversation to a person; menu rows and answers lead here, `reason` after the colon."""
        if turn.mode == "agent":
            return Outcome()
        if reason == CALLBACK:
            return self._noted(turn) if menu.names_phone(turn) else _ask_for_number(turn)
        if turn.mode == "bot":
            return self._hand_over(turn, "handoff", SetMode("waiting", reason or "asked"))
        if not reason:
            return self._told_again(turn)
        return Outcome(writes=(SetMode("waiting", reason),))

    def beside_people(self, turn: Turn) -> Outcome | None:
        """Stay silent while people have the conversation, but for what is plainly meant for the bot."""
        if turn.mode == "bot":
            return None
        if turn.mode == "agent":
            return Outcome()
        if _is_for_the_bot(turn):
            return None
        if _ANYBODY_THERE.fullmatch(turn.word):
            return self._told_again(turn)
        if _awaits_number(turn) and not _faq_is_sure(turn):
            return self._noted(turn)
        if turn.word == "9":
            return self._told_again(turn)
        if is_complaint(turn.text):
            return Outcome(writes=(SetMode("waiting", "complaint", urgent=True),))
        return None if _faq_is_sure(turn) else Outcome()

    def complaint(self, turn: Turn) -> Outcome | None:
        """An angry message is acknowledged and goes to a person before everybody else's."""
        if not is_complaint(turn.text):
            return None
        return self._hand_over(turn, "complaint", SetMode("waiting", "complaint", urgent=True))

    def fallback(self, turn: Turn) -> Outcome:
        """Nobody knew an answer: a person will."""
        if turn.mode != "bot":
            return Outcome()
        return self._hand_over(turn, "handoff", SetMode("waiting", "not_understood"))

    def _hand_over(self, turn: Turn, acknowledgement: str, mode: SetMode) -> Outcome:
        text = f"{turn.say(acknowledgement)} {self.team.expect(turn, 'team')}"
        noticed = Remember("handoff_notice_at_ms", turn.now_ms)
        return Outcome((Reply(text),), (mode, noticed, Remember("callback_asked_at_ms", None)))

    def _told_again(self, turn: Turn) -> Outcome:
        """Who waits already asks for a person once more: nobody is left without an answer to that."""
        waiting = SetMode("waiting", "asked")
        noticed_at_ms = turn.memory.get("handoff_notice_at_ms", 0)
        if turn.now_ms - noticed_at_ms >= HALF_AN_HOUR_MS:
            return self._hand_over(turn, "handoff", waiting)
        told_at_ms = max(noticed_at_ms, turn.memory.get("handoff_told_again_at_ms", 0))
        if turn.now_ms - told_at_ms < DOUBLE_TAP_MS:
            return Outcome(writes=(waiting,))
        text = f"{turn.say('handoff-again')} {self.team.expect(turn, 'team')}"
        return Outcome((Reply(text),), (waiting, Remember("handoff_told_again_at_ms", turn.now_ms)))

    def _noted(self, turn: Turn) -> Outcome:
        """Number and time for the call-back have arrived; they are the agent's note."""
        writes = (
            SetMode("waiting", CALLBACK),
            Remember("callback_asked_at_ms", None),
            Remember("handoff_note", turn.text),
            Remember("handoff_notice_at_ms", turn.now_ms),
        )
        return Outcome((Reply(self.team.expect(turn, CALLBACK)),), writes)


def _ask_for_number(turn: Turn) -> Outcome:
    # It waits at once: a person calls also somebody who never answers this.
    writes = (
        SetMode("waiting", CALLBACK),
        Remember("callback_asked_at_ms", turn.now_ms),
        Remember("handoff_notice_at_ms", turn.now_ms),
    )
    return Outcome((Reply(turn.say("callback")),), writes)


def _awaits_number(turn: Turn) -> bool:
    asked_at_ms = turn.memory.get("callback_asked_at_ms")
    if asked_at_ms is None or turn.now_ms - asked_at_ms >= ONE_DAY_MS:
        return False
    return bool(turn.word) and not is_small_talk(turn.text)  # "Danke" is neither a number nor a time


def _is_for_the_bot(turn: Turn) -> bool:
    return (
        menu.is_command(turn)
        or language.is_choice_of_language(turn)
        or answers.answers_latest(turn)
        or answers.is_undo(turn)
    )


def _faq_is_sure(turn: Turn) -> bool:
    is_question = "?" in turn.text or _ASKS.match(fold(turn.text)) is not None
    return is_question and getattr(turn.foresight.get("faq"), "sure", False) is True
