"""Thanks, greetings and thumbs: nobody is queued for them, and one friendly word back is enough."""

from bot import menu
from bot.dialog import Outcome, Remember, Reply, Turn
from bot.words import Vocabulary, fold, folded, words_beside

HALF_AN_HOUR_MS = 30 * 60 * 1000
MOST_WORDS = 15

GREETINGS = Vocabulary(
    "hallo hallöchen hi hey moin servus grüß grüezi guten mahlzeit gude morgen frage hello good morning"
    " question"
)
THANKS = Vocabulary("danke dank dankeschön dankesehr merci vergelt vergelts s thanks thank thx ty cheers")
FAREWELLS = Vocabulary(
    "tschüss tschüß tschau ciao wiedersehen wiederschauen wochenende feierabend bye goodbye weekend"
)
NODS = Vocabulary(
    "ok okay oki okey k gut super prima top toll perfekt passt klar verstanden genau aha ach hm hmm haha"
    " ups oops huch lol schade macht nichts gerne gern jo jup cool fine great"
    " perfect good nice alright understood"
)
BESIDE = Vocabulary(
    "vielen vielmals herzlichen lieben besten sehr ich habe hätte schön schönen schönes schöne ganz tag"
    " abend nacht mittag nachmittag sonntag gott gruß grüße viele liebe beste mfg lg vg und für die das den"
    " schnelle schnellen antwort hilfe info infos auskunft auf auch ihnen euch dir noch einen ein eine mal"
    " so ja na dann alles gute gutes wieder gesagt sie bis bald got it you very much a lot for the your help"
    " i have day evening afternoon night see later and all again too"
)
WHO = folded(
    "wer bist du sind sie ein eine bot mensch chatbot roboter computer maschine ki echt are you a human"
    " robot ai real person who is this denn hier there spreche ich mit am i talking to das eigentlich einem"
)
WHO_OPENINGS = ("wer bist", "wer sind", "bist du", "sind sie", "are you", "who are", "spreche ich", "am i")
ASIDE_OF_WHO = folded("hallo hi hey guten tag moin bitte mal hello")


def small_talk(turn: Turn) -> Outcome | None:
    """Answer in kind, at most once in half an hour; else stay silent. Real questions are left alone."""
    if turn.message.kind == "sticker":
        return Outcome()
    if turn.message.kind != "text":
        return None
    if _asks_who(turn.text):
        return Outcome((Reply(turn.say("who")),))
    if not is_small_talk(turn.text):
        return None
    return _greeted(turn) if _holds(turn, GREETINGS) and not _holds(turn, THANKS) else _friendly(turn)


def is_small_talk(text: str) -> bool:
    """Whether `text` is nothing but politeness, a nod or emoji."""
    said = fold(text).split()
    if len(said) > MOST_WORDS:
        return False
    kinds = (GREETINGS, THANKS, FAREWELLS, NODS)
    if not said:
        return True
    meant = any(word in kind for word in said for kind in kinds)
    return meant and all(any(word in kind for kind in (*kinds, BESIDE)) for word in said)


def _asks_who(text: str) -> bool:
    said = words_beside(text, ASIDE_OF_WHO)
    return " ".join(said).startswith(WHO_OPENINGS) and all(word in WHO for word in said)


def _holds(turn: Turn, words: Vocabulary) -> bool:
    return any(word in words for word in turn.word.split())


def _greeted(turn: Turn) -> Outcome:
    """A greeting opens the menu on first contact, and when it asks whether somebody is there."""
    first = turn.notice_version != turn.content.notice_version
    if first or "?" in turn.text:
        return Outcome(menu.level(turn).replies, (_now(turn),))
    return _once(turn, "hello")


def _friendly(turn: Turn) -> Outcome:
    if _holds(turn, THANKS):
        return _once(turn, "you-are-welcome")
    return _once(turn, "goodbye") if _holds(turn, FAREWELLS) else Outcome()


def _once(turn: Turn, key: str) -> Outcome:
    last = turn.memory.get("small_talk_at_ms", 0)
    if turn.now_ms - last < HALF_AN_HOUR_MS:
        return Outcome()
    return Outcome((Reply(turn.say(key)),), (_now(turn),))


def _now(turn: Turn) -> Remember:
    return Remember("small_talk_at_ms", turn.now_ms)
