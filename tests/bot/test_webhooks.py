"""The webhook door over real HTTP, with the real Telegram adapter, on both databases."""

import asyncio
import gzip
import json
import random
import zlib
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import Clock
from bot.web import webhooks
from bot.web.webhooks import MOST_BODY_BYTES
from tests.channels.contract import Sample, load_samples
from tests.zuruf.whole_app import (
    SECRET,
    SECRET_HEADER,
    SIGNED,
    Whole,
    running_app,
    update,
    whole_gateway,
    write_config,
)
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.settings import ConfigurationError, load

SAMPLES = load_samples("telegram")
DAY_S = 24 * 3600
POISON = {  # a database that refuses one message, for a reason that will not pass
    "sqlite": (
        """CREATE TRIGGER refuse BEFORE INSERT ON message WHEN NEW.text = 'Gift'
           BEGIN SELECT RAISE(ABORT, 'no'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'no'; END $$""",
        """CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.text = 'Gift')
           EXECUTE FUNCTION refuse()""",
    ),
}
# What each kind of sample leads to: messages stored, by kind; everything else leaves none behind.
STORED_AS = {
    "message.text": "text",
    "message.image": "image",
    "message.button": "choice",
    "message.contact": "contact",
    "message.document": "document",
    "message.location": "location",
    "message.sticker": "sticker",
    "message.video": "video",
    "message.voice": "voice",
}
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**53 + 1,
    2**63,
    10**400,
    -(2**63) - 1,
    "",
    "\0",
    "\ud800",
    "a\0b\udfff",
    "x" * 10_000,
    "0",
    [],
    {},
    [None],
    {"a": {"b": []}},
    [[[[[]]]]],
    "../../etc/passwd",
    "'; DROP TABLE message; --",
]


@pytest.fixture
async def whole(tmp_path: Path, database_url: str) -> AsyncIterator[Whole]:
    async with whole_gateway(tmp_path, database_url) as gateway:
        gateway.provider.chat(99_000_000_001)
        yield gateway


async def post_sample(whole: Whole, sample: Sample) -> int:
    request = sample["request"]
    return await whole.post(request["body"].encode(), request["headers"])


async def test_every_sample_gets_its_answer_and_leads_to_what_it_means(whole: Whole) -> None:
    for case, sample in SAMPLES.items():
        expect, kind = sample["expect"], sample["expect"]["kind"]
        before = await whole.rows("SELECT id FROM message WHERE direction = 'in' ORDER BY id")
        assert await post_sample(whole, sample) == expect["http"], case
        after = await whole.rows("SELECT id, kind, text FROM message WHERE direction = 'in' ORDER BY id")
        new = after[len(before) :]
        if kind in STORED_AS and case not in ("text", "text_duplicate"):
            assert [row[1] for row in new] == [STORED_AS[kind]], case
        if "text" in expect and kind == "message.text":
            assert expect["text"] in [row[2] for row in after], case
        if kind in ("ignored", "rejected", "duplicate", "contact_blocked", "contact_unblocked"):
            assert not new, case
    assert await whole.rows("SELECT channel, reason FROM quarantine") == [
        ("telegram", "the body is not JSON")
    ]


async def test_edits_and_blocks_of_the_samples_are_written_down(whole: Whole) -> None:
    for case in ("text", "edited_message", "bot_blocked"):
        await post_sample(whole, SAMPLES[case])
    assert await whole.rows("SELECT text FROM message WHERE direction = 'in'") == [("Hallo (korrigiert)",)]
    assert await whole.rows("SELECT reachable FROM address") == [("blocked",)]
    await post_sample(whole, SAMPLES["bot_unblocked"])
    assert await whole.rows("SELECT reachable FROM address") == [("yes",)]


async def test_nothing_forged_is_accepted_or_crashes(whole: Whole) -> None:
    for number, (headers, body) in enumerate(forgeries(400)):
        status = await whole.post(body, headers)
        assert status in (400, 403, 413), f"forgery {number}"
    for table in ("message", "contact", "seen", "quarantine"):
        assert await whole.count(table) == 0


