"""How far the bot's messages get on people's phones, and the receipts that tell it."""

from collections.abc import Callable, Mapping, Sequence

from zuruf.demo.providers.chats import Chat, ChatMessage, Chats
from zuruf.demo.providers.threema.callbacks import Callbacks
from zuruf.demo.providers.threema.phone import DELIVERED, READ, RECEIPT, Phone, receipt

DELIVERED_AFTER_S, READ_AFTER_S, LATE_BY_S = 0.3, 1.2, 4.0
_STATES = {DELIVERED: "delivered", READ: "read"}
_IN_TIME = ((DELIVERED, DELIVERED_AFTER_S), (READ, READ_AFTER_S))
_LATE = ((READ, LATE_BY_S), (DELIVERED, LATE_BY_S + 0.5), (DELIVERED, LATE_BY_S + 1.0))


class Receipts:
    """Tells the gateway, as every phone does by itself."""

    def __init__(self, chats: Chats, phones: Mapping[int, Phone], callbacks: Callbacks) -> None:
        self._chats = chats
        self._phones = phones
        self._callbacks = callbacks

    def confirm(self, chat: Chat, message: ChatMessage, *, are_late: bool) -> None:
        """The phone tells that a message arrived, and a little later that it was read."""
        for status, after_s in _LATE if are_late else _IN_TIME:
            self._tell(chat, status, [message], after_s)

    def read(self, chat: Chat) -> None:
        """The person looks at the chat: one receipt for everything that they had not read."""
        unread = [message for message in chat.transcript if message.from_bot and message.state != "read"]
        if unread:
            self._tell(chat, READ, unread)

    def _tell(self, chat: Chat, status: int, messages: Sequence[ChatMessage], after_s: float = 0.0) -> None:
        payload = receipt(status, *(message.message_id for message in messages))
        nonce, box = self._phones[chat.chat_id].write(RECEIPT, payload)
        told = self._marks(chat, status, messages)
        self._callbacks.bring(chat, "receipt", self._callbacks.next_id(), nonce, box, told, after_s)

    def _marks(self, chat: Chat, status: int, messages: Sequence[ChatMessage]) -> Callable[[], None]:
        def told() -> None:
            for message in messages:
                if message.state != "read":
                    message.state = _STATES[status]
                    self._chats.changed(chat, message)

        return told
