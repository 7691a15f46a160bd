"""What every contact may ask for at any time: STOP and START, privacy, their data, its erasure.

This step comes first and works in every mode, also while an agent has the chat.
"""

import re

from bot import answers
from bot.dialog import (
    Ask,
    Mode,
    Option,
    Outcome,
    Question,
    RecordConsent,
    Remember,
    Reply,
    SetMode,
    SetStopped,
    Turn,
    merge,
)
from bot.objections import is_objection
from bot.words import COURTESY, Vocabulary, folded, words_beside

DATA_COPY, DATA_ERASURE, OBJECTION = "data-copy", "data-erasure", "objection"
OWN_QUESTIONS = frozenset({DATA_COPY, DATA_ERASURE, OBJECTION})
ONE_WEEK_MS = 7 * 24 * 3600 * 1000
MOST_WORDS = 8  # a longer message says more than a word of command

STOP = Vocabulary(
    "stop stopp stoppen stops stopall abmelden abmeldung abbestellen abbestellung austragen austragung"
    " unsubscribe unsubscribing optout"
    # Slips in so short a word are listed: a rule would also catch shop, step, Stoff and top.
    " stpo sotp stp stpp syop dtop stopo stob st0p sstop stio",
    unlike="anmelden anmeldung abstellen bestellen bestellung umbestellen ummelden anmeldungen subscribe",
)
ENDS_SOMETHING = Vocabulary("aus beenden ende kündigen löschen cancel end quit off entfernen remove")
WHAT_WE_SEND = Vocabulary(
    "newsletter newsletters rundschreiben rübenbrief rundbrief infobrief mailing mailings werbung reklame"
    " benachrichtigung benachrichtigungen nachricht nachrichten infos erinnerungen warnungen marketing abo"
    " abonnement verteiler whatsapp telegram threema messages message messaging texts notifications"
    " subscription mailinglist broadcast broadcasts updates"
)
ASIDE_OF_STOP = COURTESY | folded(
    "alle alles allen all everything das den die der dem des vom von für from for of this it damit hier mit"
    " auch eure euren ihre ihren ihr euer meine mein my your any sie uns bot"
)
START = Vocabulary("start starte starten restart unstop anmelden resubscribe", unlike="abmelden ummelden")
ASIDE_OF_START = COURTESY | folded("wieder neu again wiederanmelden erneut")
PRIVACY = Vocabulary(
    "datenschutz datenschutzerklärung datenschutzhinweis datenschutzhinweise dsgvo gdpr privacy"
)
ASIDE_OF_PRIVACY = COURTESY | folded("policy notice statement erklärung info infos zum zur your ihr ihre")
ASIDE_OF_DATA = COURTESY - {"mich", "mir", "me"}

_COPY = re.compile(
    r"(welche |zeig(en|t)? (sie )?mir )?(alle )?(meine|my) daten( anfordern| einsehen| exportieren| ansehen)?"
    r"|(show me |send me |download |export |get )?(all )?my data|daten(auskunft|export|kopie)"
    r"|auskunft( uber)?( meine)? daten|welche daten (habt ihr|haben sie)( von mir| uber mich)?( gespeichert)?"
)
_ERASURE = re.compile(
    r"losch(e|en|t)?( sie)? (mich|alles|(alle )?(meine|die) daten|(mein|das) (konto|profil))( uber mich)?"
    r"|(alle )?(meine )?daten loschen|(mein )?konto loschen|datenloschung|vergiss mich|vergessen sie mich"
    r"|(delete|erase|remove) (me|(all )?(my|the) (data|account|profile))|forget me|(data )?erasure"
)
_SIGNATURE = re.compile(
    r"\n[^\S\n]*(mit freundlich|(viele|beste|freundliche) gr|gr[üu](ß|ss)|mfg|lg|vg|(best |kind )?regards"
    r"|gesendet von|von meinem|sent from).*",
    re.IGNORECASE | re.DOTALL,
)


def rights(turn: Turn) -> Outcome | None:
    """Serve a right that the message claims."""
    text = _spoken(turn)
    if is_stop(text):
        return _stop(turn, text)
    if turn.stopped and is_start(turn):
        return _start(turn)
    return _own_answer(turn) or _about_data(turn, text) or (_hold(turn) if is_objection(text) else None)


