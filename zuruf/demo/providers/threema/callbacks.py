"""The fake Threema's callbacks: sealed, with a MAC, repeated three times five minutes apart, then lost."""

import hmac
from collections.abc import Callable
from urllib.parse import urlencode

from zuruf.demo.providers.chats import Chat, Chats
from zuruf.demo.providers.couriers import Couriers, Parcel

REPEATS = 3
REPEAT_AFTER_S = 300.0
# Ids of what is no bubble of its own: receipts, edits. Senders choose their ids; bubbles count from 1.
FIRST_OTHER_ID = 1 << 48


def rule(failures: int, status: int) -> float | None:
    """Threema's: whatever is not a 200 is repeated, but not for long."""
    return REPEAT_AFTER_S if failures < REPEATS else None


class Callbacks:
    """Posts what people sealed to the gateway's address."""

    def __init__(
        self, couriers: Couriers, chats: Chats, gateway_id: str, secret: str, *, are_made: bool = True
    ) -> None:
        self.url = ""  # as set at gateway.threema.ch
        self._are_made = are_made
        self._couriers = couriers
        self._chats = chats
        self._gateway_id = gateway_id
        self._secret = secret
        self._other_id = FIRST_OTHER_ID
        self._last: dict[str, Parcel] = {}

    def next_id(self) -> int:
        """An id for what is no bubble."""
        self._other_id += 1
        return self._other_id

    def bring(
        self,
        chat: Chat,
        what: str,
        message_id: int,
        nonce: bytes,
        box: bytes,
        on_taken: Callable[[], None] = lambda: None,
        after_s: float = 0.0,
    ) -> None:
        """Post one sealed message; nothing where no address is set, or the account hears nothing."""
        if not self.url or not self._are_made:
            return
        body = self.form(chat, message_id, nonce, box)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        parcel = Parcel(chat.address, what, self.url, body, headers, on_taken)
        if what == "message":
            self._last[chat.address] = parcel
        self._couriers.send(parcel, after_s)

    def form(self, chat: Chat, message_id: int, nonce: bytes, box: bytes) -> bytes:
        """The body of a callback."""
        signed = {
            "from": chat.address,
            "to": self._gateway_id,
            "messageId": f"{message_id:016x}",
            "date": str(self._chats.now_s()),
            "nonce": nonce.hex(),
            "box": box.hex(),
        }
        proof = hmac.digest(self._secret.encode(), "".join(signed.values()).encode(), "sha256").hex()
        nickname = f"{chat.first_name} {chat.last_name}".strip()
        return urlencode({**signed, "mac": proof, "nickname": nickname}).encode()

    def repeat(self, address: str) -> bool:
        """Bring the latest message of a chat once more; false: there is none."""
        last = self._last.get(address)
        if last is None:
            return False
        self._couriers.send(last)
        return True
