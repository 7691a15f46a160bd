"""What people do on their phones with Threema, told to the gateway in boxes."""

import secrets

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, Json, NoSuchButton
from zuruf.demo.providers.files import Files, Upload, file_content
from zuruf.demo.providers.threema.blobs import Blobs
from zuruf.demo.providers.threema.callbacks import Callbacks
from zuruf.demo.providers.threema.directory import Directory
from zuruf.demo.providers.threema.phone import (
    ACKNOWLEDGED,
    APPLIED,
    AS_FILE,
    AS_MEDIA,
    DECLINED,
    DELETE,
    EDIT,
    FILE,
    LOCATION,
    REACTION,
    RECEIPT,
    TEXT,
    THUMBNAIL_NONCE,
    TYPING,
    WITHDRAWN,
    FileMessage,
    Phone,
    change,
    encrypted,
    file_message,
    location,
    receipt,
)
from zuruf.demo.providers.threema.receipts import Receipts

_THUMBS = {"👍": ACKNOWLEDGED, "👎": DECLINED}


class People:
    """The people's side of the fake Threema."""

    chats: Chats
    files: Files
    blobs: Blobs
    callbacks: Callbacks
    receipts: Receipts
    directory: Directory
    phones: dict[int, Phone]
    gateway_key: bytes

    def chat(self, threema_id: str, name: str = "Anna", phone_number: str = "", email: str = "") -> Chat:
        """The chat with a Threema ID; opened if there is none yet, with what its owner linked to it."""
        known = self.directory.get(threema_id)
        if known:
            return known
        first, _, last = name.partition(" ")
        chat = Chat(len(self.chats) + 1, first, last, address=threema_id)
        self.phones[chat.chat_id] = Phone(threema_id, self.gateway_key)
        self.directory.enter(chat, phone_number, email)
        self.chats.add(chat)
        return chat

    def say(self, chat: Chat, text: str, reply_to: int | None = None) -> ChatMessage:
        """Write a text; a quoted reply is written into it, as the apps do."""
        quote = f"> quote #{reply_to:016x}\n\n" if reply_to else ""
        return self._send(chat, TEXT, (quote + text).encode(), text=text, reply_to=reply_to)

    def send_photo(
        self, chat: Chat, content: bytes, caption: str = "", content_type: str = "image/jpeg"
    ) -> ChatMessage:
        """Send a picture; the apps send a small one along."""
        upload = Upload("photo.jpg", content_type, content)
        key = secrets.token_bytes(32)
        told = self._uploaded(key, upload, AS_MEDIA)
        told.t, told.p = self.blobs.keep(encrypted(key, content, THUMBNAIL_NONCE)), content_type
        told.d, told.x = caption or None, {"w": 1280, "h": 960}
        stored = self.files.keep("photo", upload)
        return self._send_file(chat, told, caption, file_content("photo", stored))

    def send_voice(
        self, chat: Chat, content: bytes, duration_s: int, content_type: str = "audio/ogg"
    ) -> ChatMessage:
        """Send a voice note."""
        upload = Upload("", content_type, content)
        told = self._uploaded(secrets.token_bytes(32), upload, AS_MEDIA)
        told.i, told.x = AS_FILE, {"d": float(duration_s)}  # the older word for it knows pictures only
        stored = self.files.keep("voice", upload)
        return self._send_file(chat, told, "", file_content("voice", stored, duration_s))

    def send_document(self, chat: Chat, file: Upload, caption: str = "") -> ChatMessage:
        """Send any file."""
        told = self._uploaded(secrets.token_bytes(32), file, AS_FILE)
        told.d = caption or None
        stored = self.files.keep("document", file)
        return self._send_file(chat, told, caption, file_content("document", stored))

    def send_contact(self, chat: Chat, phone_number: str, name: str = "") -> ChatMessage:
        """Send a contact card, which is a file."""
        shown = name or f"{chat.first_name} {chat.last_name}".strip()
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{shown}\r\nTEL:{phone_number}\r\nEND:VCARD\r\n"
        upload = Upload(f"{shown}.vcf", "text/vcard", card.encode())
        told = self._uploaded(secrets.token_bytes(32), upload, AS_FILE)
        content = {"contact": {"phone_number": phone_number, "first_name": shown}}
        return self._send_file(chat, told, "", content)

    def send_location(
        self, chat: Chat, latitude: float, longitude: float, name: str = "", address: str = ""
    ) -> ChatMessage:
        """Send a pin, on a named place or anywhere."""
        payload = location(latitude, longitude, name=name, address=address)
        pin = {"latitude": latitude, "longitude": longitude}
        return self._send(chat, LOCATION, payload, content={"location": pin})

    def tap(self, chat: Chat, message: ChatMessage, button: str) -> str:
        """There are no buttons."""
        raise NoSuchButton(button)

    def typing(self, chat: Chat, *, is_on: bool = True) -> None:
        """Begin to write, or stop it; the apps tell of both."""
        self._tell(chat, "typing", TYPING, bytes([is_on]))

    def read(self, chat: Chat) -> None:
        """Look at everything that the bot wrote."""
        self.receipts.read(chat)

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
        elif emoji or old:
            number = APPLIED if emoji else WITHDRAWN
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

    def _uploaded(self, key: bytes, upload: Upload, shown_as: int) -> FileMessage:
        return FileMessage(
            b=self.blobs.keep(encrypted(key, upload.content)),
            k=key.hex(),
            m=upload.content_type,
            n=upload.file_name or None,
            s=len(upload.content),
            i=shown_as,
            j=shown_as,
        )

    def _send_file(self, chat: Chat, told: FileMessage, caption: str, content: Json) -> ChatMessage:
        return self._send(chat, FILE, file_message(told), text=caption, content=content)

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
