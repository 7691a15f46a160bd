"""The form in which Threema hands a sealed message over."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from channels.errors import Unreadable, WebhookRejected
from channels.message import Identifier, Sender
from channels.threema_payload import Envelope


@dataclass(frozen=True, slots=True)
class Callback:
    """The form of one callback, as strings."""

    sender: str
    to: str
    message_id: str
    date: str
    nonce: str
    box: str
    mac: str
    nickname: str

    @classmethod
    def read(cls, body: bytes) -> "Callback":
        """From the body of the request; raises `WebhookRejected` for what is no form."""
        try:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
        except ValueError:
            raise WebhookRejected from None
        form = dict(pairs)
        names = ("from", "to", "messageId", "date", "nonce", "box", "mac", "nickname")
        return cls(*(form.get(name, "") for name in names))

    @property
    def signed(self) -> str:
        """What the MAC covers: the strings as received, without separators; not the nickname."""
        return self.sender + self.to + self.message_id + self.date + self.nonce + self.box

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that the MAC covers; it would cover what is left, too."""
        return all((self.sender, self.to, self.message_id, self.date, self.nonce, self.box))

    def check(self, gateway_id: str) -> None:
        """Raise `Unreadable` for an authentic callback that cannot be one to us."""
        if self.to != gateway_id:
            raise Unreadable("it was written to another gateway id")
        shapes = (
            (r"[0-9A-Z*]{8}", self.sender),
            (r"[0-9a-fA-F]{16}", self.message_id),
            (r"[0-9]{1,12}", self.date),
            (r"[0-9a-fA-F]{48}", self.nonce),
            (r"(?:[0-9a-fA-F]{2})+", self.box),
        )
        if not all(re.fullmatch(shape, value) for shape, value in shapes):
            raise Unreadable("a field of the callback is malformed")

    @property
    def envelope(self) -> Envelope:
        """Who wrote, and when."""
        name = "".join(character for character in self.nickname if character.isprintable())[:64]
        sender = Sender((Identifier("threema", self.sender),), name)
        return Envelope(sender, self.message_id.lower(), int(self.date) * 1000)
