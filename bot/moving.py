"""A new phone or messenger: a code from the old chat, written in the new one, makes both one contact's."""

import re
import secrets
from dataclasses import replace

from bot import answers, menu
from bot.dialog import (
    ONE_DAY_MS,
    Ask,
    ChooseLanguage,
    GiveMoveCode,
    MoveHere,
    Origin,
    Outcome,
    Remember,
    Reply,
    Turn,
)
from bot.words import COURTESY, Vocabulary, folded, words_beside
from channels.message import InboundMessage

CODE_LIVES_MINUTES = 60
MOST_WRONG = 5  # codes a day from one conversation; after these none is looked at
WRONG = "wrong_codes"  # in the conversation's memory: when they came

# Nothing that looks like something else (B 8, S 5, Z 2, O 0, I L 1), and no vowels, so no words either.
LETTERS, DIGITS = "CDFGHJKMNPQRTVWXY", "23456789"
GROUP = (LETTERS, LETTERS + DIGITS, DIGITS, LETTERS + DIGITS, LETTERS)  # two of them: 41 bits
# As `bot.words.fold` writes it. A digit amid either group: no word, customer number or field looks like it.
_SHAPE = re.compile(r"(?:[a-z][a-z0-9][0-9][a-z0-9][a-z]){2}")
_TWO_DIGITS = re.compile(r"\d.*\d", re.DOTALL)
MOST_CHARACTERS = 80  # of a message that is a code and what is said around it
ASIDE_OF_CODE = COURTESY | folded(
    "code codes kode umzugscode umzug move moving mein meine der die das ist lautet hier kommt mit nummer"
    " my is here it this number"
)

MOVES = Vocabulary("umzug umziehen move moving")
ANEW = Vocabulary(
    "neu neue neues neuer neuen anderer andere anderes anderen wechsel wechseln wechsle"
    " new other another different switch switching"
)
BY_WHAT = Vocabulary("nummer handy smartphone telefon messenger whatsapp telegram threema number phone")
ASIDE_OF_MOVE = COURTESY | folded(
    "habe hab ein eine einen einem mein meine meinen meiner auf zu mit das der den die have got my an on is"
)

# What people call a messenger, by what its channel is likely to be named after.
_MESSENGERS = {"whatsapp": "WhatsApp", "telegram": "Telegram", "threema": "Threema"}


def moving(turn: Turn) -> Outcome | None:
    """A code is taken in every mode; the wish for one is an agent's to read where an agent has the chat."""
    code = code_in(turn.message)
    if code:
        return _code_written(turn, code)
    return give_code(turn) if turn.mode != "agent" and wants_to_move(turn) else None


def give_code(turn: Turn, _: str = "") -> Outcome:
    """Hand out a code, in a bubble of its own for copying; menu rows may lead here."""
    code = make_code()
    explained = turn.say("move", minutes=str(CODE_LIVES_MINUTES))
    given = GiveMoveCode(code, lives_ms=CODE_LIVES_MINUTES * 60 * 1000)
    return Outcome((Reply(explained), Reply(f"{code[:5]}-{code[5:]}")), (given,))


def wants_to_move(turn: Turn) -> bool:
    """Whether the message names a new phone, number or messenger, and nothing else."""
    if turn.message.kind != "text" or answers.answers_latest(turn):
        return False
    said = words_beside(turn.text, ASIDE_OF_MOVE)
    known = all(word in MOVES or word in ANEW or word in BY_WHAT for word in said)
    is_new = any(word in ANEW for word in said) and any(word in BY_WHAT for word in said)
    return known and (is_new or any(word in MOVES for word in said))


def code_in(message: InboundMessage) -> str | None:
    """The code that a message consists of, whether or not it is one of ours."""
    text = message.text
    if len(text) > MOST_CHARACTERS or not _TWO_DIGITS.search(text) or message.kind != "text":
        return None
    said = "".join(words_beside(text, ASIDE_OF_CODE))
    return said.upper() if _SHAPE.fullmatch(said) else None


def make_code() -> str:
    """A code that nobody guesses."""
    return "".join(secrets.choice(signs) for signs in GROUP * 2)


def messenger(channel: str) -> str:
    """What people call the messenger of a channel."""
    known = (title for word, title in _MESSENGERS.items() if word in channel.lower())
    return next(known, channel[:1].upper() + channel[1:])


def _code_written(turn: Turn, code: str) -> Outcome | None:
    wrong = [at_ms for at_ms in turn.memory.get(WRONG, ()) if turn.now_ms - at_ms < ONE_DAY_MS]
    if len(wrong) >= MOST_WRONG:
        return None  # told so at the last one: from here on it is a message like any other
    if turn.origin is None:
        return _wrong(turn, [*wrong, turn.now_ms])
    if turn.origin.is_ours:
        return Outcome((Reply(turn.say("move-is-here")),))
    return _moved(turn, code, turn.origin)


def _wrong(turn: Turn, wrong: list[int]) -> Outcome:
    counted = (Remember(WRONG, wrong),)
    if turn.mode == "agent":
        return Outcome(writes=counted)
    if len(wrong) < MOST_WRONG:
        return Outcome((Reply(turn.say("move-unknown")),), counted)
    person = Ask(menu.MENU, (menu.person(turn),), numbers={"9": menu.PERSON})
    return Outcome((turn.ask("move-locked", person),), counted)


def _moved(turn: Turn, code: str, origin: Origin) -> Outcome:
    """Their choice of a language comes along; consents stay with the address that they were given on."""
    told = turn.content.say("move-notice", origin.language, messenger=messenger(turn.channel))
    chosen = (ChooseLanguage(origin.language),) if origin.language_chosen else ()
    here = replace(turn, language=origin.language) if chosen else turn
    key = "moved-briefly" if turn.mode == "agent" else "moved"
    confirmed = Reply(here.say(key, messenger=messenger(origin.channel)))
    return Outcome((confirmed,), (*chosen, MoveHere(code, Reply(told))))
