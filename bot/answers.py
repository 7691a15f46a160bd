"""Whose answer a message is: a tap or a quote answers its own question, a bare word our latest one.

A question's handler gets the chosen option's `value`, or what `Ask.numbers` says for a typed number.
Options with the values "yes" and "no", or what `Ask.numbers` says for these, are also answered by words
that mean it.
"""

from dataclasses import astuple, replace
from typing import Any

from bot.dialog import Ask, CloseQuestion, Option, Outcome, Question, Remember, SetMode, Turn
from bot.words import Vocabulary, closest, fold, folded, words_beside

STAY_OPEN = frozenset({"menu"})  # people scroll up and tap another row
UNDO_LIVES_MS = 10 * 60 * 1000
SHORTEST_PART = 4  # letters of a title's word that stands for the whole title
MOST_DIGITS = 2  # longer numbers are contracts, tons and dates

YES = Vocabulary("ja j jo jep jap jawohl yes y yep yeah ok okay gerne klar sicher genau stimmt richtig sure")
NO = Vocabulary("nein n nee nö no nope lieber nicht not")
ASIDE_OF_YES = folded("bitte danke please thanks thank you vielen dank ich möchte")
UNDO = Vocabulary("falsch undo vertippt verklickt verdrückt rückgängig wrong korrektur")
ASIDE_OF_UNDO = folded("sorry ups oh das war ist was that is hab habe mich ich machen entschuldigung")
ASIDE_OF_NUMBER = folded(
    "nummer nr option punkt die das der den the number antwort auswahl ich nehme möchte bitte please"
)
NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "null zero",
            "eins eine one first erste erster erstes ersten erstens",
            "zwei zwo two second zweite zweiter zweites zweiten zweitens",
            "drei three third dritte dritter drittes dritten drittens",
            "vier four fourth vierte vierter viertes vierten viertens",
            "fünf five fifth fünfte fünfter fünftes fünften fünftens",
            "sechs six sixth sechste sechster sechstes sechsten sechstens",
            "sieben seven seventh siebte siebter siebtes siebten siebtens",
            "acht eight eighth achte achter achtes achten achtens",
            "neun nine ninth neunte neunter neuntes neunten neuntens",
        )
    )
    for word in folded(words)
}


def addressed(turn: Turn) -> Outcome | None:
    """A tap or a quoted reply, in every mode, while its question is open."""
    if turn.message.choice is not None:
        tap = tapped(turn)
        return _answer(turn, *tap) if tap else None
    quoted = _quoted(turn)
    return typed(turn, quoted) if quoted else None


def bare(turn: Turn) -> Outcome | None:
    """A bare word or number, to the question in our latest bubble."""
    question = latest(turn)
    return typed(turn, question) if question else None


def undo(turn: Turn) -> Outcome | None:
    """ "Falsch": the last answered question is asked again, and its hand-off is taken back."""
    if not is_undo(turn):
        return None
    answered = turn.memory["answered"]
    options = tuple(Option(*option) for option in answered["options"])
    again = Ask(answered["purpose"], options, numbers=answered["numbers"])
    back = (SetMode("bot"),) if answered["handed_off"] and turn.mode == "waiting" else ()
    return Outcome((turn.ask("undo", again),), (Remember("answered", None), *back))


def is_undo(turn: Turn) -> bool:
    """Whether the person takes back an answer that they gave a moment ago."""
    answered = turn.memory.get("answered")
    if not answered or turn.now_ms - answered["at_ms"] > UNDO_LIVES_MS:
        return False
    return UNDO.alone_in(turn.word, ASIDE_OF_UNDO)


def answers_latest(turn: Turn) -> bool:
    """Whether the message is a typed answer to our latest bubble."""
    question = latest(turn)
    return question is not None and typed_value(question, turn.word) is not None


