"""What the page with the virtual phones is told: chats, bubbles and troubles as plain JSON."""

from collections.abc import Mapping
from typing import Any

from zuruf.demo.formatting import found_in, marked
from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Json
from zuruf.demo.providers.server import Provider

FILE_KINDS = frozenset({"photo", "voice", "video", "audio", "document"})
TELEGRAM = "telegram"
FAULTS = ("down", "lost", "flood", "slow", "late")

Providers = Mapping[str, Provider]


def snapshot(providers: Providers) -> Json:
    """Everything that the page shows."""
    return {
        "phones": [
            {
                **phone_view(channel, provider, chat),
                "messages": [message_view(channel, chat, message) for message in chat.transcript],
            }
            for channel, provider in providers.items()
            for chat in provider.chats
        ],
        "faults": {channel: faults_view(provider) for channel, provider in providers.items()},
        "clock": clock_view(next(iter(providers.values()))),
    }


def phone_name(channel: str, chat: Chat) -> str:
    """How the page calls a phone: the start of the addresses of what is done on it."""
    return f"{channel}/{chat.chat_id}"


def clock_view(provider: Provider) -> Json:
    """What time it is on the phones."""
    return {"now_ms": provider.chats.now_s() * 1000}


def phone_view(channel: str, provider: Provider, chat: Chat) -> Json:
    """One phone, its owner, and how they stand with the bot."""
    view: Json = {
        "phone": phone_name(channel, chat),
        "name": f"{chat.first_name} {chat.last_name}".strip(),
        "bot": provider.chats.bot["first_name"],
        "blocked": chat.blocked,
        "started": chat.started,
    }
    if "window" in provider.can:
        view["window_closes_at_ms"] = chat.window_closes_at_s * 1000
    return view


def message_view(channel: str, chat: Chat, message: ChatMessage) -> Json:
    """One bubble."""
    text, entities = _formatted(channel, message)
    view: Json = {
        "id": message.message_id,
        "mine": not message.from_bot,
        "at_ms": message.sent_at_s * 1000,
        "text": text,
        "entities": entities,
        "keyboard": message.keyboard,
        "picker": message.picker,
        "edited": message.edited_at_s is not None,
        "accepted": message.accepted,
        "reaction": message.reaction,
    }
    quoted = chat.messages.get(message.reply_to or 0)
    if quoted:
        view["quote"] = {"id": quoted.message_id, "mine": not quoted.from_bot, "text": _gist(channel, quoted)}
    kind = next(iter(message.content), "")
    if kind:
        view["content"] = {"kind": kind, **_content_view(channel, kind, message.content[kind])}
    return view


def _formatted(channel: str, message: ChatMessage) -> tuple[str, list[Json]]:
    if channel != TELEGRAM:
        return marked(message.text)
    found = found_in(message.text, message.entities, commands=True)
    return message.text, [*message.entities, *found]


def _content_view(channel: str, kind: str, content: Any) -> Json:
    if kind not in FILE_KINDS:
        return dict(content)
    file: Mapping[str, Any] = content[-1] if kind == "photo" else content
    shown = {key: file[key] for key in ("file_name", "file_size", "duration", "mime_type") if key in file}
    return {"url": f"/phones/files/{channel}/{file['file_id']}", **shown}


def _gist(channel: str, message: ChatMessage) -> Json:
    text, _ = _formatted(channel, message)
    return {"words": text[:80], "kind": next(iter(message.content), "")}


def faults_view(provider: Provider) -> Json:
    """Which troubles of a messenger are on."""
    standing = provider.faults.standing
    return {
        "flood": "flood" in standing,
        "slow": "slow" in standing,
        "down": provider.is_down,
        "lost": provider.faults.planned > 0,
        "late": provider.late,
    }


def change_view(channel: str, provider: Provider, change: Change) -> Json | None:
    """A change as the page wants it; None: nothing that is gone already."""
    if change.kind == "faults":
        return {"messenger": channel, **faults_view(provider)}
    if change.kind == "clock":
        return clock_view(provider)
    if change.exchange:
        exchange = change.exchange
        return {
            "messenger": channel,
            "direction": exchange.direction,
            "what": exchange.what,
            "status": exchange.status,
            "took_ms": exchange.took_ms,
        }
    chat = provider.chats.get(change.chat_id)
    if chat is None:
        return None
    if change.message:
        if change.kind == "removed" and change.message.from_bot and change.message.state == "failed":
            return None  # it never was on the phone
        return {"phone": phone_name(channel, chat), "message": message_view(channel, chat, change.message)}
    if change.kind == "chat":
        return phone_view(channel, provider, chat)
    return {"phone": phone_name(channel, chat), "text": change.text}
