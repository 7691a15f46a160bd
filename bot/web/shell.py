"""What every page rests on: the application, who may call it, its headers, templates and assets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp_jinja2
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import FileSystemLoader, StrictUndefined

ASSETS = Path(__file__).parent / "assets"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
HEARTBEAT_S = 15  # proxies and browsers give up on a stream that says nothing for long
MOST_UPLOAD_BYTES = 20 * 1024 * 1024
HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
        " connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_OPEN_STREAMS: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("open event streams")


def pages_app(hosts: Collection[str], template_folders: Iterable[Path] = ()) -> web.Application:
    """An application for people's browsers that answers to `hosts` (names without ports) alone."""
    app = web.Application(
        middlewares=[host_guard(hosts), same_origin_guard], client_max_size=MOST_UPLOAD_BYTES
    )
    app.on_response_prepare.append(_add_headers)
    app[_OPEN_STREAMS] = set()
    app.on_shutdown.append(_end_streams)
    loader = FileSystemLoader(list(template_folders))
    environment = aiohttp_jinja2.setup(app, loader=loader, undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    app.router.add_static("/assets", ASSETS)
    return app


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    # As a signal, not as middleware: it reaches refusals, crashes and streams as well.
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def host_guard(hosts: Collection[str]) -> Middleware:
    """Refuse requests for other host names: a stranger's name may point at us (DNS rebinding)."""
    known = frozenset(host.lower() for host in hosts)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            host = urlsplit(f"//{request.host}").hostname
        except ValueError:
            host = None
        if host not in known:
            raise web.HTTPMisdirectedRequest(text="Zuruf does not answer to this host name.")
        return await handler(request)

    return guard


@web.middleware
async def same_origin_guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes that a browser sends on behalf of somebody else's page.

    Browsers tell the origin with every POST; programs that are no browsers tell none and bring their
    own credentials.
    """
    if request.method not in HARMLESS_METHODS and not _is_same_origin(request):
        raise web.HTTPForbidden(text="Zuruf takes changes from its own pages only.")
    return await handler(request)


def _is_same_origin(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.host.lower()


class EventStream:
    """Server-sent events to one page."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def send(self, event: str, data: object) -> None:
        """Send one event; raises `ConnectionError` when the page is gone."""
        line = msgspec.json.encode(data)
        await self.response.write(b"event: " + event.encode() + b"\ndata: " + line + b"\n\n")


@contextlib.asynccontextmanager
async def event_stream(request: web.Request) -> AsyncIterator[EventStream]:
    """A stream of events to a page that ends when the page goes or the application stops."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (a handler always runs in a task)
    streams = request.app[_OPEN_STREAMS]
    streams.add(task)
    heart = asyncio.create_task(_beat(response))
    try:
        yield EventStream(response)
    except ConnectionError:
        pass  # the page is gone: that is how streams end
    finally:
        heart.cancel()
        streams.discard(task)


async def _beat(response: web.StreamResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await response.write(b": still here\n\n")


async def _end_streams(app: web.Application) -> None:
    for task in app[_OPEN_STREAMS]:
        task.cancel()