def forgeries(count: int) -> Iterator[tuple[dict[str, str], bytes]]:
    """Requests with every kind of wrong proof, on genuine and broken bodies."""
    dice = random.Random(1)
    genuine = [sample["request"]["body"].encode() for sample in SAMPLES.values()]
    for _ in range(count):
        at = dice.randrange(len(SECRET))
        proof = dice.choice(
            [
                "",
                SECRET[:at],
                SECRET + dice.choice("a0_-"),
                SECRET[:at] + dice.choice("!~Aa0") + SECRET[at + 1 :] + "x",
                SECRET.upper(),
                SECRET[::-1],
                f"{SECRET},{SECRET}",
                f'"{SECRET}"',
                f"Bearer {SECRET}",
                "ü" * 8,
                "\udcff\udcfe",
            ]
        )
        name = dice.choice([SECRET_HEADER, SECRET_HEADER.lower(), "Authorization", "X-Telegram-Secret"])
        if name == SECRET_HEADER and proof.strip() == SECRET:
            continue
        body = bytearray(dice.choice(genuine))
        for _ in range(dice.randrange(3)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        yield {name: proof, "Content-Type": "application/json"}, bytes(body)


async def test_signed_but_odd_bodies_never_crash_the_door(whole: Whole) -> None:
    dice = random.Random(2)
    bodies = [json.loads(sample["request"]["body"]) for case, sample in SAMPLES.items() if readable(sample)]
    statuses = set()
    for number in range(600):
        body = mutated(deepcopy(dice.choice(bodies)), dice)
        if isinstance(body, dict) and isinstance(body.get("update_id"), int) and dice.random() < 0.8:
            body["update_id"] = 1_000_000 + number
        statuses.add(await whole.post(body))
    for raw in (
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\0",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"update_id":1e999}',
        b"NaN",
    ):
        statuses.add(await whole.post(raw))
    assert statuses == {200}
    assert await whole.count("message", "direction = 'in'") > 50, "odd, yet much of it can be read"
    assert 0 < await whole.count("quarantine") <= 200


def readable(sample: Sample) -> bool:
    return bool(sample["case"] != "malformed_json" and sample["expect"]["auth"] == "ok")


def mutated(body: Any, dice: random.Random) -> Any:
    """The body with one to three of its parts replaced or taken out."""
    for _ in range(dice.randrange(1, 4)):
        places = list(places_in(body))
        if not places:
            return dice.choice(ODD_VALUES)
        holder, key = dice.choice(places)
        if dice.random() < 0.25:
            del holder[key]
        else:
            holder[key] = dice.choice(ODD_VALUES)
    return body


def places_in(part: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for key in keys:
        yield part, key
        yield from places_in(part[key])


async def test_what_is_authentic_but_unreadable_is_counted_once(whole: Whole) -> None:
    for _ in range(3):
        assert await whole.post(b'{"update_id": 7, "message": "no object"}') == 200
    assert await whole.count("quarantine") == 1


async def test_what_cannot_be_stored_is_put_aside_and_does_not_come_back_for_ever(whole: Whole) -> None:
    for statement in POISON[whole.app.database.dialect]:
        await whole.app.database.write(partial(_execute, statement))
    bodies = [update(number, "Gift" if number == 3 else "Hallo") for number in range(6)]
    assert await asyncio.gather(*map(whole.post, bodies)) == [200] * 6
    assert await whole.count("message", "direction = 'in'") == 5
    assert await whole.count("quarantine") == 1


def _execute(statement: str, connection: sa.Connection) -> None:
    connection.exec_driver_sql(statement)


async def test_a_replay_changes_nothing_also_days_and_restarts_later(
    tmp_path: Path, database_url: str
) -> None:
    async with FakeTelegram() as provider:
        settings = load(write_config(tmp_path, provider, database_url), {})
        chats = [provider.chat(1000 + number) for number in range(10)]
        updates = [update(number, "Hallo", chats[number % 10].chat_id) for number in range(50)]
        async with running_app(settings, provider) as whole:
            assert {await whole.post(body) for body in updates} == {200}
            assert set(await asyncio.gather(*(whole.post(body) for body in updates * 2))) == {200}
            assert await whole.count("message", "direction = 'in'") == 50
        later = Clock()
        later.advance(8 * DAY_S * 1000)
        said = sum(len(chat.from_bot) for chat in chats)
        async with running_app(settings, provider, later) as whole:
            assert {await whole.post(body) for body in updates} == {200}
            assert await whole.count("message", "direction = 'in'") == 50
            assert not await whole.rows("SELECT 1 FROM outbox")
        assert sum(len(chat.from_bot) for chat in chats) == said


async def test_what_is_too_big_is_refused(whole: Whole) -> None:
    assert await whole.post(b" " * (MOST_BODY_BYTES + 1)) == 413
    assert await whole.post(json.dumps(update(1)).encode().ljust(MOST_BODY_BYTES)) == 200


async def test_a_bomb_is_refused_before_it_has_unfolded(whole: Whole) -> None:
    packed = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packed.compress(bytes(1 << 20)) for _ in range(200)) + packed.flush()
    assert len(bomb) < 256 * 1024
    before_mb = peak_memory_mb()
    for _ in range(3):
        assert await whole.post(bomb, {**SIGNED, "Content-Encoding": "gzip"}) == 413
    assert peak_memory_mb() - before_mb <= 32


def peak_memory_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def test_packed_bodies_are_read_and_broken_ones_refused(whole: Whole) -> None:
    packed = {**SIGNED, "Content-Encoding": "gzip"}
    whole.provider.chat(99_000_000_001)
    assert await whole.post(gzip.compress(json.dumps(update(1)).encode()), packed) == 200
    assert await whole.post(b"this is no gzip", packed) == 400
    assert await whole.count("message", "direction = 'in'") == 1


async def test_endless_chunks_are_cut(whole: Whole) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", whole.app.server_port)
    writer.write(head(("Transfer-Encoding", "chunked")))
    sent = 0
    answer = asyncio.ensure_future(reader.readline())
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while not answer.done() and sent < 64 * MOST_BODY_BYTES:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)
        sent += 0x10000
    assert b" 413 " in await answer
    writer.close()


