"""`zuruf check`: what is wrong with an installation, and the cure."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.clock import Clock
from bot.database import open_database
from bot.memory import DatabaseMemory
from bot.quarantine import kept
from bot.tables import ContentRow, table
from channels.channel import ChannelPorts
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import Template
from channels.registry import CHANNEL_KINDS
from zuruf.settings import Settings
from zuruf.trouble import os_trouble

MOST_DRIFT_S = 30  # signatures, windows and schedules go wrong beyond it
PROBE_TIMEOUT_S = 15
UNREACHABLE = (SendErrorKind.RETRY_FEW, SendErrorKind.RETRY_UNKNOWN)
REACH_IT = "can this machine reach the provider? DNS, proxies, firewalls, api_url"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `cure` is empty where all is well."""

    what: str
    says: str
    cure: str = ""


async def check_everything(settings: Settings) -> list[Finding]:
    """Every check, none of which changes anything but the database's schema."""
    findings = [Finding("configuration", "every key is understood")]
    findings += [Finding(f"setting {key}", "set, but not used by this version") for key in settings.unused()]
    findings += [
        Finding(f"setting {key}", "still the example's", "say who you are: it is shown to suppliers")
        for key in settings.still_examples()
    ]
    findings.append(await _guarded("media folder", lambda: _check_media(settings)))
    findings.append(await _guarded("database", lambda: _check_database(settings)))
    async with make_session() as http:
        for name in settings.channels:
            findings += await _check_channel(settings, name, http)
    if not settings.channels:
        findings.append(Finding("channels", "none is configured", "add a [channels.NAME] table"))
    return findings


def show(findings: list[Finding]) -> bool:
    """Print the findings; whether all is well."""
    grid = Table("", box=None, pad_edge=False)
    for heading in ("What", "Says", "What to do"):
        grid.add_column(heading, overflow="fold")  # an address that ends in dots helps nobody
    for finding in findings:
        mark = Text("✗", "red") if finding.cure else Text("✓", "green")
        grid.add_row(mark, *map(Text, (finding.what, finding.says, finding.cure)))
    Console().print(grid)
    return not any(finding.cure for finding in findings)


async def _guarded(what: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await look()
    except Exception as error:
        reason = os_trouble(error) if isinstance(error, OSError) else type(error).__name__
        reason = str(error) if type(error).__module__.startswith("bot.") else reason
        return Finding(what, reason, f"is [storage] {what.split()[0]} right, reachable and writable?")


async def _check_media(settings: Settings) -> Finding:
    folder = Path(settings.storage.media)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    probe = folder / ".write-probe"
    await asyncio.to_thread(probe.write_bytes, b"")
    await asyncio.to_thread(probe.unlink)
    return Finding("media folder", f"{folder} can be written")


async def _check_database(settings: Settings) -> Finding:
    database = open_database(settings.storage.database)
    try:
        await database.upgrade()
        items = await database.read(
            lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(table(ContentRow)))
        )
        unread = len(await database.read(kept))
    finally:
        await database.close()
    if unread:
        return Finding("database", f"{unread} requests in quarantine", "look: zuruf quarantine list")
    if not items:
        cure = "import some: zuruf content import FOLDER"
        return Finding("database", f"{database.dialect}, schema up to date, no content yet", cure)
    return Finding("database", f"{database.dialect}, schema up to date, {items} items of content")


async def _check_channel(settings: Settings, name: str, http: aiohttp.ClientSession) -> list[Finding]:
    config, what = settings.channels[name], f"channel {name}"
    database = open_database(settings.storage.database)
    url = f"{settings.server.public_url}/webhooks/{name}"
    ports = ChannelPorts(name, http, DatabaseMemory(database, name, Clock()), url)
    channel = CHANNEL_KINDS[config.kind](config, ports)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            says, warning = await channel.check(), await channel.account_warning()
            templates = await channel.templates()
    except SendError as error:
        if error.kind in UNREACHABLE:
            return [Finding(what, f"the provider cannot be reached: {error.code}", REACH_IT)]
        cure = "compare the channel's secrets and api_url with what the provider shows"
        return [Finding(what, f"the provider refuses: {error}", cure)]
    except TimeoutError:
        return [Finding(what, f"no answer within {PROBE_TIMEOUT_S} s", REACH_IT)]
    finally:
        await database.close()
    findings = [Finding(what, says), await _check_clock(http, getattr(config, "api_url", ""), what)]
    if warning:
        findings.append(Finding(what, warning, "see to it before the provider stops the account"))
    if channel.capabilities.templates:
        findings.append(Finding(what, _named(templates)))
    if not channel.polls and not url.startswith("https://"):
        cure = "providers call https only: set server.public_url to the address your proxy serves"
        findings.append(Finding(what, f"its webhook would be {url}", cure))
    return findings


def _named(templates: Sequence[Template]) -> str:
    if not templates:
        return "no approved templates: nothing can be sent outside the reply window"
    told = (
        f"{template.name} ({', '.join(filter(None, [template.language, template.category]))},"
        f" {_counted(len(template.variables))})"
        for template in templates
    )
    return "approved templates: " + ", ".join(told)


def _counted(variables: int) -> str:
    return "1 variable" if variables == 1 else f"{variables} variables"


async def _check_clock(http: aiohttp.ClientSession, api_url: str, what: str) -> Finding:
    try:
        async with http.get(api_url, timeout=aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)) as answer:
            theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return Finding("clock", f"{what} tells no time to compare with")
    drift_s = abs(theirs - time.time())
    if drift_s > MOST_DRIFT_S:
        return Finding("clock", f"{drift_s:.0f} s away from the provider's", "switch on time synchronisation")
    return Finding("clock", "agrees with the provider's")
