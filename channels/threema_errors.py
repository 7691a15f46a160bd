"""What the Threema Gateway's answers mean for us: one table of HTTP statuses."""

from channels.errors import Scope, SendError, SendErrorKind
from channels.http import status_error

_K = SendErrorKind
_TABLE: dict[int, tuple[SendErrorKind, Scope]] = {
    400: (_K.PERMANENT_RECIPIENT, "recipient"),  # or an account of the other mode: `zuruf check` tells
    401: (_K.STOP_CHANNEL, "channel"),
    402: (_K.STOP_CHANNEL, "channel"),  # no credits left
    404: (_K.PERMANENT_RECIPIENT, "recipient"),
    413: (_K.PERMANENT_CONTENT, "message"),
    429: (_K.RETRY_AFTER, "channel"),
}


def before_sending(error: SendError) -> SendError:
    """The same trouble in a call that only prepares a message: that one surely was not sent."""
    return SendError(_K.RETRY_FEW, code=error.code) if error.maybe_sent else error


def meaning(status: int, retry_after_s: float | None = None) -> SendError:
    """The error that a refused call amounts to."""
    if status not in _TABLE:
        return status_error(status)
    kind, scope = _TABLE[status]
    return SendError(kind, code=str(status), scope=scope, retry_after_s=retry_after_s)