def is_stop(text: str) -> bool:
    """Whether `text` says STOP, in whatever spelling, and nothing else."""
    said = words_beside(_SIGNATURE.sub("", text), ASIDE_OF_STOP)
    if not said or len(said) > MOST_WORDS:
        return False
    if STOP.alone_in(" ".join(said), frozenset()):
        return True
    stops = any(word in STOP for word in said)
    ends = any(word in ENDS_SOMETHING for word in said)
    names_it = any(word in WHAT_WE_SEND for word in said)
    known = all(word in STOP or word in ENDS_SOMETHING or word in WHAT_WE_SEND for word in said)
    return known and (stops or (ends and names_it))


def is_start(turn: Turn) -> bool:
    """Whether the message says START; Telegram's `/start` only opens the chat and is none."""
    is_command = turn.text.lstrip().startswith("/") or turn.message.start_code is not None
    return not is_command and START.alone_in(_spoken(turn), ASIDE_OF_START)


def privacy(turn: Turn, _: str = "") -> Outcome:
    """Show the privacy notice; menu rows may lead here."""
    return Outcome((Reply(turn.say("privacy")),))


def data_request_answered(turn: Turn, question: Question, value: str) -> Outcome:
    """A copy or the erasure of the data was asked for, and meant, or not."""
    if value != "yes":
        return Outcome((Reply(turn.say("data-request-dropped")),))
    mode: Mode = "agent" if turn.mode == "agent" else "waiting"
    return Outcome(
        (Reply(turn.say(f"{question.purpose}-confirmed")),), (SetMode(mode, "data_request", urgent=True),)
    )


def objection_answered(turn: Turn, question: Question, value: str) -> Outcome:
    """Whether the free-form objection was meant as STOP."""
    if value == "yes":
        return _stop(turn, str(turn.memory.get("objection", turn.text)))
    if "objection" not in turn.memory or _stopped_since(turn, question.asked_at_ms):
        return Outcome((Reply(turn.say("stop-again")),))  # an explicit STOP came since: this lifts nothing
    return Outcome((Reply(turn.say("objection-lifted")),), (SetStopped(False), Remember("objection", None)))


def _spoken(turn: Turn) -> str:
    """What was said in words; a tap on an open question of ours only answers that question."""
    return "" if answers.tapped(turn) else turn.text


def _stop(turn: Turn, wording: str) -> Outcome:
    declared = RecordConsent("marketing", given=False, wording=wording, how="word")
    key = "stop-again" if turn.stopped and "objection" not in turn.memory else "stop"
    return Outcome((Reply(turn.say(key)),), (SetStopped(True), declared, Remember("objection", None)))


def _stopped_since(turn: Turn, at_ms: int) -> bool:
    return turn.stopped_at_ms is not None and turn.stopped_at_ms > at_ms


def _start(turn: Turn) -> Outcome:
    if _stopped_since(turn, turn.message.sent_at_ms):  # it came late, and a STOP was said after it
        return Outcome((Reply(turn.say("stop-again")),))
    topics = turn.lead_to("topics") if turn.mode == "bot" else None
    replies = (Reply(turn.say("start")), *(topics.replies if topics else ()))
    return Outcome(merge(replies), (SetStopped(False), Remember("objection", None)))


def _own_answer(turn: Turn) -> Outcome | None:
    """A typed answer to a question of this step counts in every mode, unlike other bare words."""
    question = answers.latest(turn)
    if question and question.purpose in OWN_QUESTIONS:
        return answers.typed(turn, question)
    return None


def _about_data(turn: Turn, text: str) -> Outcome | None:
    if PRIVACY.alone_in(text, ASIDE_OF_PRIVACY):
        return privacy(turn)
    phrase = " ".join(words_beside(text, ASIDE_OF_DATA))
    if _COPY.fullmatch(phrase):
        return _ask(turn, DATA_COPY)
    if _ERASURE.fullmatch(phrase):
        return _ask(turn, DATA_ERASURE)
    return None


def _hold(turn: Turn) -> Outcome:
    """Hold all broadcasts at once, and ask whether STOP was meant; a second objection is not asked again."""
    if turn.stopped:
        return Outcome((Reply(turn.say("stop-again")),))
    asked = _ask(turn, OBJECTION)
    return Outcome(asked.replies, (SetStopped(True), Remember("objection", turn.text)))


def _ask(turn: Turn, purpose: str) -> Outcome:
    options = (Option("yes", turn.say("yes")), Option("no", turn.say("no")))
    return Outcome((turn.ask(purpose, Ask(purpose, options, lives_ms=ONE_WEEK_MS)),))
