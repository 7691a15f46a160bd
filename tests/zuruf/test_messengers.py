"""What is promised of every messenger, tried on each with its own provider: R3, R4, R8, R12, R13, S1, S3.

A next channel is one more writer in `benchmarks/writers.py`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.writers import WRITERS, OnWhatsApp, Post, Writer
from tests.bot.scripted import settled, until
from tests.zuruf.whole_app import Whole, running_app
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.couriers import Couriers
from zuruf.demo.providers.faults import Fault
from zuruf.demo.run import write_config
from zuruf.settings import Settings, load

ALL = sorted(WRITERS)
PEOPLE = 5


@pytest.fixture(params=ALL)
async def writer(request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    """The people of one messenger; its waits take a hundredth of the time."""
    made = WRITERS[request.param](PEOPLE)
    _hurry(made)
    async with made.provider:
        yield made


def _hurry(writer: Writer) -> None:
    couriers = getattr(writer.provider, "couriers", None)
    if isinstance(couriers, Couriers):
        couriers.time_scale = 0.01
    reports = getattr(writer.provider, "reports", None)
    if reports is not None:
        reports.time_scale = 0.01


def settings_for(writer: Writer, folder: Path, database_url: str) -> Settings:
    return load(write_config(folder, writer.messengers, database_url, more="rate_per_s = 100000\n"), {})


@asynccontextmanager
async def gateway(writer: Writer, folder: Path, database_url: str) -> AsyncIterator[Whole]:
    async with running_app(settings_for(writer, folder, database_url), writer.provider) as whole:
        yield whole


async def send(whole: Whole, post: Post) -> int:
    """The status that the door answers with."""
    return await whole.post(post.body, post.headers, post.path)


def answers(chat: Chat) -> list[str]:
    """What somebody got, beside the greeting."""
    return [message.text for message in chat.from_bot if not message.text.startswith("Guten Tag, hier ist")]


async def asked(whole: Whole) -> int:
    return await whole.count("message", "direction = 'in'")


async def test_copies_of_a_webhook_are_acted_on_once_and_later_replays_not_at_all(
    writer: Writer, tmp_path: Path, database_url: str
) -> None:
    """R4, S3."""
    async with gateway(writer, tmp_path, database_url) as whole:
        posts = [writer.says(number, writer.chats[number % PEOPLE]) for number in range(1, 11)]
        copies = [post for post in posts for _ in range(10)]
        random.Random(4).shuffle(copies)
        assert set(await asyncio.gather(*(send(whole, post) for post in copies))) == {200}
        await until(lambda: sum(len(answers(chat)) for chat in writer.chats) == len(posts))
        for post in posts:
            assert await send(whole, post) == 200
        await settled(whole.app.database)
        assert await asked(whole) == len(posts)
        assert [len(answers(chat)) for chat in writer.chats] == [2] * PEOPLE
        assert await whole.count("sealed") == 0
        assert await whole.count("quarantine") == 0


async def test_a_forged_or_changed_webhook_is_refused_and_leaves_no_trace(
    writer: Writer, tmp_path: Path, database_url: str
) -> None:
    """S1; what a genuine body can be turned into is the contract's test."""
    async with gateway(writer, tmp_path, database_url) as whole:
        post = writer.says(1, writer.chats[0])
        for number, forged in enumerate(_forgeries(post)):
            assert await send(whole, forged) == 403, number
        assert await asked(whole) == 0
        assert await whole.count("seen") == 0


