"""The category menu: shown level by level, opened by tap, number or title, from anywhere in the dialog."""

from collections.abc import Iterable

from bot import answers
from bot.dialog import Ask, Option, Outcome, Question, Reply, Turn, merge
from bot.menu_content import MenuRow, rows_under
from bot.words import COURTESY, Vocabulary, closest, fold, folded, words_beside

MENU = "menu"
ONE_WEEK_MS = 7 * 24 * 3600 * 1000
PERSON = "person:"  # values that no row's id can equal: those have no colon
LEVEL = "level:"

COMMANDS = Vocabulary(
    "menü hauptmenü menue menu mainmenu hilfe help start anfang übersicht zurück back home 0 optionen options"
)
ASIDE_OF_COMMANDS = COURTESY | folded("main das zum ins zur show zeigen zeige")
PEOPLE = Vocabulary(
    "mitarbeiter mitarbeiterin mensch menschen person agent human operator berater beraterin"
    " ansprechpartner ansprechpartnerin sachbearbeiter sachbearbeiterin kundenservice kundendienst support"
)
ASIDE_OF_PEOPLE = COURTESY | folded(
    "mit einem einen ein eine einer sprechen reden schreiben chatten verbinden talk speak with an can kann"
    " könnte lieber direkt real echten echter echte sie zum zu connect need brauche ihrem eurem sprech"
)
CALL_BACK = Vocabulary("rückruf zurückrufen callback anrufen call rufen ruft rufe")
ASIDE_OF_CALL_BACK = COURTESY | folded(
    "um einen back an sie mich zurück können kann jemand wer can you could someone somebody"
)
FEWEST_PHONE_DIGITS = 6
SIGN_UP = Vocabulary("newsletter rundbrief anmelden subscribe abonnieren", unlike="abmelden ummelden")


def menu(turn: Turn) -> Outcome | None:
    """A menu word, the wish for a person, or a row's title, wherever the contact is."""
    if _opens_by_link(turn) or _says(turn, COMMANDS, ASIDE_OF_COMMANDS) or _only_asks(turn):
        return level(turn)
    if turn.word == "9" or wants_person(turn):
        return turn.lead_to("agent")
    if wants_call_back(turn):
        return turn.lead_to("agent:callback")
    row = _named(turn)
    if row:
        return open_row(turn, row)
    return turn.lead_to("topics") if _says(turn, SIGN_UP, COURTESY) else None


def ask_back(turn: Turn) -> Outcome | None:
    """A tap on what is over, or a bare "2" or "Ja" that nothing of ours stands open for."""
    if turn.message.choice is not None:
        return _after(turn, Reply(turn.say("choice-expired")))
    number = answers.number_in(turn.word)
    if number is not None:
        return _after(turn, Reply(turn.say("number-unknown", number=str(number))))
    if turn.word in ("ja", "nein", "yes", "no"):
        return _after(turn, Reply(turn.say("yes-unknown", word=turn.text.strip())))
    return None


def is_command(turn: Turn) -> bool:
    """Whether the message is a word that is served also while the contact waits for a person."""
    return (
        _opens_by_link(turn)
        or (_says(turn, COMMANDS, ASIDE_OF_COMMANDS) and turn.word != "0")
        or wants_person(turn)
        or wants_call_back(turn)
    )


def wants_person(turn: Turn) -> bool:
    """Whether the message asks for a person, and nothing else."""
    return _says(turn, PEOPLE, ASIDE_OF_PEOPLE)


def wants_call_back(turn: Turn) -> bool:
    """Whether the message asks to be called, and says nothing else, or only the number and when."""
    if _says(turn, CALL_BACK, ASIDE_OF_CALL_BACK):
        return True
    said = words_beside(turn.text, ASIDE_OF_CALL_BACK)
    return bool(said) and said[0] in CALL_BACK and names_phone(turn)


def names_phone(turn: Turn) -> bool:
    """Whether the message carries what may be a telephone number."""
    return sum(character.isdecimal() for character in turn.text) >= FEWEST_PHONE_DIGITS


def level(turn: Turn, parent: str = "") -> Outcome:
    """Show the rows of one level, or what an organisation without a menu says."""
    rows = turn.content.all(MENU, MenuRow)
    above = rows.get(parent)
    under = above.id if above else ""
    options = turn.content.once((MENU, under, turn.language), lambda: _options(turn, under))
    heading = f"*{turn.content.word(above.title, turn.language)}*" if above else turn.say("menu")
    return _asked(turn, heading, options, above.under if above else None)


def open_row(turn: Turn, row: MenuRow) -> Outcome | None:
    """What a row holds: the level below, its text, or what it leads to; a person if that is gone."""
    if row.text is not None:
        return _asked(turn, turn.content.word(row.text, turn.language), (), row.under)
    if row.leads_to:
        return turn.lead_to(row.leads_to) or turn.lead_to("agent")
    return level(turn, row.id)


def answered(turn: Turn, question: Question, value: str) -> Outcome | None:
    """A row, `0` or `9` of a menu was chosen."""
    if value == PERSON:
        return turn.lead_to("agent")
    if value.startswith(LEVEL):
        return level(turn, value.removeprefix(LEVEL))
    row = turn.content.all(MENU, MenuRow).get(value)
    return open_row(turn, row) if row else _after(turn, Reply(turn.say("choice-expired")))


def person(turn: Turn) -> Option:
    """The choice that leads to a person; whoever offers it takes `PERSON` as its value."""
    return Option(PERSON, turn.say("person"), key="9")


def _asked(turn: Turn, text: str, options: tuple[Option, ...], back_to: str | None) -> Outcome:
    """`text` with `options`; `back_to` is the level above, None at the first."""
    back = () if back_to is None else (Option(LEVEL + back_to, turn.say("back"), key="0"),)
    numbers = {"0": LEVEL + (back_to or ""), "9": PERSON}
    ask = Ask(MENU, (*options, *back, person(turn)), lives_ms=ONE_WEEK_MS, numbers=numbers)
    return Outcome((Reply(text, ask),))


def _after(turn: Turn, reply: Reply) -> Outcome:
    """`reply` with the menu below it, in one bubble."""
    return Outcome(merge((reply, *level(turn).replies)))


def _options(turn: Turn, parent: str) -> tuple[Option, ...]:
    return tuple(
        Option(row.id, turn.content.word(row.title, turn.language), _description(turn, row))
        for row in rows_under(turn.content, parent)
    )


def _description(turn: Turn, row: MenuRow) -> str:
    return turn.content.word(row.description, turn.language) if row.description else ""


def _named(turn: Turn) -> MenuRow | None:
    """The row whose title was typed, in whatever language."""
    if not turn.word:
        return None
    rows = turn.content.all(MENU, MenuRow)
    titles = turn.content.once("menu titles", lambda: _titles(rows.values()))
    return rows.get(closest(turn.word, titles) or "")


def _titles(rows: Iterable[MenuRow]) -> list[tuple[str, str]]:
    return [(fold(title), row.id) for row in rows for title in row.title.values()]


def _says(turn: Turn, words: Vocabulary, aside: frozenset[str]) -> bool:
    return turn.message.kind == "text" and words.alone_in(turn.text, aside)


def _opens_by_link(turn: Turn) -> bool:
    return turn.message.kind == "text" and turn.message.start_code is not None


def _only_asks(turn: Turn) -> bool:
    return turn.message.kind == "text" and "?" in turn.text and not turn.word
