"""People who ask for the menu on one messenger: what their provider posts, genuine to the signature."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.server import Provider
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.threema.phone import TEXT
from zuruf.demo.providers.twilio import ACCOUNT_SID, SENDER, FakeTwilio
from zuruf.demo.run import WEBHOOK_SECRET, Messengers

NOW_S = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook call."""

    path: str
    body: bytes
    headers: dict[str, str]


class Writer(ABC):
    """The people of one messenger."""

    channel: str
    provider: Provider

    def __init__(self, people: int) -> None:
        self.chats = [self.person(number) for number in range(people)]

    @property
    @abstractmethod
    def messengers(self) -> Messengers:
        """What the gateway is configured for."""

    @abstractmethod
    def person(self, number: int) -> Chat:
        """Somebody's chat."""

    @abstractmethod
    def says(self, number: int, chat: Chat) -> Post:
        """How message `number`, the word for the menu, reaches the gateway."""

    @abstractmethod
    def reports(self, are_sent: bool) -> None:
        """Whether the provider reports what becomes of messages, where it does at all."""


class OnTelegram(Writer):
    """By JSON with a secret header."""

    channel = "telegram"

    def __init__(self, people: int) -> None:
        self.provider: FakeTelegram = FakeTelegram()
        super().__init__(people)

    @property
    def messengers(self) -> Messengers:
        return Messengers(self.provider)

    def person(self, number: int) -> Chat:
        return self.provider.chat(1000 + number)

    def reports(self, are_sent: bool) -> None:
        """Telegram tells nothing."""

    def says(self, number: int, chat: Chat) -> Post:
        person = {"id": chat.chat_id, "first_name": "Nora", "language_code": "de"}
        message = {
            "message_id": number,
            "date": NOW_S,
            "from": {**person, "is_bot": False},
            "chat": {"id": chat.chat_id, "first_name": "Nora", "type": "private"},
            "text": "Menü",
        }
        body = msgspec.json.encode({"update_id": number, "message": message})
        headers = {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET, "Content-Type": "application/json"}
        return Post("/webhooks/telegram", body, headers)


class OnWhatsApp(Writer):
    """By a form that is signed over the address."""

    channel = "whatsapp"

    def __init__(self, people: int) -> None:
        self.provider: FakeTwilio = FakeTwilio()
        self.reports(are_sent=False)
        super().__init__(people)

    @property
    def messengers(self) -> Messengers:
        return Messengers(whatsapp=self.provider)

    def person(self, number: int) -> Chat:
        chat = self.provider.chat(f"+49302312{5000 + number}", "Tom Muster")
        chat.window_closes_at_s = 2**40
        return chat

    def reports(self, are_sent: bool) -> None:
        self.provider.reports.are_sent = are_sent

    def says(self, number: int, chat: Chat) -> Post:
        sid = f"SM{number + 2**64:032x}"
        form = {
            **{"SmsMessageSid": sid, "SmsSid": sid, "MessageSid": sid, "AccountSid": ACCOUNT_SID},
            **{"NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01"},
            **{"MessageType": "text", "ProfileName": "Tom Muster", "Body": "Menü", "To": SENDER},
            **{"From": f"whatsapp:{chat.address}", "WaId": chat.address[1:]},
        }
        url = self.provider.webhooks.url.partition("#")[0]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            **self.provider.webhooks.signature(url, form),
        }
        return Post("/webhooks/whatsapp", urlencode(form).encode(), headers)


class OnThreema(Writer):
    """By a box with a MAC."""

    channel = "threema"

    def __init__(self, people: int) -> None:
        self.provider: FakeThreema = FakeThreema()
        self.provider.credits = 10**9
        self.reports(are_sent=False)
        super().__init__(people)

    @property
    def messengers(self) -> Messengers:
        return Messengers(threema=self.provider)

    def person(self, number: int) -> Chat:
        return self.provider.chat(f"P{number:07d}", "Anna Probe")

    def reports(self, are_sent: bool) -> None:
        self.provider.sends_receipts = are_sent

    def says(self, number: int, chat: Chat) -> Post:
        nonce, box = self.provider.phones[chat.chat_id].write(TEXT, "Menü".encode())
        body = self.provider.callbacks.form(chat, number + 2**32, nonce, box)
        return Post("/webhooks/threema", body, {"Content-Type": "application/x-www-form-urlencoded"})


WRITERS: dict[str, type[Writer]] = {writer.channel: writer for writer in (OnTelegram, OnWhatsApp, OnThreema)}
