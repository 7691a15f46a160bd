"""What can go wrong between a provider and us.

ChannelError
├── WebhookRejected      the request is not the provider's: 403, nothing is kept
├── Unreadable           authentic, but not understood: 200, kept in quarantine
├── MediaGone            the file cannot be had any more, or is over the provider's limit
└── SendError            a message was not (or perhaps not) accepted; `kind` says what to do
"""

from enum import StrEnum
from typing import Literal


class ChannelError(Exception):
    """Something between a provider and us went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class WebhookRejected(ChannelError):
    """The request does not prove that it comes from the provider."""


class Unreadable(ChannelError):
    """The request is authentic but cannot be understood."""


class MediaGone(ChannelError):
    """The provider does not have the file any more, or refuses to hand it out."""


class SendErrorKind(StrEnum):
    """What a provider's refusal means for us; each adapter's table maps its codes to these."""

    RETRY_AFTER = "retry_after"
    RETRY_FEW = "retry_few"
    RETRY_UNKNOWN = "retry_unknown"
    RETRY_TOMORROW = "retry_tomorrow"
    NEEDS_TEMPLATE = "needs_template"
    WINDOW_CLOSED = "window_closed"
    NO_RETRY_24H = "no_retry_24h"
    PERMANENT_RECIPIENT = "permanent_recipient"
    BLOCKED = "permanent_blocked"
    OPT_OUT = "permanent_opt_out"
    ADDRESS_CHANGED = "address_changed"
    PERMANENT_CONTENT = "permanent_content"
    RETRY_PLAIN_TEXT = "retry_plain_text"
    RETRY_UPLOAD = "retry_upload"
    PERMANENT_TEMPLATE = "permanent_template"
    STOP_MARKETING = "stop_marketing"
    STOP_CHANNEL = "stop_channel"


Scope = Literal["message", "recipient", "channel", "marketing", "template"]


class SendError(ChannelError):
    """The provider did not accept a message.

    `scope` says what the trouble concerns, `retry_after_s` when the provider wants to be asked again,
    `maybe_sent` that the message may have reached the person all the same (time-out, cut connection).
    """

    def __init__(
        self,
        kind: SendErrorKind,
        *,
        code: str = "",
        scope: Scope = "message",
        retry_after_s: float | None = None,
        maybe_sent: bool = False,
        new_address: str | None = None,
    ) -> None:
        super().__init__(f"{kind.value} ({code})" if code else kind.value)
        self.kind = kind
        self.code = code
        self.scope: Scope = scope
        self.retry_after_s = retry_after_s
        self.maybe_sent = maybe_sent
        self.new_address = new_address
