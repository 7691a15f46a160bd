"""What people do on their phones, told to the bot as updates."""

from collections.abc import Callable

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, Json, NoSuchButton
from zuruf.demo.providers.files import Files, Upload, file_content
from zuruf.demo.providers.telegram.methods import BotMethods
from zuruf.demo.providers.telegram.updates import UpdateQueue


class People:
    """The people's side of the fake Telegram: everything they can do in a chat with the bot."""

    chats: Chats
    files: Files

    def __init__(self, chats: Chats, updates: UpdateQueue, methods: BotMethods) -> None:
        self.chats = chats
        self.updates = updates
        self.methods = methods
        self._taps = 0

    def chat(
        self,
        chat_id: int,
        first_name: str = "Nora",
        language_code: str = "de",
        last_name: str = "",
        started: bool = True,
    ) -> Chat:
        """The chat of that id; opened if there is none yet. The bot may write once it is `started`."""
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = Chat(chat_id, first_name, last_name, language_code, started)
            self.chats.add(chat)
        return chat

    def transcript(self, chat: Chat) -> list[ChatMessage]:
        """All that was said in a chat and not deleted, oldest first."""
        return chat.transcript

    def say(self, chat: Chat, text: str, reply_to: int | None = None) -> ChatMessage:
        """Write a text."""
        return self._send(chat, text=text, reply_to=reply_to)

    def send_photo(
        self, chat: Chat, content: bytes, caption: str = "", content_type: str = "image/jpeg"
    ) -> ChatMessage:
        """Send a picture."""
        stored = self.files.keep("photo", Upload("", content_type, content))
        return self._send(chat, text=caption, content=file_content("photo", stored))

    def send_voice(self, chat: Chat, content: bytes, duration_s: int) -> ChatMessage:
        """Send a voice note in Ogg with Opus."""
        stored = self.files.keep("voice", Upload("", "audio/ogg", content))
        return self._send(chat, content=file_content("voice", stored, duration_s))

    def send_document(self, chat: Chat, file: Upload, caption: str = "") -> ChatMessage:
        """Send any file."""
        stored = self.files.keep("document", file)
        return self._send(chat, text=caption, content=file_content("document", stored))

    def send_location(self, chat: Chat, latitude: float, longitude: float) -> ChatMessage:
        """Send a pin."""
        return self._send(chat, content={"location": {"latitude": latitude, "longitude": longitude}})

    def send_contact(self, chat: Chat, phone_number: str, name: str = "") -> ChatMessage:
        """Send a contact card: the person's own without a name, else somebody else's."""
        card: Json = {"phone_number": phone_number, "first_name": name or chat.first_name}
        if not name:
            card |= {"last_name": chat.last_name, "user_id": chat.chat_id}
        return self._send(chat, content={"contact": card})

    def tap(self, chat: Chat, message: ChatMessage, button: str) -> str:
        """Tap the button with this data or, failing that, this label; returns the callback query's id."""
        buttons = [one for row in message.keyboard for one in row if "callback_data" in one]
        chosen = next((one for one in buttons if one["callback_data"] == button), None)
        chosen = chosen or next((one for one in buttons if one["text"] == button), None)
        if chosen is None:
            raise NoSuchButton(button)
        self._taps += 1
        query_id = str(4_250_000_000_000_000_000 + self._taps)
        self.methods.open_taps[query_id] = chat
        body = {
            "id": query_id,
            "from": chat.person_as_json(),
            "message": self.chats.as_json(chat, message),
            "chat_instance": str(-chat.chat_id),
            "data": chosen["callback_data"],
        }
        self.updates.put(chat.chat_id, "callback_query", body, _nothing)
        return query_id

    def edit(self, chat: Chat, message: ChatMessage, text: str) -> None:
        """Change the words of an own message."""
        message.text, message.edited_at_s = text, self.chats.now_s()
        self._tell(chat, "edited_message", message)

    def react(self, chat: Chat, message: ChatMessage, emoji: str) -> None:
        """React to a message; empty: take the reaction back."""
        old, message.reaction = message.reaction, emoji
        body = {
            "chat": chat.as_json(),
            "message_id": message.message_id,
            "user": chat.person_as_json(),
            "date": self.chats.now_s(),
            "old_reaction": _reactions(old),
            "new_reaction": _reactions(emoji),
        }
        self.updates.put(chat.chat_id, "message_reaction", body, _nothing)
        self.chats.changed(chat, message)

    def block(self, chat: Chat) -> None:
        """Block the bot."""
        self._change_membership(chat, blocked=True)

    def unblock(self, chat: Chat) -> None:
        """Let the bot write again."""
        self._change_membership(chat, blocked=False)

    def redeliver_last(self, chat: Chat) -> bool:
        """Have the latest update delivered a second time; false: there is none, or it is on its way."""
        return self.updates.redeliver_last(chat.chat_id)

    def _send(self, chat: Chat, **fields: object) -> ChatMessage:
        if chat.blocked:
            self.unblock(chat)  # writing to a blocked bot unblocks it
        chat.started = True
        message = self.chats.write(chat, from_bot=False, accepted=False, **fields)
        self._tell(chat, "message", message)
        return message

    def _tell(self, chat: Chat, kind: str, message: ChatMessage) -> None:
        message.accepted = False
        self.chats.changed(chat, message)
        self.updates.put(
            chat.chat_id, kind, self.chats.as_json(chat, message), self._marks_accepted(chat, message)
        )

    def _marks_accepted(self, chat: Chat, message: ChatMessage) -> Callable[[], None]:
        def accepted() -> None:
            message.accepted = True
            self.chats.changed(chat, message)

        return accepted

    def _change_membership(self, chat: Chat, blocked: bool) -> None:
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        body = {
            "chat": chat.as_json(),
            "from": chat.person_as_json(),
            "date": self.chats.now_s(),
            "old_chat_member": _membership(self.chats.bot, old),
            "new_chat_member": _membership(self.chats.bot, new),
        }
        self.updates.put(chat.chat_id, "my_chat_member", body, _nothing)
        self.chats.publish(Change("chat", chat.chat_id))


def _membership(bot: Json, status: str) -> Json:
    membership: Json = {"user": bot, "status": status}
    return {**membership, "until_date": 0} if status == "kicked" else membership


def _reactions(emoji: str) -> list[Json]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []


def _nothing() -> None:
    """A tap or a reaction has no tick to show."""
