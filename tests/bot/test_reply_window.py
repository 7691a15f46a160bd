"""The time after a person's last message in which we may write freely, and what becomes of a late answer."""

from pathlib import Path

import pytest

from bot.clock import Clock
from bot.database import Database
from bot.pacing import ONE_HOUR_MS, is_window_closed
from channels.errors import SendError, SendErrorKind
from channels.message import DeliveryState, DeliveryUpdate, InboundMessage, OutboundMessage
from tests.bot.scripted import ScriptedChannel, make_gateway, rows, running, said, settled, until

FAILED = "SELECT text, status, error_kind, error_code FROM message WHERE direction = 'out' ORDER BY position"


@pytest.mark.parametrize(
    ("window_h", "last_ms", "now_ms", "closed"),
    [
        (None, None, 0, False),
        (24, None, 0, True),
        (24, 0, 24 * ONE_HOUR_MS - 1, False),
        (24, 0, 24 * ONE_HOUR_MS, True),
    ],
)
def test_the_window_closes_on_the_hour(
    window_h: int | None, last_ms: int | None, now_ms: int, closed: bool
) -> None:
    assert is_window_closed(window_h, last_ms, now_ms) is closed


def now_said(clock: Clock, text: str, key: str) -> InboundMessage:
    message = said("anna", text, key)
    return InboundMessage(key, message.sender, message.provider_id, clock.now_ms(), text=text)


async def test_an_answer_that_waited_beyond_the_window_fails_by_name_and_is_never_sent(
    database: Database, tmp_path: Path
) -> None:
    clock, channel = Clock(), ScriptedChannel(window_h=24)
    trouble: SendError | None = SendError(SendErrorKind.RETRY_AFTER, scope="recipient", retry_after_s=0.2)
    channel.answer = lambda message: trouble
    async with running(make_gateway(database, channel, tmp_path, clock=clock)) as gateway:
        await gateway.inbox.accept("test", [now_said(clock, "hallo", "1")])
        await until(lambda: len(channel.tries) == 1)
        clock.advance(25 * ONE_HOUR_MS)
        await settled(database)
        assert len(channel.tries) == 1
        assert await rows(database, FAILED) == [
            ("Guten Tag!", "failed", "needs_template", "window closed"),
            ("echo hallo", "failed", "needs_template", "window closed"),
        ]
        trouble = None
        await gateway.inbox.accept("test", [now_said(clock, "bin wieder da", "2")])
        await settled(database)
    assert channel.texts_to("anna") == ["echo bin wieder da"]


async def test_a_provider_that_reports_a_closed_window_is_believed(
    database: Database, tmp_path: Path
) -> None:
    clock, channel = Clock(), ScriptedChannel(window_h=24, reports=True)
    tried: list[OutboundMessage] = channel.tries
    async with running(make_gateway(database, channel, tmp_path, clock=clock)) as gateway:
        await gateway.inbox.accept("test", [now_said(clock, "hallo", "1")])
        await settled(database)
        refused = DeliveryUpdate(
            "s1",
            DeliveryState.FAILED,
            provider_id=f"p{tried[-1].message_id}",
            error_kind="needs_template",
            error_code="63016",
        )
        await gateway.inbox.accept("test", [refused])
        assert await rows(database, "SELECT last_inbound_at_ms FROM conversation") == [(None,)]
        assert (await rows(database, FAILED))[-1][1:] == ("failed", "needs_template", "63016")
