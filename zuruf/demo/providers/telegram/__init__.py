"""A Telegram of our own on 127.0.0.1."""

from zuruf.demo.providers.telegram.provider import DEMO_TOKEN, FakeTelegram, rate_limited

__all__ = ["DEMO_TOKEN", "FakeTelegram", "rate_limited"]
