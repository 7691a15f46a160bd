"""The methods of the Bot API that the fake Telegram knows."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, Json
from zuruf.demo.providers.faults import FloodLimit
from zuruf.demo.providers.files import Upload, file_content
from zuruf.demo.providers.telegram.files import MOST_DOWNLOAD_BYTES, TelegramFiles
from zuruf.demo.providers.telegram.rules import (
    MOST_CAPTION_UNITS,
    MOST_TEXT_UNITS,
    Refused,
    bad_request,
    formatted,
    inline_keyboard,
    integer,
    structured,
)
from zuruf.demo.providers.telegram.updates import UpdateQueue, Webhook, as_kinds

Parameters = Mapping[str, Any]
Method = Callable[[Parameters], Awaitable[Any]]

MOST_NOTICE_UNITS = 200
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
_FILE_KINDS = ("photo", "video", "voice", "audio", "document")
SENDING_METHODS = frozenset(
    {"sendMessage", "sendLocation", *(f"send{kind.capitalize()}" for kind in _FILE_KINDS)}
)


class BotMethods:
    """What the bot may ask for; every method raises `Refused` in Telegram's words."""

    def __init__(
        self, chats: Chats, files: TelegramFiles, updates: UpdateQueue, flood_limit: FloodLimit
    ) -> None:
        self._chats = chats
        self._files = files
        self._updates = updates
        self._flood_limit = flood_limit
        self.open_taps: dict[str, Chat] = {}  # callback queries nobody answered yet
        named: dict[str, Method] = {
            "getMe": self._get_me,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "getUpdates": self._get_updates,
            "sendMessage": self._send_message,
            "sendLocation": self._send_location,
            "sendChatAction": self._send_chat_action,
            "answerCallbackQuery": self._answer_callback_query,
            "editMessageText": self._edit_message_text,
            "deleteMessage": self._delete_message,
            "getFile": self._get_file,
        }
        for kind in _FILE_KINDS:
            named[f"send{kind.capitalize()}"] = self._sends_file(kind)
        self._by_name = named
        self._spelling = {name.lower(): name for name in named}

    def find(self, name: str) -> tuple[str, Method] | None:
        """A method and its proper spelling; Telegram does not mind upper and lower case."""
        method = self._by_name.get(name)
        if method:
            return name, method
        proper = self._spelling.get(name.lower())
        return (proper, self._by_name[proper]) if proper else None

    async def _get_me(self, parameters: Parameters) -> Json:
        return {**self._chats.bot, "can_join_groups": False, "can_read_all_group_messages": False}

    async def _set_webhook(self, parameters: Parameters) -> bool:
        url = str(parameters.get("url") or "")
        secret = str(parameters.get("secret_token") or "")
        drop_pending = _truth(parameters, "drop_pending_updates")
        if not _SECRET.fullmatch(secret):
            raise bad_request("secret token contains unallowed characters")
        if not url:
            await self._updates.delete_webhook(drop_pending)
            return True
        webhook = Webhook(url, secret, min(max(integer(parameters, "max_connections", 40), 1), 100))
        asked = as_kinds(structured(parameters, "allowed_updates"))
        await self._updates.set_webhook(
            webhook, self._updates.allowed if asked is None else asked, drop_pending
        )
        return True

    async def _delete_webhook(self, parameters: Parameters) -> bool:
        await self._updates.delete_webhook(_truth(parameters, "drop_pending_updates"))
        return True

    async def _get_webhook_info(self, parameters: Parameters) -> Json:
        return self._updates.webhook_info()

    async def _get_updates(self, parameters: Parameters) -> list[Json]:
        return await self._updates.poll(
            integer(parameters, "offset"),
            integer(parameters, "limit", 100),
            integer(parameters, "timeout"),
            as_kinds(structured(parameters, "allowed_updates")),
        )

    async def _send_message(self, parameters: Parameters) -> Json:
        chat = self._reachable_chat(parameters)
        text, entities = formatted(parameters, "text", MOST_TEXT_UNITS)
        return self._said(chat, parameters, text=text, entities=entities)

    async def _send_location(self, parameters: Parameters) -> Json:
        chat = self._reachable_chat(parameters)
        try:
            pin = {key: float(parameters[key]) for key in ("latitude", "longitude")}
        except (KeyError, TypeError, ValueError):
            raise bad_request("latitude and longitude must be numbers") from None
        return self._said(chat, parameters, content={"location": pin})

    def _sends_file(self, kind: str) -> Method:
        async def send_file(parameters: Parameters) -> Json:
            chat = self._reachable_chat(parameters)
            text, entities = formatted(parameters, "caption", MOST_CAPTION_UNITS)
            uploads = {key: part for key, part in parameters.items() if isinstance(part, Upload)}
            stored = await self._files.named(kind, parameters.get(kind), uploads)
            content = file_content(kind, stored, integer(parameters, "duration"))
            return self._said(chat, parameters, text=text, entities=entities, content=content)

        return send_file

    async def _send_chat_action(self, parameters: Parameters) -> bool:
        chat = self._reachable_chat(parameters)
        self._chats.publish(Change("typing", chat.chat_id, text=str(parameters.get("action", "typing"))))
        return True

    async def _answer_callback_query(self, parameters: Parameters) -> bool:
        query_id, text = str(parameters.get("callback_query_id")), str(parameters.get("text") or "")
        if len(text) > MOST_NOTICE_UNITS:
            raise bad_request("MESSAGE_TOO_LONG")
        chat = self.open_taps.pop(query_id, None)
        if chat is None:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        self._chats.publish(Change("notice", chat.chat_id, text=text))
        return True

    async def _edit_message_text(self, parameters: Parameters) -> Json:
        chat = self._reachable_chat(parameters)
        message = self._own_message(chat, parameters, "message to edit not found")
        text, entities = formatted(parameters, "text", MOST_TEXT_UNITS)
        keyboard = inline_keyboard(parameters)
        if (text, entities, keyboard) == (message.text, message.entities, message.keyboard):
            raise bad_request(
                "message is not modified: specified new message content and reply markup"
                " are exactly the same as a current content and reply markup of the message"
            )
        message.text, message.entities, message.keyboard = text, entities, keyboard
        message.edited_at_s = self._chats.now_s()
        self._chats.changed(chat, message)
        return self._chats.as_json(chat, message)

    async def _delete_message(self, parameters: Parameters) -> bool:
        chat = self._reachable_chat(parameters)
        message = self._own_message(chat, parameters, "message to delete not found")
        message.deleted = True
        self._chats.changed(chat, message)
        return True

    async def _get_file(self, parameters: Parameters) -> Json:
        stored = self._files.by_id(str(parameters.get("file_id")))
        if stored is None:
            raise bad_request("invalid file_id")
        if len(stored.upload.content) > MOST_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return {**stored.as_json(), "file_path": stored.path}

    def _reachable_chat(self, parameters: Parameters) -> Chat:
        chat = self._chats.get(integer(parameters, "chat_id"))
        if chat is None:
            raise bad_request("chat not found")
        if chat.deactivated:
            raise Refused(403, "Forbidden: user is deactivated")
        if chat.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def _own_message(self, chat: Chat, parameters: Parameters, missing: str) -> ChatMessage:
        message = chat.messages.get(integer(parameters, "message_id"))
        if message is None or message.deleted:
            raise bad_request(missing)
        if not message.from_bot:
            raise bad_request("message can't be edited" if "edit" in missing else "message can't be deleted")
        return message

    def _said(self, chat: Chat, parameters: Parameters, **fields: Any) -> Json:
        keyboard = inline_keyboard(parameters)
        reply_to = _quoted(chat, parameters)
        wait_s = self._flood_limit.admit(chat.chat_id)
        if wait_s is not None:
            raise Refused(429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)
        message = self._chats.write(chat, from_bot=True, keyboard=keyboard, reply_to=reply_to, **fields)
        return self._chats.as_json(chat, message)


def _quoted(chat: Chat, parameters: Parameters) -> int | None:
    reply = structured(parameters, "reply_parameters")
    if not reply:
        return None
    message = chat.messages.get(integer(reply, "message_id"))
    if message is not None and not message.deleted:
        return message.message_id
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _truth(parameters: Parameters, field: str) -> bool:
    return str(parameters.get(field) or "").lower() in ("true", "1")
