"""What the owner of a virtual phone can do on it, and what can be done to it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zuruf.demo.providers.chats import Chat, ChatMessage, Json, NoSuchButton
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.telegram.rules import MOST_TEXT_UNITS, utf16_units
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio

Messenger = FakeTelegram | FakeTwilio | FakeThreema
Body = Mapping[str, Any]
Act = Callable[[Any, Chat, Body], Any]

STATIC = Path(__file__).parent / "pages" / "static"
SAMPLE_VOICE_S = 4
SAMPLE_PLACE = (49.6634, 10.0712)  # a field near Ochsenfurt
SAMPLE_PHONE_NUMBER = "+493023125001"  # reserved for film and television


class NotHere(Exception):
    """This cannot be done here."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "This cannot be done here."


def act_on(name: str, provider: Messenger, chat: Chat, body: Body) -> Json:
    """Do it; raises `NotHere` where this messenger, this chat or this message does not allow it."""
    needed = _NEEDED.get(name, name)
    if needed in _SPECIAL and needed not in provider.can:
        raise NotHere
    try:
        result = ACTS[name](provider, chat, body)
    except (KeyError, TypeError, NoSuchButton):
        raise NotHere from None
    return result if isinstance(result, dict) else {}


def _say(provider: Messenger, chat: Chat, body: Body) -> None:
    quoted = body.get("reply_to")
    if quoted is not None:
        quoted = _message(chat, {"message": quoted}).message_id
    provider.say(chat, _text(body), reply_to=quoted)


def _tap(provider: Messenger, chat: Chat, body: Body) -> None:
    provider.tap(chat, _message(chat, body), str(body["button"]))


def _photo(provider: Messenger, chat: Chat, body: Body) -> None:
    provider.send_photo(chat, (STATIC / "sample-photo.jpg").read_bytes())


def _voice(provider: Messenger, chat: Chat, body: Body) -> None:
    provider.send_voice(chat, (STATIC / "sample-voice.ogg").read_bytes(), SAMPLE_VOICE_S)


def _location(provider: Messenger, chat: Chat, body: Body) -> None:
    provider.send_location(chat, *SAMPLE_PLACE)


def _contact(provider: FakeTelegram | FakeTwilio, chat: Chat, body: Body) -> None:
    provider.send_contact(chat, chat.address or SAMPLE_PHONE_NUMBER)


def _edit(provider: FakeTelegram | FakeThreema, chat: Chat, body: Body) -> None:
    provider.edit(chat, _own(chat, body), _text(body))


def _delete(provider: FakeThreema, chat: Chat, body: Body) -> None:
    provider.delete(chat, _own(chat, body))


def _react(provider: FakeTelegram | FakeThreema, chat: Chat, body: Body) -> None:
    emoji = str(body["emoji"]).encode("utf-8", "replace").decode()[:8]
    provider.react(chat, _message(chat, body), emoji)


def _block(provider: Messenger, chat: Chat, body: Body) -> None:
    (provider.block if body["on"] else provider.unblock)(chat)


def _close_window(provider: FakeTwilio, chat: Chat, body: Body) -> dict[str, bool]:
    provider.close_window(chat)
    return {"done": True}


def _redeliver(provider: Messenger, chat: Chat, body: Body) -> dict[str, bool]:
    return {"done": provider.redeliver_last(chat)}


ACTS: dict[str, Act] = {
    "say": _say,
    "tap": _tap,
    "photo": _photo,
    "voice": _voice,
    "location": _location,
    "contact": _contact,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "block": _block,
    "close_window": _close_window,
    "redeliver": _redeliver,
}
_SPECIAL = frozenset({"edit", "delete", "react", "contact", "block", "window"})
_NEEDED = {"close_window": "window"}


def _message(chat: Chat, body: Body) -> ChatMessage:
    message = chat.messages[body["message"]]
    if message.deleted:
        raise KeyError("deleted")
    return message


def _own(chat: Chat, body: Body) -> ChatMessage:
    message = _message(chat, body)
    if message.from_bot:
        raise KeyError("not one's own")
    return message


def _text(body: Body) -> str:
    # Half a surrogate pair has no encoding, and would end every stream of the page from then on.
    text = str(body["text"]).encode("utf-8", "replace").decode().strip()
    if not text or utf16_units(text) > MOST_TEXT_UNITS:
        raise NotHere(f"A message has 1 to {MOST_TEXT_UNITS} characters.")
    return text
