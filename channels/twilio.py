"""WhatsApp through Twilio: form posts in, one REST call a message out."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
import structlog

from channels.channel import Channel, ChannelConfig, ChannelPorts, StoreEvents, WebhookRequest
from channels.errors import SendError, SendErrorKind, Unreadable, WebhookRejected
from channels.markup import to_marks
from channels.message import (
    Capabilities,
    DeliveryState,
    Event,
    Gap,
    Media,
    MediaKind,
    OutboundMessage,
    RateLimit,
    Receipt,
    Received,
    Template,
)
from channels.text import is_list, numbered
from channels.twilio_api import TwilioApi
from channels.twilio_config import TwilioConfig
from channels.twilio_content import Contents
from channels.twilio_errors import CONTENT_GONE
from channels.twilio_history import Ours, catch_up, look_up
from channels.twilio_media import download
from channels.twilio_signature import (
    SETTINGS_HEADER,
    SIGNATURE_HEADER,
    Fields,
    asks_for_shared_key,
    is_genuine,
    read_form,
    spellings,
)
from channels.twilio_templates import approved_templates
from channels.twilio_updates import PREFIX, said, status

log = structlog.get_logger(__name__)

MOST_PER_S = 80  # of one WhatsApp sender; more by agreement
MOST_TEXT, MOST_TEXT_WITH_CHOICES, MOST_CAPTION = 1600, 1024, 1024
MEGABYTE = 1024 * 1024
LOW_BALANCE = 5.0
MEDIA_OUT_BYTES: dict[MediaKind, int] = {
    "image": 5 * MEGABYTE,
    "video": 16 * MEGABYTE,
    "voice": 16 * MEGABYTE,
    "audio": 16 * MEGABYTE,
    "document": 16 * MEGABYTE,
}
RECEIVES: frozenset[Received] = frozenset(
    {
        *("text", "choice", "location", "contact", "reply"),
        *("image", "video", "voice", "audio", "document", "sticker"),
    }
)
_CAPTIONED = {"image", "video"}  # with other files Twilio drops the text


class TwilioChannel(Channel):
    """One WhatsApp sender, or the senders of one messaging service."""

    kind: ClassVar[str] = "twilio-whatsapp"
    Config: ClassVar[type[ChannelConfig]] = TwilioConfig
    acknowledgement: ClassVar[bytes] = b"<Response/>"  # TwiML for: we answer by a call of our own
    acknowledgement_type: ClassVar[str] = "text/xml"

    def __init__(self, config: TwilioConfig, ports: ChannelPorts) -> None:
        super().__init__(config, ports)
        tokens = [config.auth_token, config.previous_auth_token]
        self._keys = _Keys(token.get_secret_value().encode() for token in tokens if token)
        shared = config.shared_key.get_secret_value().encode()
        self._shared_keys = _Keys([shared] if shared else [])
        self._bases = spellings(ports.webhook_url.removesuffix(f"/webhooks/{ports.name}"))
        self._account_sid, self._sender = config.account_sid, config.sender
        self._ours, self._started_ms = Ours(config.sender, config.messaging_service_sid), ports.now_ms()
        user, secret = config.api_key_sid or config.account_sid, config.api_key_secret or config.auth_token
        self._api = TwilioApi(ports.http, config.api_url, config.account_sid, user, secret.get_secret_value())
        token = config.auth_token.get_secret_value()
        # A key may send and read, but what concerns the account itself is for its token alone.
        self._account = TwilioApi(ports.http, config.api_url, config.account_sid, config.account_sid, token)
        self._has_key = bool(config.api_key_sid)
        self._from = (
            {"MessagingServiceSid": config.messaging_service_sid}
            if config.messaging_service_sid
            else {"From": config.sender}
        )
        self._contents = Contents(self._api, ports.memory, config.list_button)
        self._form_of: WebhookRequest | None = None
        self._form: Fields = ()
        self._capabilities = _capabilities(config.rate_per_s or MOST_PER_S)

    @property
    def capabilities(self) -> Capabilities:
        """WhatsApp's limits, as Twilio narrows them."""
        return self._capabilities

    def verify(self, request: WebhookRequest) -> None:
        """Hold the signature against the address as configured and all fields of the form."""
        fields = self._fields(request)
        given = request.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogatepass")
        by_shared_key = asks_for_shared_key(request.headers.get(SETTINGS_HEADER, ""))
        keys, digest = (self._shared_keys, "sha256") if by_shared_key else (self._keys, "sha1")
        if not any(is_genuine(given, keys, base + request.raw_path, fields, digest) for base in self._bases):
            raise WebhookRejected

    def _fields(self, request: WebhookRequest) -> Fields:
        """The form of a request, which is read to verify it and again to parse it."""
        if self._form_of is not request:
            self._form_of, self._form = request, read_form(request.body)
        return self._form

    async def parse(self, request: WebhookRequest) -> list[Event]:
        """What a person said, or how far a message of ours got."""
        form = dict(self._fields(request))
        if form.get("AccountSid") != self._account_sid:
            raise Unreadable("it is about another account")
        if "MessageStatus" in form:
            return status(form, request.query)
        if self._sender and form.get("To") != self._sender:
            raise Unreadable("it was written to another sender of the account")
        return said(form, self.ports.now_ms())

    async def send(self, message: OutboundMessage) -> Receipt:
        """Send one bubble; choices that Twilio will not show as buttons or a list go as numbers."""
        if not message.choices or message.template or message.media:
            return await self._deliver(message, self._content(message))
        text = _marked(message.text, MOST_TEXT_WITH_CHOICES)
        as_list = is_list(message.choices, self._capabilities)
        for _ in range(2):  # once more where somebody deleted the Content object that we remember
            filled = await self._contents.filled(text, message.choices, as_list=as_list)
            if filled is None:
                break
            fields = {"ContentSid": filled.sid, "ContentVariables": filled.variables}
            try:
                return await self._deliver(message, fields)
            except SendError as error:
                if error.kind is not SendErrorKind.PERMANENT_TEMPLATE:
                    raise
                code = error.code
            log.warning("twilio.content_refused", code=code)
            if code != CONTENT_GONE:
                break
            await self._contents.forget(filled.sid)
        return await self._deliver(message, {"Body": _with_numbers(text, message)})

    async def _deliver(self, message: OutboundMessage, content: Mapping[str, str]) -> Receipt:
        fields = {
            "To": PREFIX + message.to.value,
            **self._from,
            "StatusCallback": f"{self.ports.status_url}?{urlencode({'message': message.message_id})}",
            **content,
        }
        created = await self._api.send(fields)
        sid = created.get("sid")
        if not isinstance(sid, str) or not sid:
            raise SendError(SendErrorKind.RETRY_UNKNOWN, code="no sid", maybe_sent=True)
        return Receipt(sid, DeliveryState.ACCEPTED)

    def _content(self, message: OutboundMessage) -> Mapping[str, str]:
        if message.template:
            filled = msgspec.json.encode(dict(message.template.variables)).decode()
            return {"ContentSid": message.template.id, "ContentVariables": filled}
        if not message.media:
            return {"Body": _marked(message.text, MOST_TEXT)}
        url = {"MediaUrl": self.ports.media_url(message.media)}
        text = _marked(message.text, MOST_CAPTION)
        if message.choices:  # no Content object of ours holds a file
            text = _with_numbers(text, message)
        if not text:
            return url
        if message.media.kind not in _CAPTIONED:  # better refused than half of it lost without a word
            raise SendError(SendErrorKind.PERMANENT_CONTENT, code=f"a {message.media.kind} carries no text")
        return {**url, "Body": text}

    def fetch_media(self, media: Media) -> AsyncIterator[bytes]:
        """Stream a file that came in."""
        return download(self._api, self.ports.http, media)

    async def look_up(
        self, message: OutboundMessage, since_ms: int, taken: Collection[str]
    ) -> Receipt | None:
        """Find a send that nobody answered in Twilio's list."""
        text = _marked(message.text, MOST_TEXT_WITH_CHOICES if message.choices else MOST_TEXT)
        said = {text, message.text}  # a template's text is not ours to mark
        if message.choices:
            said.add(_with_numbers(text, message))
        return await look_up(self._api, self._ours, message, said, since_ms, taken)

    async def catch_up(self, store: StoreEvents) -> Gap | None:
        """Store from Twilio's list what no webhook brought: after its few repeats it is only there."""
        memory, now_ms = self.ports.memory, self.ports.now_ms()
        await catch_up(self._api, memory, self._ours, self._started_ms, now_ms, store)
        return None

    async def templates(self) -> list[Template]:
        """The account's templates that WhatsApp has approved."""
        return await approved_templates(self._api)

    async def check(self) -> str:
        """The account as Twilio sees it; where a key sends, that it may."""
        account = await self._account.get(f"{self._account.account_url}.json")
        if self._has_key:
            await self._api.get(f"{self._api.account_url}/Messages.json", {"PageSize": "1"})
        whom = self._sender or "a messaging service"
        return f"account {account.get('friendly_name')}, {account.get('status')}, sends as {whom}"

    async def account_warning(self) -> str:
        """That the account does not work any more, or will not for long."""
        account = await self._account.get(f"{self._account.account_url}.json")
        if account.get("status") != "active":
            return f"Twilio says that the account is {account.get('status')}"
        balance = await self._account.get(f"{self._account.account_url}/Balance.json")
        left = _amount(balance.get("balance"))
        if left is not None and left < LOW_BALANCE:
            return f"{left:.2f} {balance.get('currency', '')} are left at Twilio"
        return ""


