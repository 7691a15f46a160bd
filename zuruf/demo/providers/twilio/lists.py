"""The list that Twilio keeps of an account's messages, both ways."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from zuruf.demo.providers.chats import Chat, ChatMessage, Chats, Json
from zuruf.demo.providers.twilio.names import address_of, sid_of
from zuruf.demo.providers.twilio.rules import WORDS, not_found

MOST_PAGE = 1000
# A message's status, and the code of what went wrong ("": nothing).
Outcome = Callable[[ChatMessage], tuple[str, str]]


class Lists:
    """What the REST interface shows of the chats."""

    def __init__(self, chats: Chats, account_sid: str, sender: str, outcome: Outcome) -> None:
        self._chats = chats
        self._account_sid = account_sid
        self._sender = sender
        self._outcome = outcome
        self._path = f"/2010-04-01/Accounts/{account_sid}/Messages"

    def find(self, sid: str) -> tuple[Chat, ChatMessage]:
        """A message by its sid; raises `Refused`."""
        for chat in self._chats:
            for message in chat.messages.values():
                if sid_of(message) == sid:
                    return chat, message
        raise not_found()

    def page(self, query: Mapping[str, str]) -> Json:
        """One page of the messages that fit, the newest first."""
        size = min(int(query.get("PageSize", "50")), MOST_PAGE)
        number = int(query.get("Page", "0"))
        fitting = sorted(self._fitting(query), key=lambda found: -found[1].message_id)
        shown = fitting[number * size : (number + 1) * size]
        following = None
        if len(fitting) > (number + 1) * size:
            following = f"{self._path}.json?{urlencode({**query, 'Page': str(number + 1)})}"
        return {
            "messages": [self.as_json(*found) for found in shown],
            "page": number,
            "page_size": size,
            "next_page_uri": following,
        }

    def as_json(self, chat: Chat, message: ChatMessage) -> Json:
        """A message as the REST interface shows it."""
        person, sid = address_of(chat), sid_of(message)
        status, code = self._outcome(message) if message.from_bot else ("received", "")
        when = format_datetime(datetime.fromtimestamp(message.sent_at_s, UTC))
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "direction": "outbound-api" if message.from_bot else "inbound",
            "from": self._sender if message.from_bot else person,
            "to": person if message.from_bot else self._sender,
            "body": message.text or str((message.content.get("document") or {}).get("file_name", "")),
            "status": status,
            "num_media": "1" if sid.startswith("MM") else "0",
            "num_segments": "1",
            "error_code": int(code) if code else None,
            "error_message": WORDS.get(code),
            "price": None,
            "date_created": when,
            "date_sent": when,
            "uri": f"{self._path}/{sid}.json",
        }

    def _fitting(self, query: Mapping[str, str]) -> Iterator[tuple[Chat, ChatMessage]]:
        to, from_ = query.get("To"), query.get("From")
        for chat in self._chats:
            person = address_of(chat)
            for message in chat.messages.values():
                ends = (self._sender, person) if message.from_bot else (person, self._sender)
                named = (from_ or ends[0], to or ends[1]) == ends
                if named and _is_of_the_time(message, query):
                    yield chat, message


def _is_of_the_time(message: ChatMessage, query: Mapping[str, str]) -> bool:
    """`DateSent>` and `DateSent<` hold for the day itself, too."""
    day = f"{datetime.fromtimestamp(message.sent_at_s, UTC):%Y-%m-%d}"
    on, since, until = (query.get(f"DateSent{sign}", day)[:10] for sign in ("", ">", "<"))
    return on == day and since <= day <= until
