"""Twilio's error codes and what each means for us: one table, for refused sends and for delivery reports.

Sources: Twilio's error pages, and how Twilio maps Meta's codes to its own.
"""

from collections.abc import Iterable, Mapping

from channels.errors import Scope, SendError, SendErrorKind
from channels.http import status_error

CONTENT_GONE = "21655"  # no such Content object

_K = SendErrorKind
_Meaning = tuple[SendErrorKind, Scope]


def _rows(*rows: tuple[Iterable[int], SendErrorKind, Scope]) -> Mapping[int, _Meaning]:
    return {code: (kind, scope) for codes, kind, scope in rows for code in codes}


_TABLE = _rows(
    ((20003, 20005, 63001, 63007, 63008, 63020), _K.STOP_CHANNEL, "channel"),
    ((20429, 21611, 30001), _K.RETRY_AFTER, "channel"),
    ((63018,), _K.RETRY_AFTER, "recipient"),  # one person, or the whole sender: Twilio does not say
    ((63009, 63010, 63012), _K.RETRY_FEW, "channel"),
    ((63019,), _K.RETRY_FEW, "message"),
    ((63038,), _K.RETRY_TOMORROW, "channel"),
    ((21211, 21408, 63003, 63015, 63024), _K.PERMANENT_RECIPIENT, "recipient"),
    ((63014, 63033), _K.BLOCKED, "recipient"),
    ((21610,), _K.OPT_OUT, "recipient"),
    ((63016,), _K.NEEDS_TEMPLATE, "recipient"),
    ((63049,), _K.NO_RETRY_24H, "recipient"),
    ((63013, 63026, 63062), _K.STOP_MARKETING, "marketing"),
    ((21655, 21656, 63027, 63028, 63040, 63041, 63042), _K.PERMANENT_TEMPLATE, "template"),
    ((21617, 21619, 21620, 21623, 63005, 63006), _K.PERMANENT_CONTENT, "message"),
    ((63021, 63030, 63031, 63032, 63034, 63036, 63037), _K.PERMANENT_CONTENT, "message"),
)
_BY_WORD = {str(code): found for code, found in _TABLE.items()}


def meaning(code: int, status: int, retry_after_s: float | None = None) -> SendError:
    """The error that a refused call amounts to; `code` is 0 where the answer named none."""
    if code in _TABLE:
        kind, scope = _TABLE[code]
        return SendError(kind, code=str(code), scope=scope, retry_after_s=retry_after_s)
    if status == 429:
        return SendError(_K.RETRY_AFTER, code="429", scope="channel", retry_after_s=retry_after_s)
    if status in {401, 403}:
        return SendError(_K.STOP_CHANNEL, code=str(code or status), scope="channel")
    error = status_error(status)
    return SendError(error.kind, code=str(code or status), scope=error.scope, maybe_sent=error.maybe_sent)


def reported_kind(code: str) -> str:
    """What a code in a delivery report means; "" where there is none, or an unknown one."""
    found = _BY_WORD.get(code)
    return found[0].value if found else ""
