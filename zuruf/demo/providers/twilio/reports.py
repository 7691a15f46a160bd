"""How far messages of the bot get on the fake WhatsApp, and the status callbacks that tell it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from zuruf.demo.providers.chats import Chat, ChatMessage, Chats
from zuruf.demo.providers.twilio.names import address_of, sid_of
from zuruf.demo.providers.twilio.rules import BLOCKED, WINDOW_CLOSED, WORDS
from zuruf.demo.providers.twilio.webhooks import Webhooks

SENT_AFTER_S = 0.05
DELIVERED_AFTER_S = 0.25
READ_AFTER_S = 1.2
LATE_BY_S = 4.0
_STEPS: Sequence[tuple[str, float]] = (
    ("queued", 0.0),
    ("sent", SENT_AFTER_S),
    ("delivered", DELIVERED_AFTER_S),
)
_REASONS = frozenset({"ErrorCode", "ErrorMessage"})
Form = Mapping[str, str]


class Reports:
    """Tells the gateway what became of each message it sent."""

    def __init__(
        self,
        chats: Chats,
        webhooks: Webhooks,
        account_sid: str,
        sender: str,
        are_late: Callable[[], bool],
        time_scale: float,
    ) -> None:
        self.are_sent = True  # benchmarks do without
        self.people_read = True  # soon, by themselves; else when told to
        self.chats = chats
        self.webhooks = webhooks
        self.account_sid = account_sid
        self.sender = sender
        self.time_scale = time_scale
        self._are_late = are_late
        self._codes: dict[int, str] = {}  # of the messages that did not arrive
        self._unread: dict[int, str] = {}  # messages on phones, and the addresses to report to
        self._held: dict[int, list[Form]] = {}  # what is told late, by message
        self._tasks: set[asyncio.Task[None]] = set()

    def refusal(self, chat: Chat, *, is_template: bool) -> str:
        """Why WhatsApp will not bring a message that Twilio takes; "": it will."""
        if chat.blocked:
            return BLOCKED
        is_open = is_template or self.chats.now_s() < chat.window_closes_at_s
        return "" if is_open else WINDOW_CLOSED

    def outcome(self, message: ChatMessage) -> tuple[str, str]:
        """A message's status and, where it did not arrive, the code that says why."""
        code = self._codes.get(message.message_id, "")
        return (_gone(code) if code else message.state or "queued"), code

    def follow(self, chat: Chat, message: ChatMessage, callback_url: str, refusal: str) -> None:
        """Let a message that Twilio took go its way."""
        if refusal:
            self._codes[message.message_id] = refusal
        if not self.are_sent:
            return
        going = self._go(chat, message, callback_url, refusal)
        task = asyncio.create_task(going, name="whatsapp delivery")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def read(self, chat: Chat) -> None:
        """The person reads what came so far."""
        for message in chat.from_bot:
            self._read(chat, message)

    async def stop(self) -> None:
        """Follow nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _go(self, chat: Chat, message: ChatMessage, url: str, refusal: str) -> None:
        number, is_late = message.message_id, self._are_late()
        if is_late:
            self._held[number] = []
        for status, after_s in ((_gone(refusal), SENT_AFTER_S),) if refusal else _STEPS:
            await self._pause(after_s)
            self._enter(chat, message, status, url)
        if not refusal:
            self._unread[number] = url
            if self.people_read:
                await self._pause(READ_AFTER_S)
                self._read(chat, message)
        if is_late:
            await self._pause(LATE_BY_S)
            self._tell_badly(chat, self._held.pop(number), url)

    def _read(self, chat: Chat, message: ChatMessage) -> None:
        url = self._unread.pop(message.message_id, None)
        if url is not None:
            self._enter(chat, message, "read", url)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.time_scale)

    def _enter(self, chat: Chat, message: ChatMessage, status: str, url: str) -> None:
        code = self._codes.get(message.message_id, "")
        message.state = "failed" if code else status
        self.chats.changed(chat, message)
        if not url:
            return
        form = self._form(chat, message, status, code)
        held = self._held.get(message.message_id)
        if held is None:
            self.webhooks.bring_status(address_of(chat), form, url)
        else:
            held.append(form)

    def _tell_badly(self, chat: Chat, held: Sequence[Form], url: str) -> None:
        """The last first, then everything again, without saying why it failed."""
        again = [{name: value for name, value in form.items() if name not in _REASONS} for form in held]
        for form in (*reversed(held), *again):
            self.webhooks.bring_status(f"{address_of(chat)} late", form, url)

    def _form(self, chat: Chat, message: ChatMessage, status: str, code: str) -> Form:
        sid = sid_of(message)
        form = {
            "ChannelPrefix": "whatsapp",
            "ApiVersion": "2010-04-01",
            "MessageStatus": status,
            "SmsStatus": status,
            "SmsSid": sid,
            "MessageSid": sid,
            "ChannelInstallSid": "XE00000000000000000000000000000001",
            "ChannelToAddress": f"{chat.address[:-4]}XXXX",
            "AccountSid": self.account_sid,
            "From": self.sender,
            "To": address_of(chat),
        }
        if status == "sent":
            form["StructuredMessage"] = "true" if message.keyboard or message.picker else "false"
        if status in ("read", "undelivered"):
            form["EventType"] = status.upper()
        return form | ({"ErrorCode": code, "ErrorMessage": WORDS[code]} if code else {})


def _gone(code: str) -> str:
    return "failed" if code == BLOCKED else "undelivered"
