"""The chats of a fake provider: what was said in each, by whom, and who is watching."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Entity = dict[str, Any]
Keyboard = list[list[dict[str, str]]]
ChangeKind = Literal[
    "chat", "message", "removed", "typing", "notice", "tapped", "exchange", "faults", "clock"
]


@dataclass(slots=True)
class ChatMessage:
    """One bubble: `content` holds what is not text, under the field names of Telegram's Bot API."""

    message_id: int
    from_bot: bool
    sent_at_s: int
    text: str = ""  # the caption when there is a file
    entities: list[Entity] = field(default_factory=list)
    content: Json = field(default_factory=dict)
    keyboard: Keyboard = field(default_factory=list)
    picker: Json | None = None  # a list to open: {"button", "rows": [{"id", "title", "description"}]}
    reply_to: int | None = None
    edited_at_s: int | None = None
    reaction: str = ""  # the person's
    accepted: bool = True  # false: the gateway has not taken it yet
    state: str = ""  # of the bot's, as it is reported: sent, delivered, read, failed
    read: bool = False  # of the person's: the bot said that it has read it
    deleted: bool = False


@dataclass(slots=True)
class Chat:
    """One person's chat with the bot; equal in id with the person, as private chats are."""

    chat_id: int
    first_name: str
    last_name: str = ""
    language_code: str = ""
    started: bool = True  # a bot may not write first on Telegram
    address: str = ""  # phone number or Threema ID
    also_known_as: str = ""  # business-scoped id
    window_closes_at_s: int = 0  # after it only templates may be sent, where a messenger has a window
    blocked: bool = False
    deactivated: bool = False
    messages: dict[int, ChatMessage] = field(default_factory=dict)

    @property
    def transcript(self) -> list[ChatMessage]:
        """All that was said and not deleted, oldest first."""
        return [message for message in self.messages.values() if not message.deleted]

    @property
    def from_bot(self) -> list[ChatMessage]:
        """Every message of the bot that was accepted, later deleted or not, oldest first."""
        return [message for message in self.messages.values() if message.from_bot]

    def as_json(self) -> Json:
        """The `chat` object of the Bot API."""
        named = {"first_name": self.first_name, "last_name": self.last_name}
        return {"id": self.chat_id, **{key: name for key, name in named.items() if name}, "type": "private"}

    def person_as_json(self) -> Json:
        """The `from` object of what the person says."""
        person = {**self.as_json(), "is_bot": False, "language_code": self.language_code}
        del person["type"]
        return person


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange between provider and gateway."""

    direction: Literal["call", "webhook"]
    what: str  # the method called, or the kind of update delivered
    status: int  # 0: no answer
    took_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a watcher may want to show."""

    kind: ChangeKind
    chat_id: int = 0
    message: ChatMessage | None = None
    text: str = ""
    exchange: Exchange | None = None


class NoSuchButton(LookupError):
    """The message offers no such button."""


class Chats:
    """All chats of one bot."""

    def __init__(self, bot: Json, clock: Callable[[], float]) -> None:
        self.bot = bot
        self._clock = clock
        self._chats: dict[int, Chat] = {}
        self._last_message_id = 0
        self._watchers: set[asyncio.Queue[Change | None]] = set()

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def __len__(self) -> int:
        return len(self._chats)

    def get(self, chat_id: int) -> Chat | None:
        """The chat of that id, if there is one."""
        return self._chats.get(chat_id)

    def add(self, chat: Chat) -> None:
        """Open a chat."""
        self._chats[chat.chat_id] = chat
        self.publish(Change("chat", chat.chat_id))

    def now_s(self) -> int:
        """The provider's time."""
        return int(self._clock())

    def write(self, chat: Chat, from_bot: bool, **fields: Any) -> ChatMessage:
        """Put a new message into a chat."""
        self._last_message_id += 1
        message = ChatMessage(self._last_message_id, from_bot, self.now_s(), **fields)
        chat.messages[message.message_id] = message
        self.changed(chat, message)
        return message

    def changed(self, chat: Chat, message: ChatMessage) -> None:
        """Tell the watchers about a message that is new or different."""
        if self._watchers:
            self.publish(Change("removed" if message.deleted else "message", chat.chat_id, message))

    def as_json(self, chat: Chat, message: ChatMessage, with_reply: bool = True) -> Json:
        """The `Message` object of the Bot API."""
        body: Json = {
            "message_id": message.message_id,
            "from": self.bot if message.from_bot else chat.person_as_json(),
            "chat": chat.as_json(),
            "date": message.sent_at_s,
        }
        quoted = chat.messages.get(message.reply_to) if with_reply and message.reply_to else None
        if quoted:
            body["reply_to_message"] = self.as_json(chat, quoted, with_reply=False)
        if message.edited_at_s:
            body["edit_date"] = message.edited_at_s
        body |= message.content
        if message.text:
            body["caption" if message.content else "text"] = message.text
        if message.entities:
            body["caption_entities" if message.content else "entities"] = message.entities
        if message.keyboard:
            body["reply_markup"] = {"inline_keyboard": message.keyboard}
        return body

    @property
    def watched(self) -> bool:
        """Whether anybody would see a change."""
        return bool(self._watchers)

    def publish(self, change: Change) -> None:
        """Tell all watchers."""
        for watcher in self._watchers:
            watcher.put_nowait(change)

    def watch(self) -> "Watch":
        """Everything that changes from now on."""
        return Watch(self._watchers)

    def dismiss_watchers(self) -> None:
        """End every watch."""
        for watcher in self._watchers:
            watcher.put_nowait(None)


class Watch(AsyncIterator[Change]):
    """An endless stream of changes, from its making until `close` or the provider's end."""

    def __init__(self, watchers: set[asyncio.Queue[Change | None]]) -> None:
        self._watchers = watchers
        self._changes: asyncio.Queue[Change | None] = asyncio.Queue()
        watchers.add(self._changes)

    async def __anext__(self) -> Change:
        change = await self._changes.get()
        if change is None:
            self.close()
            raise StopAsyncIteration
        return change

    def close(self) -> None:
        """Stop watching."""
        self._watchers.discard(self._changes)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
