"""Threema's account: its configuration, its key, its credits, and what nobody repeats after an outage."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import Event, Gap, Identifier, OutboundMessage
from channels.threema_config import ThreemaConfig
from tests.channels.contract import load_answers, make_channel
from tests.channels.threema_fake import (
    BASIC,
    END_TO_END,
    GATEWAY,
    PERSON,
    PERSONS_PUBLIC_KEY,
    PRIVATE_KEY,
    SECRET,
    FakeThreema,
)

MINUTE_MS = 60_000
ANSWERS = load_answers("threema")


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    """The fake, listening."""
    fake = FakeThreema()
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(threema: FakeThreema) -> AsyncIterator[Channel]:
    """An end-to-end account."""
    async with make_session() as http:
        yield make_channel("threema", {**END_TO_END, "api_url": threema.url}, http)


@pytest.fixture
async def basic(threema: FakeThreema) -> AsyncIterator[Channel]:
    """A basic account."""
    async with make_session() as http:
        yield make_channel("threema", {**BASIC, "api_url": threema.url}, http)


def configured(**changes: Any) -> ThreemaConfig:
    """A configuration that differs from a good one."""
    return ThreemaConfig.model_validate({"kind": "threema", **END_TO_END, **changes})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gateway_id", "TSTUSR01"),
        ("gateway_id", "*testgw1"),
        ("gateway_id", "*TESTGW12"),
        ("secret", ""),
        ("secret", "with space"),
        ("private_key", PRIVATE_KEY[:-1]),
        ("private_key", ""),
        ("low_credits", -1),
        ("api_url", "msgapi.threema.ch"),
        ("api_url", "https://msgapi.threema.ch?x"),
    ],
)
def test_a_wrong_value_is_named_by_its_key_and_not_repeated(key: str, value: object) -> None:
    """It may be a secret, or half of one."""
    with pytest.raises(ValidationError) as raised:
        configured(**{key: value})
    assert [error["loc"] for error in raised.value.errors()] == [(key,)]
    assert PRIVATE_KEY[:-1] not in str(raised.value)


def test_keys_are_taken_as_threemas_own_tools_write_them() -> None:
    """With a word before them, or in capitals; an address with a slash at its end."""
    config = configured(private_key=f"private:{PRIVATE_KEY.upper()}", api_url="http://127.0.0.1:1/")
    assert config.private_key is not None
    assert (config.private_key.get_secret_value(), config.api_url) == (PRIVATE_KEY, "http://127.0.0.1:1")


async def test_the_check_names_mode_and_credits(channel: Channel, basic: Channel) -> None:
    """One line for the administrator."""
    assert await channel.check() == "*TESTGW1, end-to-end, 980 credits"
    assert await basic.check() == "*TESTGW1, basic mode: sends text, receives nothing; 980 credits"


async def test_the_check_finds_a_key_that_is_not_the_gateway_ids(
    channel: Channel, threema: FakeThreema
) -> None:
    """People encrypt for another one; nothing would arrive."""
    threema.keys[GATEWAY] = PERSONS_PUBLIC_KEY
    line = await channel.check()
    assert "private_key does not belong" in line
    assert PRIVATE_KEY not in line


@pytest.mark.parametrize(
    ("name", "kind"),
    [("bad_credentials", SendErrorKind.STOP_CHANNEL), ("server", SendErrorKind.RETRY_FEW)],
)
async def test_the_check_fails_with_the_account(
    channel: Channel, threema: FakeThreema, name: str, kind: SendErrorKind
) -> None:
    """And never shows the address, which holds the secret."""
    threema.answer("credits", ANSWERS[name])
    with pytest.raises(SendError) as raised:
        await channel.check()
    assert raised.value.kind is kind
    assert SECRET not in f"{raised.value!r} {raised.value.__context__!r}"


async def test_credits_that_are_no_number_are_an_error(channel: Channel, threema: FakeThreema) -> None:
    """Somebody else's page, perhaps."""
    threema.answer("credits", {"status": 200, "body": "<html>"})
    with pytest.raises(SendError):
        await channel.check()


