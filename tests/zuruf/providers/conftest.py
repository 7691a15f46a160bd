"""A fake Telegram, a way to call its methods, and a gateway that listens to it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.zuruf.providers.receiver import SECRET, Call, Gateway
from zuruf.demo.providers.telegram import FakeTelegram


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(time_scale=0.001) as provider:
        yield provider


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def call(telegram: FakeTelegram, session: aiohttp.ClientSession) -> Call:
    async def call_method(method: str, **parameters: Any) -> dict[str, Any]:
        url = f"{telegram.url}/bot{telegram.token}/{method}"
        async with session.post(url, json=parameters) as answer:
            body: dict[str, Any] = await answer.json()
            assert body["ok"] == (answer.status == 200)
            return body

    return call_method


@pytest.fixture
async def gateway(call: Call) -> AsyncIterator[Gateway]:
    receiver = Gateway()
    app = web.Application()
    app.router.add_post("/webhooks/telegram", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/telegram"
    await call("setWebhook", url=receiver.url, secret_token=SECRET)
    yield receiver
    await runner.cleanup()
