"""Objections in a person's own words: "bitte nix mehr schicken"."""

import re

from bot.words import fold

MOST_WORDS = 25  # in a letter, a sentence like these may be about anything

_NO = r"(?:keine?n?|nix|nichts|nicht|no|never|dont|don t|do not|not)"
_NEWS = (
    r"(?:nachricht(?:en)?|newsletter|werbung|mails?|infos?|rundschreiben|messages?|texts?|updates?|whatsapps?"
    r"|spam)"
)
_SEND = (
    r"(?:schicken|schickt|schick|zuschicken|senden|sendet|schreiben|schreibt|schreib|anschreiben|belastigen"
    r"|nerven|kontaktieren|send|sending|text|texting|message|messaging|write|writing|contact|contacting|bother)"
)
_SOFTENED = r"(?:bitte |endlich |jetzt |so |sofort )*"
_MYSELF = r"(?:mich|\w+ newsletter)"
_SIGN_OFF = r"(?:ab|abmelden|abbestellen|austragen)"

# All of it as `bot.words.fold` writes it.
_OBJECTION = re.compile(
    "|".join(
        rf"\b(?:{phrase})\b"
        for phrase in (
            rf"{_NO} mehr (?:{_NEWS}|(?:an )?(?:mich|mir|uns)|{_SEND})",
            rf"{_NO} (?:\w+ )?{_NEWS} mehr",
            rf"{_SEND} (?:sie |ihr )?(?:mir|mich|uns) (?:bitte )?{_NO} mehr",
            rf"(?:will|mochten?|wollen|wunschen?) (?:ab sofort )?keine?n? (?:\w+ )?{_NEWS}",
            rf"^{_SOFTENED}(?:hort|hor|horen sie) {_SOFTENED}auf(?: damit)?(?: .*{_SEND}| bitte)?$",
            rf"^{_SOFTENED}aufhoren(?: .*{_SEND})?(?: bitte)?$",
            rf"(?:lass|lasst|lassen sie) (?:mich|uns) {_SOFTENED}in (?:ruhe|frieden)",
            r"aus (?:dem|ihrem|eurem|der) (?:verteiler|liste|mailingliste)",
            r"widerspreche (?:ich )?(?:hiermit )?(?:der|ihrer) (?:werbung|zusendung|nutzung|verarbeitung)",
            r"widerrufe (?:ich )?(?:hiermit )?(?:meine|die) (?:einwilligung|zustimmung)",
            rf"(?:kann|melde|bestelle) (?:ich|man) {_MYSELF} (?:hier |bitte |wieder )*{_SIGN_OFF}",
            rf"(?:stop|quit) {_SEND} (?:me|us)",
            rf"no more (?:{_NEWS}|newsletters|ads|advertising)",
            rf"(?:don t|dont|do not|never) (?:\w+ )?{_SEND}(?: to)? (?:me|us)(?: any\w*| again| more|$)",
            r"leave (?:me|us) alone",
            r"(?:take|remove) (?:me|us) (?:off|from) (?:your|the|this) (?:mailing )?(?:list|newsletter)",
            rf"how (?:do|can) i (?:unsubscribe|opt out|stop (?:this|these|the|your) {_NEWS})",
        )
    )
)
# Not getting what one waits for, or not being able to send, is no objection.
_MISSING = re.compile(
    r"\b(?:warum|wieso|weshalb|wann|why|when|ich kann|kann ich (?:kein|nicht|nix|nichts)|bekomme|bekam"
    r"|bekommen|erhalte|erhalten|kriege|kriegen|kommt|kommen|receive|receiving|getting)\b"
)
_WANTED = re.compile(r"\b(?:will|mochte|mochten|wollen|wunsche|want|wish)\b")


def is_objection(text: str) -> bool:
    """Whether somebody asks in their own words to be left alone by what we send."""
    said = fold(text)
    if not said or len(said.split()) > MOST_WORDS:
        return False
    if _MISSING.search(said) and not _WANTED.search(said):
        return False
    return _OBJECTION.search(said) is not None
