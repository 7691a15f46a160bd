"""What Telegram's updates mean: each becomes the events that every channel shares."""

import re
import time
from collections.abc import Sequence

from channels.message import (
    ContactCard,
    Event,
    Identifier,
    InboundMessage,
    Location,
    Media,
    MediaKind,
    MessageEdited,
    ReachabilityChanged,
    ReactionChanged,
    Sender,
)
from channels.telegram_wire import (
    OTHER_CONTENTS,
    CallbackQuery,
    Chat,
    ChatMember,
    File,
    Message,
    MessageReaction,
    Reaction,
    User,
    read_update,
)

_START = re.compile(r"/start(?: +([A-Za-z0-9_-]{1,64}))?\s*")


def events(body: bytes) -> list[Event]:
    """What an update's JSON means; `[]` if it is not for us. Raises `Unreadable`."""
    update = read_update(body)
    key = str(update.update_id)
    if update.message:
        return _said(key, update.message)
    if update.callback_query:
        return _tapped(key, update.callback_query)
    if update.edited_message:
        return _edited(key, update.edited_message)
    if update.message_reaction:
        return _reacted(key, update.message_reaction)
    if update.my_chat_member:
        return _membership(key, update.my_chat_member)
    return []


def _is_private(chat: Chat, user: User | None) -> bool:
    return chat.type == "private" and user is not None and not user.is_bot


def _sender(chat: Chat, user: User | None) -> Sender:
    address = (Identifier("chat", str(chat.id)),)
    if user is None:
        return Sender(address)
    return Sender(address, f"{user.first_name} {user.last_name}".strip(), user.language_code)


def _said(key: str, message: Message) -> list[Event]:
    if not _is_private(message.chat, message.from_user):
        return []
    media = _media(message)
    location = _location(message)
    card = _card(message)
    unsupported = ""
    if message.text is None and not (media or location or card):
        unsupported = _other_content(message)
        if not unsupported:
            return []  # a note of the service: pinned, timer set, ...
    start = _START.fullmatch(message.text or "")
    return [
        InboundMessage(
            dedupe_key=key,
            sender=_sender(message.chat, message.from_user),
            provider_id=str(message.message_id),
            sent_at_ms=message.date * 1000,
            text="/start" if start else message.text or message.caption or "",
            media=media,
            location=location,
            contact_card=card,
            reply_to=str(message.reply_to_message.message_id) if message.reply_to_message else None,
            album=message.media_group_id,
            start_code=start[1] if start else None,
            unsupported=unsupported,
        )
    ]


def _other_content(message: Message) -> str:
    """Telegram's word for a content that we cannot show; empty for a mere note of the service."""
    return next((word for word in OTHER_CONTENTS if getattr(message, word) is not None), "")


def _media(message: Message) -> Media | None:
    if message.photo:
        return _file("image", max(message.photo, key=lambda size: size.width * size.height), "image/jpeg")
    if message.voice:
        return _file("voice", message.voice, "audio/ogg")
    if message.audio:
        return _file("audio", message.audio, "audio/mpeg")
    film = message.video or message.video_note or message.animation  # an animation is a document, too
    if film:
        return _file("video", film, "video/mp4")
    if message.document:
        return _file("document", message.document, "application/octet-stream")
    if message.sticker:
        return _file("sticker", message.sticker, _sticker_type(message.sticker))
    return None


def _file(kind: MediaKind, file: File, usual_type: str) -> Media:
    content_type = file.mime_type or usual_type
    return Media(kind, file.file_id, content_type, file.file_name, file.file_size, file.duration)


def _sticker_type(sticker: File) -> str:
    if sticker.is_animated:
        return "application/x-tgsticker"
    return "video/webm" if sticker.is_video else "image/webp"


def _location(message: Message) -> Location | None:
    if message.venue:
        pin = message.venue.location
        return Location(pin.latitude, pin.longitude, message.venue.title, message.venue.address)
    if message.location:
        return Location(message.location.latitude, message.location.longitude)
    return None


def _card(message: Message) -> ContactCard | None:
    card = message.contact
    if not card:
        return None
    own = message.from_user is not None and card.user_id == message.from_user.id
    return ContactCard(f"{card.first_name} {card.last_name}".strip(), (card.phone_number,), own)


def _tapped(key: str, tap: CallbackQuery) -> list[Event]:
    if tap.message is None or tap.data is None or not _is_private(tap.message.chat, tap.from_user):
        return []
    return [
        InboundMessage(
            dedupe_key=key,
            sender=_sender(tap.message.chat, tap.from_user),
            provider_id=tap.id,
            sent_at_ms=time.time_ns() // 1_000_000,  # Telegram does not say when a button was tapped
            choice=tap.data,
            tap_id=tap.id,
            reply_to=str(tap.message.message_id),
        )
    ]


def _edited(key: str, message: Message) -> list[Event]:
    if not _is_private(message.chat, message.from_user) or message.location:  # a live location moves on
        return []
    text = message.text or message.caption or ""
    return [MessageEdited(key, _sender(message.chat, message.from_user), str(message.message_id), text)]


def _reacted(key: str, reaction: MessageReaction) -> list[Event]:
    if not _is_private(reaction.chat, reaction.user):
        return []
    emoji = _first_emoji(reaction.new_reaction)
    return [ReactionChanged(key, _sender(reaction.chat, reaction.user), str(reaction.message_id), emoji)]


def _first_emoji(reactions: Sequence[Reaction]) -> str:
    return reactions[0].emoji if reactions else ""


def _membership(key: str, change: ChatMember) -> list[Event]:
    status = change.new_chat_member.status
    if change.chat.type != "private" or status not in {"kicked", "member"}:
        return []
    return [ReachabilityChanged(key, _sender(change.chat, change.from_user), status == "member")]
