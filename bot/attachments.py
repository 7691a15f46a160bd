"""Photos, voice notes, pins and cards without a word: received, and what are they about?"""

from bot.dialog import Ask, Option, Outcome, Question, Remember, Turn

ATTACHMENT = "attachment"
TOGETHER_MS = 60_000  # what arrives within this belongs together and is acknowledged once
SUBJECTS = ("field", "billing", "other")


def attachments(turn: Turn) -> Outcome | None:
    """Say once what arrived, and ask what it is about; a caption is a text like any other."""
    kind = turn.message.kind
    if kind in ("text", "choice", "sticker") or turn.text.strip():
        return None
    noted = Remember("attachment", {"album": turn.message.album, "at_ms": turn.now_ms})
    if _belongs_to_the_last(turn):
        return Outcome(writes=(noted,))
    options = tuple(Option(subject, turn.say(f"attachment-{subject}")) for subject in SUBJECTS)
    received = turn.say(f"received-{kind}")
    return Outcome((turn.ask("attachment", Ask(ATTACHMENT, options), received=received),), (noted,))


def answered(turn: Turn, question: Question, value: str) -> Outcome | None:
    """Now a person can see to it, knowing the subject."""
    return turn.lead_to(f"agent:{value}")


def _belongs_to_the_last(turn: Turn) -> bool:
    last = turn.memory.get("attachment")
    if not last:
        return False
    same_album = turn.message.album is not None and turn.message.album == last["album"]
    return same_album or turn.now_ms - int(last["at_ms"]) < TOGETHER_MS
