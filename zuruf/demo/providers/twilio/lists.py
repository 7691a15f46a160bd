"""The lists that Twilio keeps: messages both ways, and the files that came with them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from zuruf.demo.providers.chats import Chat, ChatMessage, Chats, Json
from zuruf.demo.providers.twilio.people import sid_of

MOST_PAGE = 1000


class Lists:
    """What the REST interface shows of the chats."""

    def __init__(self, chats: Chats, account_sid: str, sender: str) -> None:
        self._chats = chats
        self._account_sid = account_sid
        self._sender = sender

    def find(self, sid: str) -> tuple[Chat, ChatMessage] | None:
        """A message by its sid."""
        number = int(sid[2:], 16) if len(sid) == 34 and sid[2:].isalnum() else 0
        for chat in self._chats:
            message = chat.messages.get(number)
            if message:
                return chat, message
        return None

    def page(self, query: Mapping[str, str]) -> Json:
        """One page of the messages that fit, the newest first."""
        size = min(int(query.get("PageSize", "50")), MOST_PAGE)
        number = int(query.get("Page", "0"))
        fitting = sorted(self._fitting(query), key=lambda found: -found[1].message_id)
        shown = fitting[number * size : (number + 1) * size]
        page: Json = {"messages": [self.as_json(*found) for found in shown], "next_page_uri": None}
        if len(fitting) > (number + 1) * size:
            following = urlencode({**query, "Page": str(number + 1)})
            page["next_page_uri"] = f"/2010-04-01/Accounts/{self._account_sid}/Messages.json?{following}"
        return page

    def as_json(self, chat: Chat, message: ChatMessage) -> Json:
        """A message as the REST interface shows it."""
        person, has_file = f"whatsapp:{chat.address or chat.also_known_as}", sid_of(message).startswith("MM")
        text = message.text or str((message.content.get("document") or {}).get("file_name", ""))
        when = format_datetime(datetime.fromtimestamp(message.sent_at_s, UTC))
        return {
            "sid": sid_of(message),
            "account_sid": self._account_sid,
            "direction": "outbound-api" if message.from_bot else "inbound",
            "from": self._sender if message.from_bot else person,
            "to": person if message.from_bot else self._sender,
            "body": text,
            "status": (message.state or "queued") if message.from_bot else "received",
            "num_media": "1" if has_file else "0",
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
            "date_created": when,
            "date_sent": when,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Messages/{sid_of(message)}.json",
        }

    def _fitting(self, query: Mapping[str, str]) -> Iterator[tuple[Chat, ChatMessage]]:
        since = query.get("DateSent>", "")
        for chat in self._chats:
            for message in chat.messages.values():
                shown = self.as_json(chat, message)
                day = f"{datetime.fromtimestamp(message.sent_at_s, UTC):%Y-%m-%d}"
                named = ((query.get(name.title(), shown[name]), shown[name]) for name in ("to", "from"))
                if day >= since and all(asked == has for asked, has in named):
                    yield chat, message
