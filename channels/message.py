"""The words that every channel shares: what comes in, what goes out, what was delivered.

Values only, standard library only. An adapter turns its provider's wire format into these and back;
nobody above the adapters sees a provider's field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

MediaKind = Literal["image", "video", "voice", "audio", "document", "sticker"]
Received = (
    MediaKind
    | Literal["text", "choice", "location", "contact", "edit", "delete", "reaction", "reply", "block"]
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """One name under which a channel knows a person: a chat id, a phone number, a Threema ID."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. `identifiers[0]` is the one to answer to."""

    identifiers: tuple[Identifier, ...]
    name: str = ""
    language: str | None = None  # as the messenger reports it: "de", "en-GB"


@dataclass(frozen=True, slots=True)
class Media:
    """A file that came with a message or goes out with one."""

    kind: MediaKind
    reference: str  # in: what `fetch_media` needs (file id, URL); out: path of a local file
    content_type: str = ""
    file_name: str = ""
    size_bytes: int | None = None
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A pin, in WGS 84 degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ContactCard:
    """Somebody's details, sent along. `own` is true only where the provider attests it."""

    name: str
    phone_numbers: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One thing a person said. Exactly one of the contents is set; `text` may be a caption."""

    dedupe_key: str  # unique within the channel for ever: a redelivery carries the same
    sender: Sender
    provider_id: str  # the provider's name for this message, for quotes, edits and reactions
    sent_at_ms: int  # the provider's clock, UTC epoch milliseconds
    text: str = ""
    media: Media | None = None
    location: Location | None = None
    contact_card: ContactCard | None = None
    choice: str | None = None  # the opaque code of a tapped button or list row
    tap_id: str | None = None  # what `acknowledge_tap` needs
    reply_to: str | None = None  # provider id of the quoted message, or of the one whose button was tapped
    album: str | None = None  # messages sent as one album share it
    start_code: str | None = None  # payload of a deep link
    unsupported: str = ""  # the provider's word for a content we cannot show
    context: Mapping[str, str] = field(default_factory=dict)  # aside: forwarded, begun at an advertisement

    @property
    def kind(self) -> str:
        """What was sent: `text`, `choice`, `location`, `contact`, a media kind or `unsupported`."""
        if self.choice is not None:
            return "choice"
        if self.contact_card:  # some messengers send the card as a file
            return "contact"
        if self.media:
            return self.media.kind
        if self.location:
            return "location"
        return "unsupported" if self.unsupported else "text"


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A person changed the words of an earlier message."""

    dedupe_key: str
    sender: Sender
    provider_id: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A person took an earlier message back."""

    dedupe_key: str
    sender: Sender
    provider_id: str


@dataclass(frozen=True, slots=True)
class ReactionChanged:
    """A person's reaction to one message is now `emoji`; empty: none."""

    dedupe_key: str
    sender: Sender
    provider_id: str
    emoji: str


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """A person blocked us, or let us write again."""

    dedupe_key: str
    sender: Sender
    reachable: bool


class DeliveryState(IntEnum):
    """How far a message got; only ever rises. `FAILED` ends it from any state below `DELIVERED`."""

    QUEUED = 0
    ACCEPTED = 1
    SENT = 2
    DELIVERED = 3
    READ = 4
    FAILED = 9


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """The provider tells how far one of our messages got. One of the two ids is set."""

    dedupe_key: str
    state: DeliveryState
    provider_id: str = ""
    message_id: int | None = None  # our own id, where the provider hands it back
    error_code: str = ""
    error_kind: str = ""  # a `SendErrorKind` value, by the adapter's table


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """Authentic, but it cannot be read before its sender's public key was fetched: kept, and opened later.

    `Channel.unseal` turns `body` into the events in it, whose dedupe keys are their own.
    """

    dedupe_key: str
    sender: str  # what is sealed by one person is opened in its order
    body: bytes


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """An authentic request, or one update of several, that cannot be understood: kept aside for a person."""

    dedupe_key: str
    reason: str
    body: bytes


Event = (
    InboundMessage
    | MessageEdited
    | MessageDeleted
    | ReactionChanged
    | ReachabilityChanged
    | DeliveryUpdate
    | SealedEvent
    | UnreadableEvent
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One offered option. `id` is opaque and at most 64 bytes; a channel renders it as it can."""

    id: str
    title: str
    description: str = ""
    key: str = ""  # the way back, a person: typed as this, and shown apart from what is on offer


@dataclass(frozen=True, slots=True)
class Template:
    """A text that the provider approved beforehand: all that may be sent outside the reply window."""

    id: str  # the provider's
    name: str
    language: str
    category: str  # "marketing", "utility", "authentication"; "" where the provider does not say
    text: str  # with {{1}}, {{2}} ... where the variables go
    variables: tuple[str, ...] = ()  # their names, in order


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """An approved template and what to put into it."""

    id: str
    variables: Mapping[str, str] = field(default_factory=dict)  # by name


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One bubble to send: already split and fitted to the channel, not yet in its wire format."""

    message_id: int  # ours; the same at every attempt
    to: Identifier
    text: str = ""  # with the markup of `channels.text`: *bold*, _italic_
    choices: tuple[Choice, ...] = ()  # empty where the channel has no buttons: then they are in the text
    media: Media | None = None
    reply_to: str | None = None
    template: TemplateUse | None = None  # then `text` is only what we show of it


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider answered to an accepted send."""

    provider_id: str
    state: DeliveryState = DeliveryState.SENT
    new_address: Identifier | None = None  # set when the person moved and the message went there


@dataclass(frozen=True, slots=True)
class RateLimit:
    """On average at most `per_s` messages a second for the whole channel, `burst` of them at once."""

    per_s: float
    burst: int = 1

    @classmethod
    def never_above(cls, per_s: float) -> "RateLimit":
        """A pace that stays within `per_s` messages in any second, bursts included."""
        burst = max(1, int(per_s / 10))
        return cls(max(per_s - burst, per_s / 2), burst)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which messages may have come and were lost for good; UTC epoch milliseconds."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can show and carry. The feature matrix and the previews are made from it."""

    text_limit: int
    text_unit: Literal["characters", "utf16", "utf8"]
    caption_limit: int
    buttons: int  # most buttons one message can carry; 0: none
    button_title_limit: int
    rate: RateLimit
    list_rows: int = 0  # most rows of a list, for more choices than buttons; beyond it: numbered text
    list_title_limit: int = 0
    list_description_limit: int = 0
    choices_text_limit: int | None = None  # most text beside buttons or a list, where less than `text_limit`
    formatting: bool = True  # *bold* and _italic_ are shown
    media_out_bytes: dict[MediaKind, int] = field(default_factory=dict)
    receives: frozenset[Received] = frozenset()
    delivery_reports: bool = False
    read_reports: bool = False
    reports_name_ours: bool = False  # a report comes with our own id: it settles a send whose answer was lost
    looks_up: bool = False  # `look_up` can tell what became of an unclear send
    templates: bool = False
    window_h: int | None = None  # hours after the person's last message in which we may write freely
    language_known: bool = False  # the messenger says what language the person reads
    costs: bool = False  # the provider charges for messages
