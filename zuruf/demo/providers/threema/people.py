"""What people do on their phones with Threema, told to the gateway in boxes."""

from collections.abc import Mapping
from typing import Any

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, NoSuchButton
from zuruf.demo.providers.files import Files, Upload, file_content
from zuruf.demo.providers.threema.callbacks import Callbacks
from zuruf.demo.providers.threema.phone import (
    ACKNOWLEDGED,
    DECLINED,
    DELETE,
    EDIT,
    FILE,
    LOCATION,
    REACTION,
    RECEIPT,
    TEXT,
    Phone,
    change,
    encrypted,
    file_message,
    location,
    receipt,
)

_THUMBS = {"👍": ACKNOWLEDGED, "👎": DECLINED}


class People:
    """The people's side of the fake Threema."""

    chats: Chats
    files: Files
    callbacks: Callbacks
    phones: dict[int, Phone]
    blobs: dict[str, bytes]
    gateway_key: bytes

    def chat(self, threema_id: str, name: str = "Anna") -> Chat:
        """The chat with a Threema ID; opened if there is none yet."""
        known = next((chat for chat in self.chats if chat.address == threema_id), None)
        if known:
            return known
        first, _, last = name.partition(" ")
        chat = Chat(len(self.chats) + 1, first, last, address=threema_id)
        self.phones[chat.chat_id] = Phone(threema_id, self.gateway_key)
        self.chats.add(chat)
        return chat

    def say(self, chat: Chat, text: str, reply_to: int | None = None) -> ChatMessage:
        """Write a text; a quoted reply is written into it, as the apps do."""
        quote = f"> quote #{reply_to:016x}\n\n" if reply_to else ""
        return self._send(chat, TEXT, (quote + text).encode(), text=text, reply_to=reply_to)

    def send_photo(
        self, chat: Chat, content: bytes, caption: str = "", content_type: str = "image/jpeg"
    ) -> ChatMessage:
        """Send a picture."""
        upload = Upload("photo.jpg", content_type, content)
        return self._send_file(chat, "photo", upload, {"j": 1, "i": 1}, caption)

    def send_voice(self, chat: Chat, content: bytes, duration_s: int) -> ChatMessage:
        """Send a voice note."""
        upload = Upload("", "audio/ogg", content)
        described = {"j": 1, "i": 0, "x": {"d": float(duration_s)}}
        return self._send_file(chat, "voice", upload, described, "", duration_s)

    def send_document(self, chat: Chat, file: Upload, caption: str = "") -> ChatMessage:
        """Send any file."""
        return self._send_file(chat, "document", file, {"j": 0, "i": 0}, caption)

    def send_location(self, chat: Chat, latitude: float, longitude: float) -> ChatMessage:
        """Send a pin."""
        pin = {"latitude": latitude, "longitude": longitude}
        return self._send(chat, LOCATION, location(latitude, longitude), content={"location": pin})

    def tap(self, chat: Chat, message: ChatMessage, button: str) -> str:
        """There are no buttons."""
        raise NoSuchButton(button)

    def edit(self, chat: Chat, message: ChatMessage, text: str) -> None:
        """Change the words of an own message."""
        message.text, message.edited_at_s = text, self.chats.now_s()
        self.chats.changed(chat, message)
        self._tell(chat, "edit", EDIT, change(message.message_id, text))

    def delete(self, chat: Chat, message: ChatMessage) -> None:
        """Take an own message back."""
        message.deleted = True
        self.chats.changed(chat, message)
        self._tell(chat, "delete", DELETE, change(message.message_id))

    def react(self, chat: Chat, message: ChatMessage, emoji: str) -> None:
        """React to a message; empty: take the reaction back."""
        old, message.reaction = message.reaction, emoji
        self.chats.changed(chat, message)
        if emoji in _THUMBS:
            self._tell(chat, "receipt", RECEIPT, receipt(_THUMBS[emoji], message.message_id))
        else:
            number = 2 if emoji else 3
            self._tell(chat, "reaction", REACTION, change(message.message_id, emoji or old, number))

    def block(self, chat: Chat) -> None:
        """Block the gateway: what it sends is taken, and vanishes."""
        chat.blocked = True
        self.chats.publish(Change("chat", chat.chat_id))

    def unblock(self, chat: Chat) -> None:
        """Let the gateway write again."""
        chat.blocked = False
        self.chats.publish(Change("chat", chat.chat_id))

    def redeliver_last(self, chat: Chat) -> bool:
        """Have the latest callback of a chat brought a second time; false: there is none."""
        return self.callbacks.repeat(chat.address)

    def _send_file(
        self,
        chat: Chat,
        kind: str,
        upload: Upload,
        described: Mapping[str, Any],
        caption: str,
        duration_s: int = 0,
    ) -> ChatMessage:
        stored = self.files.keep(kind, upload)
        key, blob = encrypted(upload.content)
        blob_id = self.keep_blob(blob)
        told = {**described, "m": upload.content_type, "s": len(upload.content)}
        named = {"n": upload.file_name, "d": caption}
        told |= {name: words for name, words in named.items() if words}
        content = file_content(kind, stored, duration_s)
        return self._send(chat, FILE, file_message(blob_id, key, told), text=caption, content=content)

    def keep_blob(self, blob: bytes) -> str:
        """Keep an encrypted file for one download; its id."""
        blob_id = f"{len(self.blobs) + 1:032x}"
        self.blobs[blob_id] = blob
        return blob_id

    def _send(self, chat: Chat, kind: int, payload: bytes, **fields: object) -> ChatMessage:
        if chat.blocked:
            self.unblock(chat)
        message = self.chats.write(chat, from_bot=False, accepted=False, **fields)

        def taken() -> None:
            message.accepted = True
            self.chats.changed(chat, message)

        nonce, box = self.phones[chat.chat_id].write(kind, payload)
        self.callbacks.bring(chat, "message", message.message_id, nonce, box, taken)
        return message

    def _tell(self, chat: Chat, what: str, kind: int, payload: bytes) -> None:
        nonce, box = self.phones[chat.chat_id].write(kind, payload)
        self.callbacks.bring(chat, what, self.callbacks.next_id(), nonce, box)
