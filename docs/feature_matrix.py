"""Writes the table of what each messenger can do, from its adapter: `python docs/feature_matrix.py`."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from channels.channel import Channel, ChannelPorts
from channels.http import make_session
from channels.message import Capabilities
from channels.registry import CHANNEL_KINDS

PAGE = Path(__file__).parent / "channels" / "README.md"
BEGIN, END = "<!-- made by docs/feature_matrix.py -->\n", "<!-- end -->\n"
CONFIGURED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Telegram": ("telegram", {"token": "1:a", "webhook_secret": "s"}),
    "WhatsApp (Twilio)": (
        "twilio-whatsapp",
        {"account_sid": f"AC{0:032x}", "auth_token": "0" * 32, "sender": "whatsapp:+12025550100"},
    ),
    "Threema, end-to-end": (
        "threema",
        {"gateway_id": "*MUSTER1", "secret": "0" * 16, "private_key": "01" * 32},
    ),
    "Threema, basic": ("threema", {"gateway_id": "*MUSTER1", "secret": "0" * 16}),
}
UNITS = {"characters": "characters", "utf16": "UTF-16 units", "utf8": "bytes"}
SAID = ("text", "image", "video", "voice", "audio", "document", "sticker", "location", "contact")
CHANGED = ("choice", "reply", "edit", "delete", "reaction", "block")


def matrix() -> str:
    """The table, as Markdown."""
    columns = {name: capabilities(kind, config) for name, (kind, config) in CONFIGURED.items()}
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for feature, shown in ROWS.items():
        lines.append(f"| {feature} | {' | '.join(shown(each) for each in columns.values())} |")
    return "\n".join(lines) + "\n"


def capabilities(kind: str, config: Mapping[str, Any]) -> Capabilities:
    """What a channel that is configured like this can do."""

    async def ask() -> Capabilities:
        adapter: type[Channel] = CHANNEL_KINDS[kind]
        async with make_session() as http:
            ports = ChannelPorts("example", http, _NoMemory(), "https://bot.example.org/webhooks/example")
            return adapter(adapter.Config.model_validate({"kind": kind, **config}), ports).capabilities

    return asyncio.run(ask())


class _NoMemory:
    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str, *, ttl_s: float | None = None) -> None:
        return None


def _yes(value: object) -> str:
    return "yes" if value else "–"


def _text(can: Capabilities) -> str:
    return f"{can.text_limit} {UNITS[can.text_unit]}"


def _choices(can: Capabilities) -> str:
    if not can.buttons and not can.list_rows:
        return "numbered text"
    buttons = f"{can.buttons} buttons of {can.button_title_limit} characters"
    return f"{buttons}, list of {can.list_rows}" if can.list_rows else buttons


def _received(*kinds: str) -> Callable[[Capabilities], str]:
    return lambda can: ", ".join(kind for kind in kinds if kind in can.receives) or "–"


def _sent(can: Capabilities) -> str:
    sizes = (f"{kind} {size // (1024 * 1024)} MB" for kind, size in can.media_out_bytes.items())
    return ", ".join(sizes) or "–"


def _reports(can: Capabilities) -> str:
    return "delivered, read" if can.read_reports else "delivered" if can.delivery_reports else "–"


ROWS: Mapping[str, Callable[[Capabilities], str]] = {
    "text, a message": _text,
    "caption": lambda can: str(can.caption_limit or "–"),
    "*bold*, _italic_": lambda can: _yes(can.formatting),
    "choices": _choices,
    "receives": _received(*SAID),
    "understands": _received(*CHANGED),
    "sends files": _sent,
    "reports": _reports,
    "settles unclear sends": lambda can: (
        "by report and list" if can.looks_up else "by report" if can.reports_name_ours else "–"
    ),
    "reply window": lambda can: f"{can.window_h} h" if can.window_h else "always open",
    "templates": lambda can: _yes(can.templates),
    "tells the language": lambda can: _yes(can.language_known),
    "usual rate": lambda can: f"{can.rate.per_s + can.rate.burst:.0f} a second",
    "costs per message": lambda can: _yes(can.costs),
}


def written(page: str) -> str:
    """`page` with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{matrix()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
