"""How far messages of the bot get on the fake WhatsApp, and the status callbacks that tell it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from zuruf.demo.providers.chats import Chat, ChatMessage, Chats
from zuruf.demo.providers.twilio.people import sid_of
from zuruf.demo.providers.twilio.webhooks import Webhooks

DELIVERED_AFTER_S = 0.3
READ_AFTER_S = 1.2
LATE_BY_S = 4.0
BLOCKED, WINDOW_CLOSED = "63014", "63016"
_STEPS: Sequence[tuple[str, float]] = (
    ("sent", 0.0),
    ("delivered", DELIVERED_AFTER_S),
    ("read", READ_AFTER_S),
)


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
        self.chats = chats
        self.webhooks = webhooks
        self.account_sid = account_sid
        self.sender = sender
        self.time_scale = time_scale
        self._are_late = are_late
        self._tasks: set[asyncio.Task[None]] = set()

    def refusal(self, chat: Chat, *, is_template: bool) -> str:
        """Why WhatsApp will not bring a message that Twilio takes; "": it will."""
        if chat.blocked:
            return BLOCKED
        is_open = is_template or self.chats.now_s() < chat.window_closes_at_s
        return "" if is_open else WINDOW_CLOSED

    def follow(self, chat: Chat, message: ChatMessage, callback_url: str, refusal: str) -> None:
        """Let a message that Twilio took go its way."""
        if not self.are_sent:
            return
        going = self._go(chat, message, callback_url, refusal)
        task = asyncio.create_task(going, name="whatsapp delivery")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Follow nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _go(self, chat: Chat, message: ChatMessage, url: str, refusal: str) -> None:
        steps = _STEPS
        if refusal:
            steps = (("failed" if refusal == BLOCKED else "undelivered", 0.0),)
        told: list[Mapping[str, str]] = []
        for status, after_s in steps:
            await asyncio.sleep(after_s * self.time_scale)
            self._enter(chat, message, "failed" if refusal else status)
            form = self._form(chat, message, status, refusal)
            if self._are_late():
                told.append(form)
            elif url:
                self.webhooks.tell(chat.address, f"status {status}", form, url)
        if told and url:
            await asyncio.sleep(LATE_BY_S * self.time_scale)
            self._tell_badly(chat, told, url)

    def _tell_badly(self, chat: Chat, told: Sequence[Mapping[str, str]], url: str) -> None:
        for form in (*reversed(told), *told):
            self.webhooks.tell(f"{chat.address} late", f"status {form['MessageStatus']}", form, url)

    def _enter(self, chat: Chat, message: ChatMessage, state: str) -> None:
        message.state = state
        self.chats.changed(chat, message)

    def _form(self, chat: Chat, message: ChatMessage, status: str, code: str) -> Mapping[str, str]:
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
            "To": f"whatsapp:{chat.address or chat.also_known_as}",
        }
        if status == "read":
            form["EventType"] = "READ"
        return form | ({"ErrorCode": code} if code else {})
