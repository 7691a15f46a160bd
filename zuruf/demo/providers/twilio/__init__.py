"""A Twilio of our own on 127.0.0.1, with one WhatsApp sender."""

from zuruf.demo.providers.twilio.provider import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    MESSAGING_SERVICE_SID,
    SENDER,
    FakeTwilio,
)

__all__ = ["ACCOUNT_SID", "AUTH_TOKEN", "MESSAGING_SERVICE_SID", "SENDER", "FakeTwilio"]
