"""Telegram's updates on the wire: the parts that we read, as structs.

Decoded in a few microseconds, where `telegram.Update` costs 175. What is not named here is skipped.
"""

import json
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta

from channels.errors import Unreadable

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seconds = Annotated[int, Meta(ge=0, le=2**40)]
Size = Annotated[int, Meta(ge=0, le=2**53)]

# What a person may send and we can only name.
OTHER_CONTENTS = (
    *("poll", "dice", "game", "story", "checklist", "gift", "unique_gift", "giveaway", "giveaway_winners"),
    *("invoice", "successful_payment", "paid_media", "live_photo", "passport_data", "web_app_data"),
)
REACTION_WITHOUT_EMOJI = "⭐"  # custom and paid ones have a picture, but no character


class User(msgspec.Struct):
    """Who did it."""

    id: Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    language_code: str | None = None


class Chat(msgspec.Struct):
    """Where it was done."""

    id: Id
    type: str


class File(msgspec.Struct):
    """Any kind of media; each kind sets the fields it has."""

    file_id: str
    mime_type: str = ""
    file_name: str = ""
    file_size: Size | None = None
    duration: Seconds | None = None
    width: int = 0
    height: int = 0
    is_animated: bool = False
    is_video: bool = False


class Point(msgspec.Struct):
    """A pin on the map."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Venue(msgspec.Struct):
    """A pin with a name."""

    location: Point
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct):
    """Somebody's card."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    user_id: Id | None = None


class Quoted(msgspec.Struct):
    """The message that one answers to."""

    message_id: Id


class Message(msgspec.Struct, rename={"from_user": "from"}):
    """Something said. Exactly one content is set."""

    message_id: Id
    date: Seconds
    chat: Chat
    from_user: User | None = None
    text: str | None = None
    caption: str | None = None
    photo: list[File] | None = None
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    document: File | None = None
    sticker: File | None = None
    location: Point | None = None
    venue: Venue | None = None
    contact: Contact | None = None
    reply_to_message: Quoted | None = None
    media_group_id: str | None = None
    poll: Any = None
    dice: Any = None
    game: Any = None
    story: Any = None
    checklist: Any = None
    gift: Any = None
    unique_gift: Any = None
    giveaway: Any = None
    giveaway_winners: Any = None
    invoice: Any = None
    successful_payment: Any = None
    paid_media: Any = None
    live_photo: Any = None
    passport_data: Any = None
    web_app_data: Any = None


class Asked(msgspec.Struct):
    """The message whose button was tapped; of an old one nothing but its id is left."""

    message_id: Id
    chat: Chat


class CallbackQuery(msgspec.Struct, rename={"from_user": "from"}):
    """A tap on a button."""

    id: str
    from_user: User
    message: Asked | None = None
    data: str | None = None


class Reaction(msgspec.Struct):
    """One reaction of a person; of the type `emoji`, or without a character of its own."""

    type: str
    emoji: str = REACTION_WITHOUT_EMOJI


class MessageReaction(msgspec.Struct):
    """All reactions that a message has from this person now."""

    chat: Chat
    message_id: Id
    new_reaction: list[Reaction]
    user: User | None = None


class Membership(msgspec.Struct):
    """How we stand with a chat."""

    status: str


class ChatMember(msgspec.Struct, rename={"from_user": "from"}):
    """Somebody changed how we stand with a chat."""

    chat: Chat
    from_user: User
    new_chat_member: Membership


class Update(msgspec.Struct):
    """One update: at most one of the contents that we ask for, or none of them."""

    update_id: Size
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    message_reaction: MessageReaction | None = None
    my_chat_member: ChatMember | None = None


ALLOWED_UPDATES = [field for field in Update.__struct_fields__ if field != "update_id"]

_decode = msgspec.json.Decoder(Update).decode


def read_update(body: bytes) -> Update:
    """The update in `body`; raises `Unreadable`."""
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None  # it tells the field and the types, not the value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _decode(repaired(body))
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None


def repaired(body: bytes) -> bytes:
    """The same JSON with "?" for half surrogate pairs, which people's phones produce and msgspec refuses.

    Raises ValueError or RecursionError for what is no JSON all the same.
    """
    content = json.loads(body, parse_constant=_no_number)
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
