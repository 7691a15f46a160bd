"""Words of people who are angry: they go to a person at once, without clarifying."""

import re

from bot.words import Vocabulary, fold

ANGRY = Vocabulary(
    "saftladen sauladen drecksladen saustall sauerei schweinerei frechheit frechheiten unverschämt"
    " unverschämtheit skandal skandalös katastrophe katastrophal zumutung verarschen verarscht verarsche"
    " verarschung scheiße scheiß beschissen beschissene kotzen arschloch arschlöcher idioten blödsinn"
    " betrüger abzocke abzocker lügner beschwerde beschweren beschwere reklamation reklamieren stinksauer"
    " wütend verärgert enttäuscht unfassbar inakzeptabel unzumutbar schlamperei schlampig anwalt"
    " rechtsanwalt verklage verklagen unacceptable disgrace disgraceful ridiculous outrage outrageous"
    " scandal scandalous ripoff scam scammer scammers fraud complaint complain furious angry disappointed"
    " disappointing appalling useless pathetic bullshit wtf damn lawyer solicitor"
)

_SPAN = r"(?:\d+|zwei|drei|vier|funf|sechs|mehreren|einer|einem|einen|two|three|four|five|six|several|a|many)"
_TIME = r"(?:tage?n?|wochen?|monate?n?|days?|weeks?|months?)"
_OWED = (
    r"(?:geld|antwort|abrechnung|zahlung|auszahlung|ruckmeldung|reaktion|ruckruf|termin|money|payment|reply"
    r"|answer|response|settlement|call)"
)
# All of it as `bot.words.fold` writes it: sauer is saur, sue is su.
_COMPLAINT = re.compile(
    "|".join(
        rf"\b(?:{phrase})\b"
        for phrase in (
            r"das ist (?:reiner |glatter )?betrug|unter aller (?:sau|kanone)|kotzt mich an|nie wieder",
            r"(?:bin|sehr|echt|richtig|so) saur|arger[et]? (?:ich )?mich|argert mich|nicht akzeptabel",
            r"(?:mir reicht|jetzt reicht)(?: ?e?s)?|(?:nase|schnauze) (?:gestrichen )?voll",
            r"geduld (?:ist|war) (?:am|zu) ende|was soll der (?:mist|quatsch|scheiss)|anzeige erstatten",
            rf"seit {_SPAN} {_TIME} (?:warte|kein|keine|keinen|nichts)",
            rf"warte (?:schon |jetzt )*seit {_SPAN} {_TIME}",
            rf"{_SPAN} {_TIME} (?:lang )?(?:kein|keine|keinen|ohne) {_OWED}",
            rf"(?:immer noch|noch immer) (?:kein|keine|keinen) {_OWED}",
            r"(?:schreibe|frage|melde|bitte|rufe)\b.{0,60}\bzum (?:zweiten|dritten|vierten|x ten|\d+) mal",
            r"(?:terrible|awful|horrible|worst|poor) (?:service|company|support|experience)|rip off|su you",
            r"fed up|sick of|had enough|legal action",
            rf"wait(?:ing|ed) (?:for )?{_SPAN} {_TIME}",
            rf"{_SPAN} {_TIME} (?:without|(?:and )?(?:still )?no) {_OWED}",
            rf"still (?:no|waiting for|not received|haven t received|haven t got) (?:\w+ )?(?:\w+ )?{_OWED}",
        )
    )
)


def is_complaint(text: str) -> bool:
    """Whether somebody is angry with us."""
    said = fold(text)
    return any(word in ANGRY for word in said.split()) or _COMPLAINT.search(said) is not None
