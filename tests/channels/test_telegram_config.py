"""Telegram's table in config.toml: what is wrong with it, and what its keys change."""

from typing import Any

import pytest
from pydantic import ValidationError

from channels.errors import WebhookRejected
from channels.http import make_session
from channels.telegram import TelegramConfig
from tests.channels.contract import load_samples, make_channel, webhook_request

TOKEN = "88000000001:AAtest_token-0000000000"
CONFIG = {"token": TOKEN, "webhook_secret": "test_telegram_secret-token_01"}


@pytest.mark.parametrize(
    ("config", "cure"),
    [
        ({"token": TOKEN}, "openssl rand"),
        ({"token": TOKEN, "webhook_secret": ""}, "openssl rand"),
        ({"token": TOKEN, "webhook_secret": "mit Leerzeichen"}, "A-Z a-z"),
        ({"token": TOKEN, "webhook_secret": "x" * 257}, "A-Z a-z"),
        ({"token": "AAF-without-number", "mode": "polling"}, "@BotFather"),
        ({"token": TOKEN, "mode": "polling", "api_url": "api.telegram.org"}, "web address"),
        ({"token": TOKEN, "mode": "pulling"}, "polling"),
        ({"token": TOKEN, "mode": "polling", "rate_per_s": 0}, "greater than 0"),
    ],
)
def test_a_wrong_key_is_told_with_its_cure(config: dict[str, Any], cure: str) -> None:
    """`zuruf check` shows these words."""
    with pytest.raises(ValidationError, match=cure):
        TelegramConfig.model_validate({"kind": "telegram", **config})


async def test_a_polled_channel_takes_no_webhooks() -> None:
    """Not even with the right secret: nobody was told to call."""
    async with make_session() as http:
        channel = make_channel("telegram", CONFIG | {"mode": "polling"}, http)
        assert channel.polls
        with pytest.raises(WebhookRejected):
            channel.verify(webhook_request(load_samples("telegram")["text"]))


async def test_a_contract_with_a_higher_rate_is_used() -> None:
    """Paid broadcasts allow more than 30 messages a second."""
    async with make_session() as http:
        rate = make_channel("telegram", CONFIG, http).capabilities.rate
        assert rate.per_s + rate.burst == 30, "in no second more than Telegram allows"
        faster = make_channel("telegram", CONFIG | {"rate_per_s": 500}, http).capabilities.rate
        assert faster.per_s + faster.burst == 500
