"""What Twilio and WhatsApp refuse, at once or later, in their own words and codes."""

import msgspec
from aiohttp import web

MOST_TEXT = 1600
MOST_BODY_WITH_CHOICES = 1024
MOST_BUTTONS, MOST_BUTTON_TITLE = 3, 20
MOST_ROWS, MOST_ROW_TITLE, MOST_DESCRIPTION = 10, 24, 72
MOST_ID = 200
WINDOW_S = 24 * 3600

BLOCKED, WINDOW_CLOSED, NO_MEDIA, BAD_MEDIA = "63014", "63016", "63019", "63021"
WORDS = {
    BLOCKED: "Message failed to send because the recipient is blocked from receiving it.",
    WINDOW_CLOSED: "Failed to send freeform message because you are outside the allowed window.",
    NO_MEDIA: "Media failed to download.",
    BAD_MEDIA: "Channel invalid content error.",
}
_JSON = {"Content-Type": "application/json"}


class Refused(Exception):
    """Twilio does not carry this call out."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        """As Twilio writes it."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        told = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        return msgspec.json.encode(told)

    @property
    def response(self) -> web.Response:
        """The answer."""
        return web.Response(status=self.status, body=self.body, headers=_JSON)


class Undeliverable(Exception):
    """Twilio takes this message, and reports later that it did not arrive."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def not_found() -> Refused:
    """There is nothing of that name."""
    return Refused(404, 20404, "The requested resource was not found")


def too_many() -> Refused:
    """Nothing was done; when to come again is not said."""
    return Refused(429, 20429, "Too Many Requests")
