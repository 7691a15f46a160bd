"""The language a contact wants to read, chosen by a word in it; it wins over every guess."""

from dataclasses import replace

from bot import menu
from bot.dialog import Ask, ChooseLanguage, Option, Outcome, Question, Reply, Turn, merge
from bot.words import COURTESY, Vocabulary, fold, folded, words_beside

LANGUAGE = "language"
ASKS = Vocabulary("sprache language sprachen languages")
ASIDE = COURTESY | folded(
    "auf in do does you speak can we sprechen sie sprichst du können wir ändern wechseln change switch"
)
# What a language is called in the other one; its own name is its standard text "language-name".
ALSO_CALLED = {"englisch": "en", "german": "de"}


def language(turn: Turn) -> Outcome | None:
    """ "English" chooses it; "Sprache" asks which one."""
    if turn.message.kind != "text":
        return None
    named = _named(turn)
    if named:
        return choose(turn, named)
    return ask(turn) if ASKS.alone_in(turn.text, ASIDE) else None


def is_choice_of_language(turn: Turn) -> bool:
    """Whether the message is about the language to answer in, and nothing else."""
    return turn.message.kind == "text" and (bool(_named(turn)) or ASKS.alone_in(turn.text, ASIDE))


def ask(turn: Turn, _: str = "") -> Outcome:
    """Ask which language; menu rows may lead here."""
    names = _names(turn)
    options = tuple(Option(code, names[code]) for code in turn.content.organisation.languages)
    return Outcome((turn.ask("language", Ask(LANGUAGE, options)),))


def answered(turn: Turn, question: Question, value: str) -> Outcome:
    """A language was picked."""
    return choose(turn, value)


def choose(turn: Turn, code: str) -> Outcome:
    """Confirm in the chosen language, with the menu in it unless a person has the conversation."""
    translated = replace(turn, language=code)
    confirmed = (Reply(translated.say("language-chosen")),)
    shown = menu.level(translated).replies if turn.mode == "bot" else ()
    return Outcome(merge((*confirmed, *shown)), (ChooseLanguage(code),))


def _names(turn: Turn) -> dict[str, str]:
    languages = turn.content.organisation.languages
    return {code: turn.content.say("language-name", code) for code in languages}


def _named(turn: Turn) -> str | None:
    said = [word for word in words_beside(turn.text, ASIDE) if word not in ASKS]
    if len(said) != 1:
        return None
    names = {fold(name): code for code, name in _names(turn).items()}
    code = names.get(said[0]) or ALSO_CALLED.get(said[0])
    return code if code in turn.content.organisation.languages else None