def latest(turn: Turn) -> Question | None:
    """The open question in our latest bubble, unless the message quotes something else."""
    question = next((question for question in _open(turn) if question.latest), None)
    quoted = turn.message.reply_to
    return question if question and quoted in (None, question.provider_id) else None


def tapped(turn: Turn) -> tuple[Question, str] | None:
    """The open question that was tapped on, and the option's value."""
    code, _, number = (turn.message.choice or "").rpartition(".")
    for question in _open(turn):
        if question.code == code and number.isdecimal() and len(number) <= MOST_DIGITS:
            option = question.options[int(number) - 1 : int(number)]
            return (question, option[0].value) if option else None
    return None


def typed(turn: Turn, question: Question) -> Outcome | None:
    """What the typed words lead to as an answer to `question`; None where they are none."""
    value = typed_value(question, turn.word)
    return None if value is None else _answer(turn, question, value)


def typed_value(question: Question, word: str) -> str | None:
    """The value that the folded `word` chooses: by number, by yes or no, or by title."""
    number = number_in(word)
    if number is not None:
        return question.numbers.get(str(number)) or _at_place(question, number)
    values = {option.value for option in question.options}
    for value, meaning in (("yes", YES), ("no", NO)):
        chosen = value if value in values else question.numbers.get(value)
        if chosen and meaning.alone_in(word, ASIDE_OF_YES):
            return chosen
    return _by_title(question, word)


def number_in(word: str) -> int | None:
    """The number that the folded `word` says, alone: "2", "nr 2", "zweitens"."""
    said = words_beside(word, ASIDE_OF_NUMBER)
    if len(said) != 1:
        return None
    if said[0].isdecimal() and len(said[0]) <= MOST_DIGITS:
        return int(said[0])
    return NUMBERS.get(said[0])


def _by_title(question: Question, word: str) -> str | None:
    first, _, rest = word.partition(" ")
    if rest and first.isdecimal():
        chosen = _at_place(question, int(first)) if len(first) <= MOST_DIGITS else None
        return chosen if chosen and closest(rest, _titles(question)) == chosen else None
    return closest(word, _titles(question)) or _by_part_of_title(question, word)


def _by_part_of_title(question: Question, word: str) -> str | None:
    said = set(word.split())
    if max(map(len, said), default=0) < SHORTEST_PART:
        return None
    fitting = [value for title, value in _titles(question) if said <= set(title.split())]
    return fitting[0] if len(fitting) == 1 else None


def _titles(question: Question) -> list[tuple[str, str]]:
    return [(fold(option.title), option.value) for option in question.options]


def _at_place(question: Question, number: int) -> str | None:
    """The value of what stands at this place of the list; what has a key of its own has no place."""
    listed = [option.value for option in question.options if not option.key]
    return listed[number - 1] if 1 <= number <= len(listed) else None


def _open(turn: Turn) -> list[Question]:
    return [question for question in turn.questions if question.expires_at_ms > turn.now_ms]


def _quoted(turn: Turn) -> Question | None:
    quoted = turn.message.reply_to
    return next((q for q in _open(turn) if quoted and q.provider_id == quoted), None)


def _answer(turn: Turn, question: Question, value: str) -> Outcome | None:
    outcome = turn.answer(question, value)
    if outcome is None:
        return None
    closed = () if question.purpose in STAY_OPEN else (CloseQuestion(question.id, value),)
    remembered = Remember("answered", _answered(turn, question, outcome))
    return replace(outcome, writes=(*outcome.writes, *closed, remembered))


def _answered(turn: Turn, question: Question, outcome: Outcome) -> dict[str, Any]:
    """What `undo` needs to ask the question again."""
    return {
        "purpose": question.purpose,
        "options": [[*astuple(option)] for option in question.options],
        "numbers": dict(question.numbers),
        "at_ms": turn.now_ms,
        "handed_off": turn.mode == "bot"
        and any(isinstance(write, SetMode) and write.mode == "waiting" for write in outcome.writes),
    }
