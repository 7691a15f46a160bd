"""The bot in the terminal: what is typed goes to the fake provider, what the phone shows is printed."""

import asyncio
import contextlib
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from zuruf.demo.providers.chats import Chat, ChatMessage
from zuruf.demo.providers.telegram import FakeTelegram

CHAT_ID = 99_000_000_010
QUIET_S = 1.0  # nothing more is said for so long: the answer is complete
ANSWER_TIMEOUT_S = 10.0


async def converse(provider: FakeTelegram, language: str, lines: TextIO, console: Console) -> None:
    """Say each line, and print what the bot answers; a number on its own taps that button."""
    chat = provider.chat(CHAT_ID, "Nora", language)
    console.print("[dim]Type a message and press Enter; Ctrl+D ends.[/]")
    shown = 0
    while line := await asyncio.to_thread(lines.readline):
        if not line.strip():
            continue
        _answer(provider, chat, line.strip())
        await _answered(provider, chat, shown)
        for message in chat.from_bot[shown:]:
            show(message, console)
        shown = len(chat.from_bot)


def _answer(provider: FakeTelegram, chat: Chat, line: str) -> None:
    buttons = _buttons(chat.from_bot[-1]) if chat.from_bot else []
    if line.isdecimal() and 0 < int(line) <= len(buttons):
        provider.tap(chat, chat.from_bot[-1], buttons[int(line) - 1]["callback_data"])
    else:
        provider.say(chat, line)


def _buttons(message: ChatMessage) -> list[dict[str, str]]:
    return [button for row in message.keyboard for button in row]


def show(message: ChatMessage, console: Console) -> None:
    """One bubble, with its buttons."""
    titles = [button["text"] for button in _buttons(message)]
    offered = "\n".join(f"[bold]{number}[/] {escape(title)}" for number, title in enumerate(titles, 1))
    text = "\n\n".join(filter(None, [escape(message.text), offered]))
    console.print(Panel(text, border_style="green", width=min(64, console.width)))


async def _answered(provider: FakeTelegram, chat: Chat, shown: int) -> None:
    with contextlib.suppress(TimeoutError):
        await provider.until(lambda: len(chat.from_bot) > shown, ANSWER_TIMEOUT_S)
        while True:
            seen = len(chat.from_bot)
            await provider.until(lambda: len(chat.from_bot) > seen, QUIET_S)  # noqa: B023 - awaited here
