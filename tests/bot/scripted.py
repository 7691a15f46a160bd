"""A channel that says what a test tells it to, and a gateway around it with a small dialog."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.clock import Clock
from bot.content import Content, Organisation
from bot.database import Database
from bot.dialog import Ask, Dialog, Option, Outcome, Reply, Turn
from bot.gateway import Gateway
from channels.channel import Channel, ChannelConfig, WebhookRequest
from channels.errors import ChannelError
from channels.message import (
    Capabilities,
    Event,
    Identifier,
    InboundMessage,
    OutboundMessage,
    RateLimit,
    Receipt,
    Sender,
)

TEXTS = {"greeting": {"de": "Guten Tag!"}, "trouble": {"de": "Ein Mensch kümmert sich."}}
CONTENT = Content(Organisation(languages=("de",)), TEXTS)
Answer = Callable[[OutboundMessage], ChannelError | None]


class ScriptedChannel(Channel):
    """Keeps what is sent; `answer` decides per message whether the provider takes it."""

    kind = "scripted"
    Config = ChannelConfig

    def __init__(
        self, name: str = "test", *, rate: float = 100_000, reports: bool = False, **capabilities: Any
    ) -> None:
        self.name = name
        self.sent: list[OutboundMessage] = []  # accepted, in order
        self.tries: list[OutboundMessage] = []
        self.answer: Answer = lambda message: None
        self.latency_s = 0.0
        self.taps: list[str] = []
        self._capabilities = Capabilities(
            text_limit=200,
            text_unit="characters",
            caption_limit=100,
            buttons=10,
            button_title_limit=64,
            rate=RateLimit(rate, burst=1000),
            delivery_reports=reports,
            reports_name_ours=reports,
            **capabilities,
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def verify(self, request: WebhookRequest) -> None:
        return None

    async def parse(self, request: WebhookRequest) -> list[Event]:
        return []

    async def send(self, message: OutboundMessage) -> Receipt:
        self.tries.append(message)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        error = self.answer(message)
        if error:
            raise error
        self.sent.append(message)
        return Receipt(f"p{message.message_id}")

    async def acknowledge_tap(self, tap_id: str) -> None:
        self.taps.append(tap_id)

    def texts_to(self, person: str) -> list[str]:
        """What a person got, in order."""
        return [message.text for message in self.sent if message.to.value == person]


def said(person: str, text: str, key: str, **more: Any) -> InboundMessage:
    """A text message from a person."""
    sender = Sender((Identifier("chat", person),), name=f"Person {person}", language="de")
    return InboundMessage(
        dedupe_key=key, sender=sender, provider_id=f"in-{key}", sent_at_ms=1, text=text, **more
    )


def echo(turn: Turn) -> Outcome:
    """Repeats what was said; "boom" crashes, "ask" asks, "twice" answers in two bubbles."""
    if turn.text == "boom":
        raise RuntimeError("a step that crashes")
    if turn.text == "ask":
        return Outcome((Reply("Ja oder nein?", Ask("test", (Option("yes", "Ja"), Option("no", "Nein")))),))
    if turn.text == "twice":
        return Outcome((Reply("eins"), Reply("zwei")))
    return Outcome((Reply(f"echo {turn.text}"),))


def make_gateway(
    database: Database,
    channel: ScriptedChannel,
    folder: Path,
    steps: Sequence[Callable[[Turn], Outcome | None]] = (echo,),
    clock: Clock | None = None,
) -> Gateway:
    """A gateway that is not started yet."""
    return Gateway(
        database,
        {channel.name: channel},
        Dialog(steps, {}, {}),
        lambda: CONTENT,
        clock or Clock(),
        b"key",
        folder,
    )


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[Gateway]:
    """The gateway, started and stopped."""
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


async def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait until something is so; fails after the time-out."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    return await database.read(lambda c: [tuple(row) for row in c.execute(sa.text(statement))])


async def settled(database: Database, timeout_s: float = 30) -> None:
    """Wait until nothing is left to send."""
    async with asyncio.timeout(timeout_s):
        while await rows(database, "SELECT 1 FROM outbox LIMIT 1"):
            await asyncio.sleep(0.05)