@pytest.mark.parametrize(("left", "warned"), [(100, False), (99, True), (0, True)])
async def test_a_warning_comes_before_the_credits_run_out(
    channel: Channel, threema: FakeThreema, left: int, warned: bool
) -> None:
    """Without any, nothing is sent; the recorded account has 98 of the usual 100."""
    threema.credits = left
    assert await channel.account_warning() == (f"{left} credits are left at Threema" if warned else "")


async def test_how_many_credits_are_few_can_be_said(threema: FakeThreema) -> None:
    """A hundred are a day's worth for some."""
    async with make_session() as http:
        config = {**END_TO_END, "low_credits": 1000, "api_url": threema.url}
        assert await make_channel("threema", config, http).account_warning()


async def test_a_start_finds_the_wrong_key(channel: Channel, threema: FakeThreema) -> None:
    """And then takes a refusal for the account's fault: no person is marked for it."""
    threema.keys[GATEWAY] = PERSONS_PUBLIC_KEY
    with pytest.raises(SendError) as raised:
        await channel.set_up()
    assert (raised.value.kind, raised.value.scope) == (SendErrorKind.STOP_CHANNEL, "channel")
    threema.answer("send_e2e", ANSWERS["bad_recipient_or_mode"])
    with pytest.raises(SendError) as raised:
        await channel.send(OutboundMessage(1, Identifier("threema", PERSON), "x"))
    assert raised.value.kind is SendErrorKind.STOP_CHANNEL


async def test_a_start_with_the_right_key_says_nothing(channel: Channel, basic: Channel) -> None:
    """Also for a basic account, whose key is Threema's."""
    await channel.set_up()
    await basic.set_up()


async def no_events(events: Sequence[Event]) -> None:
    """Threema keeps nothing that could be stored."""
    raise AssertionError(events)


async def caught_up(channel: Channel, *times_ms: int) -> list[Gap | None]:
    """What each look at these times says; each time in a process of its own."""
    gaps = []
    for now_ms in times_ms:
        ports = replace(channel.ports, now_ms=partial(int, now_ms))
        key = {"private_key": PRIVATE_KEY} if channel.capabilities.receives else {}
        config = ThreemaConfig.model_validate({"kind": "threema", **BASIC, **key})
        gaps.append(await type(channel)(config, ports).catch_up(no_events))
    return gaps


async def test_a_gap_longer_than_threema_repeats_is_told_once(channel: Channel) -> None:
    """Three repeats, five minutes apart: what is older was lost."""
    begin = 1_790_000_000_000
    back = begin + 16 * MINUTE_MS
    assert await caught_up(channel, begin, back, back + MINUTE_MS) == [None, Gap(begin, back), None]


async def test_a_short_outage_is_no_gap(channel: Channel) -> None:
    """Threema calls again in time."""
    begin = 1_790_000_000_000
    assert await caught_up(channel, begin, begin + 15 * MINUTE_MS) == [None, None]


async def test_a_basic_account_has_no_gaps(basic: Channel) -> None:
    """Nothing arrives there anyway."""
    begin = 1_790_000_000_000
    assert await caught_up(basic, begin, begin + 60 * MINUTE_MS) == [None, None]


async def test_the_capabilities_are_those_of_the_mode(channel: Channel, basic: Channel) -> None:
    """The menus, the console and the table in the documents go by them."""
    full, small = channel.capabilities, basic.capabilities
    assert (full.text_limit, full.text_unit, full.caption_limit, full.buttons) == (3500, "utf8", 1000, 0)
    assert full.delivery_reports
    assert full.read_reports
    assert {"image", "voice", "document"} <= full.media_out_bytes.keys()
    assert "text" in full.receives
    assert (small.text_limit, small.receives, small.media_out_bytes) == (3500, frozenset(), {})
    assert not small.delivery_reports
    assert full.costs
    assert small.costs