class _Keys(tuple[bytes, ...]):
    """Signing keys that nobody sees by printing what holds them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(...)"


def _capabilities(per_s: float) -> Capabilities:
    return Capabilities(
        text_limit=MOST_TEXT,
        text_unit="characters",
        caption_limit=MOST_CAPTION,
        buttons=3,
        button_title_limit=20,
        list_rows=10,
        list_title_limit=24,
        list_description_limit=72,
        choices_text_limit=MOST_TEXT_WITH_CHOICES,
        rate=RateLimit.never_above(per_s),
        media_out_bytes=MEDIA_OUT_BYTES,
        receives=RECEIVES,
        delivery_reports=True,
        read_reports=True,
        reports_name_ours=True,
        looks_up=True,
        templates=True,
        window_h=24,
        costs=True,
    )


def _marked(text: str, most: int) -> str:
    """`text` in WhatsApp's marks, or as it is where what keeps marks from showing would make it too long."""
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no encoding
    marked = to_marks(text)
    return marked if len(marked) <= most else text


def _with_numbers(text: str, message: OutboundMessage) -> str:
    """The choices as numbered text, where no Content object could be had; without descriptions if need be."""
    for describe in (True, False):
        whole = f"{text}\n\n{to_marks(numbered(message.choices, describe=describe))}".lstrip()
        if len(whole) <= MOST_TEXT:
            break
    return whole


def _amount(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