def _forgeries(post: Post) -> Iterator[Post]:
    unsigned = {name: value for name, value in post.headers.items() if name == "Content-Type"}
    if unsigned != post.headers:
        yield Post(post.path, post.body, unsigned)
        for name in post.headers.keys() - unsigned.keys():
            yield Post(post.path, post.body, {**post.headers, name: post.headers[name][:-2] + "xx"})
            yield Post(post.path, post.body, {**post.headers, name: "ü"})
    if b"&" in post.body:  # a form, whose fields are signed
        yield Post(
            post.path, post.body.replace(b"Muster", b"M%C3%BCster").replace(b"&to=", b"&to=x"), post.headers
        )
        yield Post(post.path, b"", post.headers)
        yield Post(post.path, post.body[: len(post.body) // 2], post.headers)


async def test_what_is_written_while_the_messenger_takes_nothing_is_answered_in_order_afterwards(
    writer: Writer, tmp_path: Path, database_url: str
) -> None:
    """R12."""
    async with gateway(writer, tmp_path, database_url) as whole:
        posts = [writer.says(number, writer.chats[number % PEOPLE]) for number in range(1, 16)]
        await send(whole, posts[0])
        await until(lambda: len(answers(writer.chats[1])) == 1)  # keys were exchanged, menus made
        await writer.provider.go_down()
        for post in posts[1:]:
            assert await send(whole, post) == 200
        await until(lambda: whole.app.gateway.senders[writer.channel]._failures > 0)
        await writer.provider.come_up()
        await until(lambda: sum(len(answers(chat)) for chat in writer.chats) == len(posts), timeout_s=40)
        await settled(whole.app.database)
    assert [len(answers(chat)) for chat in writer.chats] == [3] * PEOPLE
    for chat in writer.chats:
        assert chat.from_bot[0].text.startswith("Guten Tag, hier ist"), "nothing overtook the greeting"


async def test_a_storm_of_429_loses_and_doubles_nothing(
    writer: Writer, tmp_path: Path, database_url: str
) -> None:
    """R13."""
    busy = Fault(answer=writer.provider.rate_limited(), methods=writer.provider.sending)
    async with gateway(writer, tmp_path, database_url) as whole:
        writer.provider.faults.plan(busy, busy, busy)
        for number in range(1, PEOPLE + 1):
            assert await send(whole, writer.says(number, writer.chats[number % PEOPLE])) == 200
        await until(lambda: all(len(answers(chat)) == 1 for chat in writer.chats), timeout_s=40)
        await settled(whole.app.database)
        assert await whole.count("message", "status = 'failed'") == 0
    assert [len(chat.from_bot) for chat in writer.chats] == [2] * PEOPLE


@pytest.mark.parametrize("has_reports", [True, False], ids=["by its report", "by the message list"])
async def test_a_whatsapp_send_whose_answer_was_lost_is_settled_without_a_copy(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, has_reports: bool
) -> None:
    """R3."""
    monkeypatch.setattr("bot.settling.LOOKS_LEFT_MS", (60_000, 30_000, 5_000))
    writer = WRITERS["whatsapp"](1)
    _hurry(writer)
    writer.reports(are_sent=has_reports)
    async with writer.provider, gateway(writer, tmp_path, database_url) as whole:
        writer.provider.faults.plan(*[Fault(loses_reply=True, methods=writer.provider.sending)] * 2)
        assert await send(whole, writer.says(1, writer.chats[0])) == 200
        await settled(whole.app.database)
        assert await whole.count("message", "direction = 'out' AND provider_id = ''") == 0
    assert len(writer.chats[0].from_bot) == 2


async def test_what_came_while_the_gateway_was_down_is_made_up_for_from_twilios_list(
    tmp_path: Path, database_url: str
) -> None:
    """R8: Twilio's few repeats are over, so the message is only in its list."""
    writer = OnWhatsApp(2)
    _hurry(writer)
    tom, other = writer.chats
    async with writer.provider:
        settings = settings_for(writer, tmp_path, database_url)
        async with running_app(settings, writer.provider) as whole:
            await until(lambda: writer.provider.calls["account", 200] > 0)
            writer.provider.say(tom, "Menü")
            await until(lambda: len(answers(tom)) == 1)
        writer.provider.say(tom, "Menü")
        writer.provider.send_photo(other, b"\xff\xd8 a photo", "Blattläuse?")
        await until(lambda: writer.provider.couriers.under_way == 0)
        async with running_app(settings, writer.provider) as whole:
            await until(lambda: len(answers(tom)) == 2 and len(answers(other)) == 1)
            assert await asked(whole) == 3
            await _stored(whole)


async def _stored(whole: Whole) -> None:
    async with asyncio.timeout(20):
        while await whole.count("media", "state = 'stored'") != 1:
            await whole.pause()


async def test_a_gap_in_which_threema_may_have_given_up_is_told(tmp_path: Path, database_url: str) -> None:
    """R8: Threema keeps nothing for us, so all that can be done is to say so."""
    writer = WRITERS["threema"](1)
    async with writer.provider:
        settings = settings_for(writer, tmp_path, database_url)
        async with running_app(settings, writer.provider) as whole:
            await _mark(whole)
            app = whole.app
            earlier = "UPDATE channel_memory SET value = '1790000000000' WHERE key = 'heard until'"
            await app.database.write(lambda connection: connection.exec_driver_sql(earlier).rowcount)
        async with running_app(settings, writer.provider) as whole:
            await until(lambda: "channel threema gap" in whole.app.gateway.troubles)
            assert "from 2026-09-21 14:13 UTC" in whole.app.gateway.troubles["channel threema gap"]


async def _mark(whole: Whole) -> None:
    async with asyncio.timeout(20):
        while not await whole.count("channel_memory", "key = 'heard until'"):
            await whole.pause()
