"""Telegram's refusals and what each means for us: one table, the first row that fits decides."""

from dataclasses import dataclass

from channels.errors import Scope, SendError, SendErrorKind
from channels.http import status_error


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a failed Bot API call says."""

    error_code: int
    description: str = ""
    retry_after_s: int | None = None
    migrate_to: int | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    error_code: int
    fragment: str  # of the description, in lower case; empty: every other description of this code
    kind: SendErrorKind | None  # None: nothing is wrong, what was asked for is already so
    scope: Scope


_K = SendErrorKind
_TABLE = (
    _Row(400, "message is not modified", None, "message"),
    _Row(400, "query is too old", None, "message"),
    _Row(400, "can't parse entities", _K.RETRY_PLAIN_TEXT, "message"),
    _Row(400, "upgraded to a supergroup", _K.ADDRESS_CHANGED, "recipient"),
    _Row(400, "chat not found", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(400, "user not found", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(400, "peer_id_invalid", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(400, "failed to get http url content", _K.RETRY_UPLOAD, "message"),
    _Row(400, "wrong type of the web page content", _K.RETRY_UPLOAD, "message"),
    _Row(400, "temporarily unavailable", _K.RETRY_FEW, "message"),
    _Row(400, "message is too long", _K.PERMANENT_CONTENT, "message"),
    _Row(400, "text is empty", _K.PERMANENT_CONTENT, "message"),
    _Row(400, "button_data_invalid", _K.PERMANENT_CONTENT, "message"),
    _Row(400, "file is too big", _K.PERMANENT_CONTENT, "message"),
    _Row(401, "", _K.STOP_CHANNEL, "channel"),
    _Row(403, "blocked by the user", _K.BLOCKED, "recipient"),
    _Row(403, "kicked", _K.BLOCKED, "recipient"),
    _Row(403, "deactivated", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(403, "can't initiate conversation", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(403, "", _K.PERMANENT_RECIPIENT, "recipient"),
    _Row(404, "", _K.STOP_CHANNEL, "channel"),  # so Telegram answers to a token it cannot read
    _Row(409, "", _K.STOP_CHANNEL, "channel"),
    _Row(429, "", _K.RETRY_AFTER, "recipient"),
)


def meaning(refusal: Refusal) -> SendError | None:
    """The error that a refusal amounts to; None where it only says that all is done already.

    The error's code names the row, never the whole description: that may quote the message.
    """
    description = refusal.description.lower()
    for row in _TABLE:
        if row.error_code == refusal.error_code and row.fragment in description:
            return None if row.kind is None else _error(row.kind, row, refusal)
    return status_error(refusal.error_code)


def _error(kind: SendErrorKind, row: _Row, refusal: Refusal) -> SendError:
    return SendError(
        kind,
        code=f"{row.error_code} {row.fragment}".strip(),
        scope=row.scope,
        retry_after_s=refusal.retry_after_s,
        new_address=None if refusal.migrate_to is None else str(refusal.migrate_to),
    )
