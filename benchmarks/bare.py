"""The least that an aiohttp server can do with a webhook: read it and say 200. The yardstick."""

import sys

import uvloop
from aiohttp import web


async def receive(request: web.Request) -> web.Response:
    """Read the body and answer."""
    await request.read()
    return web.Response()


def main() -> None:
    """Serve on the port given as the one argument."""
    application = web.Application()
    application.add_routes([web.post("/{path:.*}", receive), web.get("/healthz", receive)])
    web.run_app(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
