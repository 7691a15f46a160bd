"""What people do on their phones with WhatsApp, told to the gateway in Twilio's forms."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from zlib import crc32

from zuruf.demo.providers.chats import Change, Chat, ChatMessage, Chats, NoSuchButton
from zuruf.demo.providers.files import Files, StoredFile, Upload, file_content
from zuruf.demo.providers.twilio.media import MediaStore
from zuruf.demo.providers.twilio.names import address_of, sid_of
from zuruf.demo.providers.twilio.reports import Reports
from zuruf.demo.providers.twilio.rules import WINDOW_S
from zuruf.demo.providers.twilio.webhooks import Webhooks

_TYPES = {"photo": "image", "voice": "audio", "document": "document"}
_NUMBERLESS = 10**14  # ids of chats begin here where no phone number can be one


class People(ABC):
    """The people's side of the fake Twilio."""

    account_sid: str
    sender: str
    chats: Chats
    files: Files
    media: MediaStore
    webhooks: Webhooks
    reports: Reports
    last_forms: dict[int, Mapping[str, str]]
    templates_sent: set[int]

    def chat(self, phone: str, name: str = "Tom", business_id: str = "") -> Chat:
        """The chat with a phone number ("+4930..."); opened if there is none yet.

        Whoever hides the number has a business-scoped id ("DE.1234") alone.
        """
        chat_id = int(phone.lstrip("+")) if phone else _NUMBERLESS + crc32(business_id.encode())
        chat = self.chats.get(chat_id)
        if chat is None:
            first, _, last = name.partition(" ")
            chat = Chat(chat_id, first, last, address=phone, also_known_as=business_id)
            self.chats.add(chat)
        return chat

    def say(self, chat: Chat, text: str, reply_to: int | None = None) -> ChatMessage:
        """Write a text."""
        return self._send(chat, "text", {"Body": text}, text=text, reply_to=reply_to)

    def send_photo(
        self, chat: Chat, content: bytes, caption: str = "", content_type: str = "image/jpeg"
    ) -> ChatMessage:
        """Send a picture."""
        return self._send_file(chat, "photo", Upload("", content_type, content), caption)

    def send_voice(self, chat: Chat, content: bytes, duration_s: int) -> ChatMessage:
        """Send a voice note."""
        return self._send_file(chat, "voice", Upload("", "audio/ogg", content), "", duration_s)

    def send_document(self, chat: Chat, file: Upload, caption: str = "") -> ChatMessage:
        """Send any file; its name goes where a caption would."""
        return self._send_file(chat, "document", file, caption or file.file_name)

    def send_location(self, chat: Chat, latitude: float, longitude: float) -> ChatMessage:
        """Send a pin."""
        form = {"Body": "", "Latitude": f"{latitude:.6f}", "Longitude": f"{longitude:.6f}"}
        pin = {"latitude": latitude, "longitude": longitude}
        return self._send(chat, "location", form, content={"location": pin})

    def send_contact(self, chat: Chat, phone_number: str, name: str = "") -> ChatMessage:
        """Send a contact card, which comes as a file."""
        shown = name or f"{chat.first_name} {chat.last_name}".strip()
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{shown}\r\nTEL:{phone_number}\r\nEND:VCARD\r\n"
        stored = self.files.keep("document", Upload("", "text/vcard", card.encode()))
        content = {"contact": {"phone_number": phone_number, "first_name": shown}}
        return self._send(chat, "contacts", {"Body": ""}, stored, content=content)

    def tap(self, chat: Chat, message: ChatMessage, button: str) -> str:
        """Tap the button, or choose the row, with this id or title; returns the id."""
        taps = [(one["callback_data"], one["text"], "") for row in message.keyboard for one in row]
        rows = message.picker["rows"] if message.picker else []
        taps += [(row["id"], row["title"], row["description"]) for row in rows]
        chosen = next((one for one in taps if button in one[:2]), None)
        if chosen is None:
            raise NoSuchButton(button)
        id_, title, description = chosen
        if message.picker:
            form = {"ListId": id_, "ListTitle": title, "ListDescription": description}
        else:
            form = {"ButtonPayload": id_, "ButtonText": title}
        kind = "button" if message.message_id in self.templates_sent else "interactive"
        self._send(chat, kind, {"Body": title, **form}, text=title, reply_to=message.message_id)
        return id_

    def block(self, chat: Chat) -> None:
        """Block the sender; nobody is told."""
        chat.blocked = True
        self.chats.publish(Change("chat", chat.chat_id))

    def unblock(self, chat: Chat) -> None:
        """Let the sender write again."""
        chat.blocked = False
        self.chats.publish(Change("chat", chat.chat_id))

    def read(self, chat: Chat) -> None:
        """Read what the bot wrote so far; people do it by themselves unless `reports.people_read` is off."""
        self.reports.read(chat)

    def close_window(self, chat: Chat) -> None:
        """Let the 24 hours be over at WhatsApp, which the gateway does not know."""
        chat.window_closes_at_s = 0
        self.chats.publish(Change("chat", chat.chat_id))

    def redeliver_last(self, chat: Chat) -> bool:
        """Have the latest webhook of a chat delivered a second time; false: there is none."""
        form = self.last_forms.get(chat.chat_id)
        if form is None:
            return False
        self.webhooks.bring_message(address_of(chat), form)
        return True

    @property
    @abstractmethod
    def account_url(self) -> str:
        """Where the account's messages and files are."""

    def _send_file(
        self, chat: Chat, kind: str, upload: Upload, caption: str, duration_s: int = 0
    ) -> ChatMessage:
        stored = self.files.keep(kind, upload)
        shown = "" if caption == upload.file_name else caption
        content = file_content(kind, stored, duration_s)
        return self._send(chat, _TYPES[kind], {"Body": caption}, stored, text=shown, content=content)

    def _send(
        self,
        chat: Chat,
        message_type: str,
        form: Mapping[str, str],
        file: StoredFile | None = None,
        **fields: object,
    ) -> ChatMessage:
        if chat.blocked:
            self.unblock(chat)
        chat.window_closes_at_s = self.chats.now_s() + WINDOW_S
        message = self.chats.write(chat, from_bot=False, accepted=False, **fields)
        whole = {**self._form(chat, message, message_type), **form}
        if file:
            url = self.account_url + self.media.keep(whole["MessageSid"], file)
            whole |= {"MediaUrl0": url, "MediaContentType0": file.upload.content_type}
        self.last_forms[chat.chat_id] = whole
        self.chats.publish(Change("chat", chat.chat_id))

        def taken() -> None:
            message.accepted = True
            self.chats.changed(chat, message)

        self.webhooks.bring_message(address_of(chat), whole, taken)
        return message

    def _form(self, chat: Chat, message: ChatMessage, message_type: str) -> dict[str, str]:
        sid, name = sid_of(message), f"{chat.first_name} {chat.last_name}".strip()
        form = {
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "MessageSid": sid,
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "NumSegments": "1",
            "NumMedia": "1" if sid.startswith("MM") else "0",
            "ReferralNumMedia": "0",
            "SmsStatus": "received",
            "MessageType": message_type,
            "ProfileName": name,
            "To": self.sender,
            "From": address_of(chat),
        }
        context = {"ProfileName": name}
        if chat.address:
            form["WaId"] = context["WaId"] = chat.address.lstrip("+")
        if chat.also_known_as:
            form["ExternalUserId"] = f"whatsapp:{chat.also_known_as}"
        metadata = {"type": "whatsapp", "data": {"context": context}}
        form["ChannelMetadata"] = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False)
        quoted = chat.messages.get(message.reply_to or 0)
        if quoted:
            form["OriginalRepliedMessageSid"] = sid_of(quoted)
            form["OriginalRepliedMessageSender"] = self.sender if quoted.from_bot else form["From"]
        return form
