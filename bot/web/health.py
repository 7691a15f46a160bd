"""Whether the gateway lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

PROBE_TIMEOUT_S = 2


def health_routes(ready: Callable[[], Awaitable[dict[str, str]]]) -> list[web.RouteDef]:
    """`/healthz`: the process answers. `/readyz`: nothing in `ready` is in trouble, else 503 with what."""

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                trouble = await ready()
        except TimeoutError:
            trouble = {"gateway": f"did not answer within {PROBE_TIMEOUT_S} s"}
        if trouble:
            return web.json_response({"status": "not ready", "trouble": trouble}, status=503)
        return web.json_response({"status": "ready"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
