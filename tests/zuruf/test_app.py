"""A gateway starts in order, stops in reverse, and leaves nothing behind when it cannot start."""

import asyncio
from pathlib import Path

import pytest

from bot.lock import AlreadyRunning
from tests.bot.scripted import until
from tests.zuruf.whole_app import running_app, update, whole_gateway, write_config
from zuruf.app import App
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.telegram import FakeTelegram, rate_limited
from zuruf.settings import ConfigurationError, load


async def test_a_start_that_fails_lets_go_of_everything_and_the_next_one_succeeds(
    tmp_path: Path, database_url: str
) -> None:
    async with FakeTelegram() as provider:
        settings = load(write_config(tmp_path, provider, database_url), {})
        listen = settings.console.listen
        in_the_way = await asyncio.start_server(lambda reader, writer: None, listen.host, listen.port)
        with pytest.raises(ConfigurationError, match="in use"):
            await App(settings).start()
        in_the_way.close()
        await in_the_way.wait_closed()
        async with running_app(settings, provider) as whole:
            provider.say(provider.chat(1), "Hallo")
            await provider.until(lambda: len(provider.chat(1).from_bot) > 0)
            assert whole.app.server_port == settings.server.listen.port


async def test_two_gateways_on_one_sqlite_file_are_refused(tmp_path: Path) -> None:
    async with whole_gateway(tmp_path, f"sqlite:///{tmp_path}/zuruf.db") as whole:
        with pytest.raises(AlreadyRunning):
            await App(whole.app.settings).start()
        provider = whole.provider
        provider.say(provider.chat(1), "Hallo")
        await provider.until(lambda: len(provider.chat(1).from_bot) > 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_gateways_share_one_postgresql(tmp_path: Path, database_url: str) -> None:
    async with whole_gateway(tmp_path, database_url) as first:
        provider = first.provider
        (tmp_path / "two").mkdir()
        settings = load(write_config(tmp_path / "two", provider, database_url), {})
        async with running_app(settings, provider):
            chats = [provider.chat(number) for number in range(1, 21)]
            for chat in chats:
                provider.say(chat, "23")
            await provider.until(
                lambda: all("23" in chat.from_bot[-1].text for chat in chats if chat.from_bot)
            )
            await provider.until(lambda: not provider.updates.pending)
        assert await first.count("conversation") == 20


async def test_a_refused_token_is_told_by_readiness_and_messages_are_taken_all_the_same(
    tmp_path: Path,
) -> None:
    async with FakeTelegram() as provider:
        url = f"sqlite:///{tmp_path}/zuruf.db"
        settings = load(write_config(tmp_path, provider, url, token="123456:not-this-bot"), {})
        async with running_app(settings, provider) as whole:
            await until(lambda: bool(whole.app.gateway.troubles))
            async with whole.http.get(whole.url("/readyz")) as ready:
                assert ready.status == 200, "a proxy that took it out of service would lose its messages"
                assert "telegram" in await ready.text()
            assert await whole.post(update(1)) == 200


async def test_a_webhook_that_cannot_be_set_at_once_is_set_later(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        provider.faults.plan(Fault(answer=rate_limited(1), methods=frozenset({"setWebhook"})))
        settings = load(write_config(tmp_path, provider, f"sqlite:///{tmp_path}/zuruf.db"), {})
        async with running_app(settings, provider) as whole:
            await provider.until(lambda: provider.updates.webhook is not None)
            await until(lambda: not whole.app.gateway.troubles)
