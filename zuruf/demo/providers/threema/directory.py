"""Who is on the fake Threema, and how they are found."""

import hmac

from zuruf.demo.providers.chats import Chat

# Threema's own and published: they hide numbers and addresses from nobody who tries them all.
_PHONE_KEY = "85adf8226953f3d96cfd5d09bf29555eb955fcd8aa5ec4f9fcd869e258370723"
_EMAIL_KEY = "30a5500fed9701fa6defdb610841900febb8e430881f7ad816826264ec09bad7"


class Directory:
    """People's chats by Threema ID; their ids by the phone numbers and e-mail addresses they linked."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._linked: dict[tuple[str, str], str] = {}

    def enter(self, chat: Chat, phone_number: str, email: str) -> None:
        """Put somebody in, with what they linked."""
        self._chats[chat.address] = chat
        for way, linked, key in (("phone", phone_number, _PHONE_KEY), ("email", email, _EMAIL_KEY)):
            if linked:
                shown = _normal(way, linked)
                hashed = hmac.digest(bytes.fromhex(key), shown.encode(), "sha256").hex()
                self._linked |= {(way, shown): chat.address, (f"{way}_hash", hashed): chat.address}

    def get(self, threema_id: str) -> Chat | None:
        """The chat with a Threema ID."""
        return self._chats.get(threema_id)

    def find(self, way: str, linked: str) -> str | None:
        """The Threema ID that a `phone` (digits), `email`, `phone_hash` or `email_hash` is linked to."""
        return self._linked.get((way, _normal(way, linked)))


def _normal(way: str, linked: str) -> str:
    return linked.removeprefix("+") if way == "phone" else linked.strip().lower()
