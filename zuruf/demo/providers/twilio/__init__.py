"""A Twilio of our own on 127.0.0.1, with one WhatsApp sender."""

from zuruf.demo.providers.twilio.provider import ACCOUNT_SID, AUTH_TOKEN, SENDER, FakeTwilio

__all__ = ["ACCOUNT_SID", "AUTH_TOKEN", "SENDER", "FakeTwilio"]
