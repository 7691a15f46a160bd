"""What the page with the virtual phones is told: chats, bubbles and troubles, as plain JSON."""

import re
from collections.abc import Mapping
from typing import Any

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Entity, Json
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.telegram.rules import utf16_units

FILE_KINDS = ("photo", "voice", "video", "audio", "document")
_LINK_OR_COMMAND = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]|(?<!\S)/[a-z_]{1,32}\b")


def snapshot(provider: FakeTelegram) -> Json:
    """Everything that the page shows."""
    return {
        "bot": provider.chats.bot["first_name"],
        "chats": [
            {**chat_view(chat), "messages": [message_view(chat, message) for message in chat.transcript]}
            for chat in provider.chats
        ],
        "faults": faults_view(provider),
        "clock": clock_view(provider),
    }


def clock_view(provider: FakeTelegram) -> Json:
    """What time it is on the phones."""
    return {"now_ms": provider.chats.now_s() * 1000}


def chat_view(chat: Chat) -> Json:
    """One phone's owner."""
    name = f"{chat.first_name} {chat.last_name}".strip()
    return {"id": chat.chat_id, "name": name, "blocked": chat.blocked, "started": chat.started}


def message_view(chat: Chat, message: ChatMessage) -> Json:
    """One bubble."""
    view: Json = {
        "id": message.message_id,
        "mine": not message.from_bot,
        "at_ms": message.sent_at_s * 1000,
        "text": message.text,
        "entities": [*message.entities, *_found_in(message.text, message.entities)],
        "keyboard": message.keyboard,
        "edited": message.edited_at_s is not None,
        "accepted": message.accepted,
        "reaction": message.reaction,
    }
    quoted = chat.messages.get(message.reply_to or 0)
    if quoted:
        view["quote"] = {"id": quoted.message_id, "mine": not quoted.from_bot, "text": _gist(quoted)}
    kind = next(iter(message.content), "")
    if kind:
        view["content"] = {"kind": kind, **_content_view(kind, message.content[kind])}
    return view


def _content_view(kind: str, content: Any) -> Json:
    if kind not in FILE_KINDS:
        return dict(content)
    file: Mapping[str, Any] = content[-1] if kind == "photo" else content
    shown = {key: file[key] for key in ("file_name", "file_size", "duration", "mime_type") if key in file}
    return {"url": f"/phones/files/{file['file_id']}", **shown}


def _gist(message: ChatMessage) -> Json:
    return {"words": message.text[:80], "kind": next(iter(message.content), "")}


def _found_in(text: str, known: list[Entity]) -> list[Entity]:
    """Links and commands in plain sight, which the messenger makes tappable by itself."""
    found = []
    for match in _LINK_OR_COMMAND.finditer(text):
        start, length = utf16_units(text[: match.start()]), utf16_units(match[0])
        within = (
            entity
            for entity in known
            if entity["offset"] < start + length and start < entity["offset"] + entity["length"]
        )
        if not any(entity["type"] in ("text_link", "code", "pre") for entity in within):
            kind = "bot_command" if match[0].startswith("/") else "url"
            found.append({"type": kind, "offset": start, "length": length})
    return found


def faults_view(provider: FakeTelegram) -> Json:
    """Which troubles are on."""
    standing = provider.faults.standing
    return {
        "flood": "flood" in standing,
        "slow": "slow" in standing,
        "down": provider.is_down,
        "lost": provider.faults.planned > 0,
    }


def change_view(provider: FakeTelegram, change: Change) -> Json | None:
    """A change as the page wants it; None: nothing that is gone already."""
    chat = provider.chats.get(change.chat_id)
    if change.kind == "faults":
        return faults_view(provider)
    if change.kind == "clock":
        return clock_view(provider)
    if change.exchange:
        exchange = change.exchange
        return {
            "direction": exchange.direction,
            "what": exchange.what,
            "status": exchange.status,
            "took_ms": exchange.took_ms,
        }
    if chat is None:
        return None
    if change.message:
        return {"chat": chat.chat_id, "message": message_view(chat, change.message)}
    if change.kind == "chat":
        return {"chat": chat.chat_id, **chat_view(chat)}
    return {"chat": chat.chat_id, "text": change.text}
