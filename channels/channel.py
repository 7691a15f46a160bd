"""What a channel is: the contract that every adapter keeps."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from channels.message import Capabilities, Event, Gap, Media, OutboundMessage, Receipt, Template


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A provider's call, before anybody believes it."""

    method: str
    raw_path: str  # path and query exactly as sent, undecoded: some signatures cover it
    headers: Mapping[str, str]  # case-insensitive
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


class ChannelMemory(Protocol):
    """What an adapter may remember across restarts: public keys, content ids, tokens."""

    async def get(self, key: str) -> str | None:
        """The value last put under `key`, unless it has expired."""

    async def put(self, key: str, value: str, *, ttl_s: float | None = None) -> None:
        """Keep `value` under `key`, for `ttl_s` seconds or for good."""


class ChannelConfig(BaseModel):
    """The keys that every `[channels.NAME]` table has; an adapter adds its own."""

    # Values may be secrets: messages about them name the key, not what it holds.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str
    # Overrides the adapter's own limit, for contracts with a higher one.
    rate_per_s: float | None = Field(default=None, gt=0)


def _no_media_url(media: Media) -> str:
    raise NotImplementedError("nobody serves files here")


def _real_now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class ChannelPorts:
    """What an adapter is given to work with."""

    name: str
    http: aiohttp.ClientSession
    memory: ChannelMemory
    webhook_url: str  # where the provider reaches this channel from outside
    # A signed address, valid for an hour, from which the provider can fetch a local file of ours.
    media_url: Callable[[Media], str] = _no_media_url
    now_ms: Callable[[], int] = _real_now_ms  # the business clock, for windows and dates

    @property
    def status_url(self) -> str:
        """Where the provider reports what became of a message, if that is not `webhook_url`."""
        return f"{self.webhook_url}/status"


StoreEvents = Callable[[Sequence[Event]], Awaitable[None]]


class Channel(ABC):
    """One messenger account. Subclasses say how to verify, parse and send; the rest has defaults."""

    kind: ClassVar[str]
    Config: ClassVar[type[ChannelConfig]]
    polls: bool = False  # true: events come through `poll`, not through the webhook
    # What a provider wants to read beside the 200; most want nothing.
    acknowledgement: ClassVar[bytes] = b""
    acknowledgement_type: ClassVar[str] = "text/plain"

    def __init__(self, config: ChannelConfig, ports: ChannelPorts) -> None:
        self.name = ports.name
        self.ports = ports

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this channel can show and carry."""

    @abstractmethod
    def verify(self, request: WebhookRequest) -> None:
        """Raise `WebhookRejected` unless the request proves that the provider sent it; in constant time."""

    @abstractmethod
    async def parse(self, request: WebhookRequest) -> list[Event]:
        """The events of a verified request; `[]` for what is understood but not for us.

        Raises `Unreadable` for what is authentic but cannot be understood.
        """

    @abstractmethod
    async def send(self, message: OutboundMessage) -> Receipt:
        """Hand one message to the provider; raise `SendError` if it was not surely accepted."""

    async def set_up(self) -> None:  # noqa: B027 - optional: a default, not a gap
        """Tell the provider where to call us; at every start."""

    async def check(self) -> str:
        """A line on the account as the provider sees it; raises `SendError` if the account does not work."""
        return "no check for this kind of channel"

    async def poll(self, store: StoreEvents) -> None:
        """Fetch events until cancelled, acknowledging only what `store` has returned from."""
        raise NotImplementedError(f"a {self.kind} channel is not polled")

    def fetch_media(self, media: Media) -> AsyncIterator[bytes]:
        """The file's bytes in chunks; raises `MediaGone` or `SendError`."""
        raise NotImplementedError(f"a {self.kind} channel has no media")

    async def unseal(self, body: bytes) -> list[Event]:
        """The events in a `SealedEvent`, once what opens it was fetched.

        Raises `SendError` where it must be tried again, and `Unreadable` where it never will be read.
        """
        raise NotImplementedError(f"a {self.kind} channel seals nothing")

    async def catch_up(self, store: StoreEvents) -> Gap | None:
        """Store what the webhook missed; at every start and every few minutes.

        Returns a gap where messages may be lost because the provider keeps none for us.
        """
        return None

    async def look_up(
        self, message: OutboundMessage, since_ms: int, taken: Collection[str]
    ) -> Receipt | None:
        """What became of a send that nobody answered; None: the provider knows no such message.

        `since_ms` is when the send began (real time), `taken` are provider ids that are other messages'.
        Only called where `capabilities.looks_up`. Raises `SendError` where the provider cannot say.
        """
        raise NotImplementedError(f"a {self.kind} channel cannot look sends up")

    async def templates(self) -> list[Template]:
        """The approved templates."""
        return []

    async def account_warning(self) -> str:
        """What an administrator should know before it stops the channel, such as credits that run out."""
        return ""

    async def acknowledge_tap(self, tap_id: str) -> None:  # noqa: B027 - optional: a default, not a gap
        """Tell the messenger that a tap was noticed, where it waits for that."""
