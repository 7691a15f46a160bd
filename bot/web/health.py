"""Whether the gateway lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

PROBE_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stops all work, and what stops only a part: one channel's trouble is not the others'."""

    blocking: Mapping[str, str] = field(default_factory=dict)
    partial: Mapping[str, str] = field(default_factory=dict)


def health_routes(
    readiness: Callable[[], Awaitable[Readiness]], *, in_full: bool = True
) -> list[web.RouteDef]:
    """`/healthz`: the process answers. `/readyz`: it can work, else 503; either way with what is wrong.

    Not `in_full`: only what it is about. What is left at a provider is nothing for the internet.
    """

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                found = await readiness()
        except TimeoutError:
            found = Readiness({"gateway": f"did not answer within {PROBE_TIMEOUT_S} s"})
        told = {"status": "not ready" if found.blocking else "ready"}
        trouble = {**found.blocking, **found.partial}
        shown = trouble if in_full else sorted(trouble)
        body = {**told, "trouble": shown} if trouble else told
        return web.json_response(body, status=503 if found.blocking else 200)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
