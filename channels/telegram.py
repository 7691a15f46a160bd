"""Telegram: a bot that people have started, over the Bot API."""

import hmac
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import msgspec
from pydantic import SecretStr, field_validator, model_validator

from channels.channel import Channel, ChannelConfig, ChannelPorts, StoreEvents, WebhookRequest
from channels.errors import SendError, SendErrorKind, WebhookRejected
from channels.markup import to_html, to_plain
from channels.message import (
    Capabilities,
    Choice,
    Event,
    Identifier,
    Media,
    OutboundMessage,
    RateLimit,
    Receipt,
    Received,
)
from channels.telegram_api import BotApi, typed
from channels.telegram_media import UPLOAD_LIMIT_BYTES, download, upload
from channels.telegram_polling import poll_updates
from channels.telegram_updates import events
from channels.telegram_wire import ALLOWED_UPDATES

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, not a secret
MOST_PER_S = 30  # Telegram's limit for a bot as a whole
MOST_WEBHOOK_CONNECTIONS = 100
RECEIVES: frozenset[Received] = frozenset(
    {
        *("text", "choice", "location", "contact"),
        *("image", "video", "voice", "audio", "document", "sticker"),
        *("edit", "reaction", "reply", "block"),
    }
)


class TelegramConfig(ChannelConfig):
    """The keys of a `[channels.NAME]` table of kind `telegram`."""

    token: SecretStr
    webhook_secret: SecretStr | None = None
    mode: Literal["webhook", "polling"] = "webhook"
    api_url: str = "https://api.telegram.org"

    @field_validator("token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token.get_secret_value()):
            raise ValueError('this is not a bot token: @BotFather gives one like "123456789:AAF..."')
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _can_be_a_header(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret.get_secret_value()):
            raise ValueError("use 1 to 256 of the characters A-Z a-z 0-9 _ -")
        return secret

    @field_validator("api_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
            raise ValueError('this is not a web address such as "https://api.telegram.org"')
        return url.rstrip("/")

    @model_validator(mode="after")
    def _webhooks_have_a_secret(self) -> "TelegramConfig":
        if self.mode == "webhook" and not (self.webhook_secret and self.webhook_secret.get_secret_value()):
            raise ValueError(
                "webhook_secret is missing: without it anybody could pose as Telegram. Make one up "
                '(for example with `openssl rand -hex 32`), or set mode = "polling"'
            )
        return self


class TelegramChannel(Channel):
    """One bot."""

    kind: ClassVar[str] = "telegram"
    Config: ClassVar[type[ChannelConfig]] = TelegramConfig

    def __init__(self, config: TelegramConfig, ports: ChannelPorts) -> None:
        super().__init__(config, ports)
        self.polls = config.mode == "polling"
        secret = config.webhook_secret
        self._secret = secret.get_secret_value().encode() if secret and not self.polls else None
        self._api = BotApi(ports.http, config.api_url, config.token.get_secret_value())
        self._capabilities = _capabilities(config.rate_per_s or MOST_PER_S)

    @property
    def capabilities(self) -> Capabilities:
        """Telegram's documented limits."""
        return self._capabilities

    def verify(self, request: WebhookRequest) -> None:
        """Compare the secret that Telegram was given in `set_up`; it signs nothing."""
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogatepass")
        if self._secret is None or not hmac.compare_digest(given, self._secret):
            raise WebhookRejected

    async def parse(self, request: WebhookRequest) -> list[Event]:
        """The events of one update."""
        return events(request.body)

    async def send(self, message: OutboundMessage) -> Receipt:
        """Send one bubble; once more as plain text or to the new chat, where Telegram asks for that."""
        text = message.text.encode("utf-8", "replace").decode()  # half a surrogate pair has no encoding
        try:
            return await self._deliver(message, to_html(text), parse_mode="HTML")
        except SendError as error:
            refused = error
        if refused.kind is SendErrorKind.RETRY_PLAIN_TEXT:
            return await self._deliver(message, to_plain(text))
        if refused.kind is SendErrorKind.ADDRESS_CHANGED and refused.new_address:
            moved = replace(message, to=Identifier("chat", refused.new_address))
            receipt = await self._deliver(moved, to_html(text), parse_mode="HTML")
            return replace(receipt, new_address=moved.to)
        raise refused

    async def _deliver(self, message: OutboundMessage, text: str, **parameters: Any) -> Receipt:
        if message.choices:
            parameters["reply_markup"] = _keyboard(message.choices)
        if message.reply_to and message.reply_to.isdecimal():
            quoted = int(message.reply_to)
            parameters["reply_parameters"] = {"message_id": quoted, "allow_sending_without_reply": True}
        chat_id = _chat_id(message.to)
        if message.media:
            return Receipt(await upload(self._api, chat_id, message.media, text, **parameters))
        result = await self._api.call("sendMessage", {"chat_id": chat_id, "text": text, **parameters})
        return Receipt(_message_id(result))

    async def acknowledge_tap(self, tap_id: str) -> None:
        """Stop the button's spinner."""
        await self._api.call("answerCallbackQuery", {"callback_query_id": tap_id})

    async def set_up(self) -> None:
        """Register our webhook; or remove any, which would keep us from polling. Nothing waiting is lost."""
        if self.polls:
            await typed(self._api.bot.delete_webhook(drop_pending_updates=False))
            return
        await typed(
            self._api.bot.set_webhook(
                self.ports.webhook_url,
                secret_token=self._secret.decode() if self._secret else None,
                allowed_updates=ALLOWED_UPDATES,
                max_connections=MOST_WEBHOOK_CONNECTIONS,
            )
        )

    async def check(self) -> str:
        """The bot's name, how it is called, and what Telegram last had to complain about."""
        bot = await typed(self._api.bot.get_me())
        webhook = await typed(self._api.bot.get_webhook_info())
        remarks = [f"@{bot.username}", "polled" if self.polls else "called by webhook"]
        remarks.append(f"{webhook.pending_update_count} updates waiting")
        if self.polls and webhook.url:
            remarks.append("a webhook is set and keeps us from polling: restart Zuruf to remove it")
        elif not self.polls and webhook.url != self.ports.webhook_url:
            remarks.append("the webhook is not set to this installation: restart Zuruf to set it")
        if webhook.last_error_message and webhook.last_error_date:
            when = f"{webhook.last_error_date:%Y-%m-%d %H:%M} UTC"
            remarks.append(f"last error when calling us, {when}: {webhook.last_error_message}")
        return ", ".join(remarks)

    async def poll(self, store: StoreEvents) -> None:
        """Fetch updates by long polling, until cancelled."""
        await poll_updates(self._api, self.name, store)

    def fetch_media(self, media: Media) -> AsyncIterator[bytes]:
        """Stream a file that came in; Telegram hands out at most 20 MB."""
        return download(self._api, self.ports.http, media)


def _capabilities(per_s: float) -> Capabilities:
    return Capabilities(
        text_limit=4096,
        text_unit="utf16",
        caption_limit=1024,
        buttons=100,
        button_title_limit=64,  # none is documented; phones show no more than that
        rate=RateLimit.never_above(per_s),
        media_out_bytes=UPLOAD_LIMIT_BYTES,
        receives=RECEIVES,
        language_known=True,
    )


class _Sent(msgspec.Struct):
    message_id: int


def _message_id(result: msgspec.Raw) -> str:
    """The new message's id; none where Telegram said that there was nothing to do."""
    try:
        return str(msgspec.json.decode(result, type=_Sent).message_id)
    except msgspec.DecodeError:
        return ""


def _keyboard(choices: Sequence[Choice]) -> dict[str, Any]:
    """One choice a row, as phones cut what stands side by side; the way back and a person share the last."""
    rows = [[choice] for choice in choices if not choice.key]
    rows.append([choice for choice in choices if choice.key])
    buttons = [[{"text": choice.title, "callback_data": choice.id} for choice in row] for row in rows if row]
    return {"inline_keyboard": buttons}


def _chat_id(to: Identifier) -> int | str:
    return int(to.value) if re.fullmatch(r"-?[0-9]+", to.value) else to.value
