"""The one file that knows every room: puts a gateway together, starts it in order, stops it in reverse."""

import errno
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from aiohttp import web

import broadcasts.feature
import faq.feature
import handoff.feature
from bot.clock import Clock
from bot.content import Organisation, default_texts
from bot.content_rules import ContentRules
from bot.content_store import ContentStore
from bot.core import core
from bot.database import Database, SqliteDatabase, open_database
from bot.feature import Feature, build_dialog
from bot.gateway import Gateway
from bot.lock import lock_beside
from bot.memory import DatabaseMemory
from bot.web.health import Readiness, health_routes
from bot.web.media_door import MediaDoor
from bot.web.shell import LOOPBACK_HOSTS, pages_app
from bot.web.webhooks import MOST_BODY_BYTES, WebhookDoor
from channels.channel import Channel, ChannelPorts
from channels.http import make_session
from channels.registry import CHANNEL_KINDS
from handoff.hours import OpeningHours
from zuruf.settings import Listen, Settings, hash_key
from zuruf.settings_errors import ConfigurationError, Problem
from zuruf.trouble import os_trouble

log = structlog.get_logger(__name__)

BACKLOG = 1024  # a provider that catches up opens its connections all at once
STOP_S = 5.0  # for each part but the senders, which have their own deadline
LINGER_S = 1.0  # how long the rest of a refused body is still listened to
IDLE_CONNECTION_S = 75.0  # longer than proxies keep theirs, so that they never use one we have just closed


def features(settings: Settings) -> list[Feature]:
    """Every room's registration, the hall's own first."""
    hours = OpeningHours.parse(settings.handoff.hours)
    people = handoff.feature.feature(hours, ZoneInfo(settings.organisation.timezone))
    answers = faq.feature.feature(settings.faq.answer_precision, people.targets["agent"])
    return [core(), people, answers, broadcasts.feature.feature()]


def organisation(settings: Settings) -> Organisation:
    """Who speaks, for the standard texts."""
    given = settings.organisation
    return Organisation(given.name, given.privacy_url, tuple(given.languages))


class App:
    """A gateway with its doors, from `start` to `stop`."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        console_routes: Sequence[web.AbstractRouteDef] = (),
        templates: Sequence[Path] = (),
    ) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        self.features = features(settings)
        self.database: Database = open_database(settings.storage.database)
        self.rules = content_rules(settings, self.features)
        self.content = ContentStore(self.database, self.rules, self.clock)
        for feature in self.features:
            if feature.on_content:
                self.content.on_change(feature.on_content)
        self.gateway: Gateway
        self.media_door: MediaDoor
        self.server: web.Application
        self.console: web.Application
        self._console_routes = console_routes
        self._templates = templates
        self._opened = AsyncExitStack()
        self.server_port = settings.server.listen.port
        self.console_port = settings.console.listen.port

    async def start(self) -> None:
        """Open the database, load the content, begin to send, and only then open the doors."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the doors, let open sends end, commit what has arrived."""
        await self._opened.aclose()

    async def assemble(self) -> Gateway:
        """Open the database and put the gateway together, without sending or listening; for commands."""
        self._opened.push_async_callback(self.database.close)
        await self.database.upgrade()
        await self.content.load()
        session = await self._opened.enter_async_context(make_session())
        key, media_folder = hash_key(self.settings), Path(self.settings.storage.media)
        self.media_door = MediaDoor(key, self.settings.server.public_url, media_folder)
        self.gateway = Gateway(
            self.database,
            {name: self._channel(name, session) for name in self.settings.channels},
            build_dialog(self.features),
            lambda: self.content.current,
            self.clock,
            key,
            media_folder,
        )
        return self.gateway

    async def _start(self) -> None:
        if isinstance(self.database, SqliteDatabase):
            self._opened.enter_context(lock_beside(self.database.path))
        _make_writable(Path(self.settings.storage.media))
        await self.assemble()
        self._opened.push_async_callback(self.gateway.stop)
        self.gateway.keep_running("content", self.content.follow)
        for feature in self.features:
            for number, job in enumerate(feature.jobs):
                self.gateway.keep_running(f"{feature.name} {number}", job)
        await self._open_doors()
        await self.gateway.start()
        log.info("gateway.started", channels=sorted(self.settings.channels), dialect=self.database.dialect)

    def _channel(self, name: str, session: aiohttp.ClientSession) -> Channel:
        config = self.settings.channels[name]
        ports = ChannelPorts(
            name=name,
            http=session,
            memory=DatabaseMemory(self.database, name, self.clock),
            webhook_url=f"{self.settings.server.public_url}/webhooks/{name}",
            media_url=self.media_door.url,
            now_ms=self.clock.now_ms,
        )
        return CHANNEL_KINDS[config.kind](config, ports)

    async def _open_doors(self) -> None:
        self.server = server = web.Application(client_max_size=MOST_BODY_BYTES)
        door = WebhookDoor(self.gateway.channels, self.gateway.inbox.accept)
        server.add_routes(
            [*door.routes, *self.media_door.routes, *health_routes(self._readiness, in_full=False)]
        )
        own_name = urlsplit(self.settings.console.public_url).hostname or ""
        self.console = console = pages_app({own_name, *LOOPBACK_HOSTS}, self._templates)
        console.add_routes(health_routes(self._readiness))
        console.add_routes(self._console_routes)
        for feature in self.features:
            console.add_routes(feature.console_routes)
        console.add_routes([web.get("/", _front)])
        self.server_port = await self._open_door(server, "server", self.settings.server.listen)
        self.console_port = await self._open_door(console, "console", self.settings.console.listen)

    async def _open_door(self, application: web.Application, name: str, listen: Listen) -> int:
        runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=STOP_S,
            lingering_time=LINGER_S,
            keepalive_timeout=IDLE_CONNECTION_S,
        )
        await runner.setup()
        self._opened.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, listen.host, listen.port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            message = f"{listen} cannot be opened: {os_trouble(error)}; does another program have it?"
            raise ConfigurationError([Problem(f"{name}.listen", None, "", message)]) from None
        return int(runner.addresses[0][1])

    async def _readiness(self) -> Readiness:
        try:
            await self.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        except Exception as error:
            return Readiness({"database": type(error).__name__})
        return Readiness(partial=dict(self.gateway.troubles))


def _make_writable(folder: Path) -> None:
    """Have the folder, or know at the start rather than with the first photo that there will be none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "cannot be written", str(folder))


async def _front(request: web.Request) -> web.Response:
    told = "Zuruf is running. This version has no console for your team yet; /readyz says how things are."
    return web.Response(text=told)


def content_rules(settings: Settings, rooms: Sequence[Feature]) -> ContentRules:
    """What content may be and has to keep to, by all features."""
    return ContentRules(
        [kind for room in rooms for kind in room.content],
        organisation(settings),
        default_texts(*(room.name for room in rooms)),
        frozenset(target for room in rooms for target in room.targets),
    )