async def test_a_body_that_drips_is_not_waited_for(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", whole.app.server_port)
    writer.write(head(("Content-Length", "1000")) + b"{")
    await writer.drain()
    async with asyncio.timeout(10):
        assert b" 408 " in await reader.readline()
        await reader.read()  # ends: the connection is closed, the rest of the body is not awaited
    writer.close()


def head(*more: tuple[str, str]) -> bytes:
    headers = [("Host", "127.0.0.1"), *SIGNED.items(), *more]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"POST /webhooks/telegram HTTP/1.1\r\n{lines}\r\n".encode()


async def test_the_ports_know_their_own_routes_alone(whole: Whole) -> None:
    async def status(method: str, url: str, **headers: str) -> int:
        async with whole.http.request(method, url, headers=headers) as answer:
            return answer.status

    assert await whole.post(update(1), path="/webhooks/unknown") == 404
    assert await status("GET", whole.url("/webhooks/telegram")) == 405
    for path in ("/", "/phones", "/assets/base.css", "/api/v1/", "/settings", "/metrics"):
        assert await status("GET", whole.url(path)) == 404, path
    assert await status("POST", whole.console_url("/webhooks/telegram"), **SIGNED) == 404
    assert await status("GET", whole.console_url("/assets/base.css")) == 200
    for path in ("/healthz", "/readyz"):
        assert await status("GET", whole.url(path)) == 200, path
    assert await status("GET", whole.console_url("/healthz"), Host="evil.example.org") == 421
    assert (
        await status("GET", whole.console_url("/healthz"), Host=f"localhost:{whole.app.console_port}") == 200
    )


def test_a_channel_without_its_secret_does_not_start(tmp_path: Path) -> None:
    path = write_config(tmp_path, FakeTelegram(), "sqlite:///x.db", secret="")
    with pytest.raises(ConfigurationError, match="webhook_secret"):
        load(path, {})
