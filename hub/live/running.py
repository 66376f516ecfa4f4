"""The process itself: one event loop (uvloop), from its start until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from typing import TYPE_CHECKING

import uvloop

from hub.live.server import Server

if TYPE_CHECKING:
    import ssl

    from hub.live.parts import Parts

logger = logging.getLogger(__name__)


def run(parts: Parts, tls: ssl.SSLContext | None) -> bool:
    """Serve until SIGTERM or SIGINT; False when it could not go on."""
    _allow_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(parts, tls))


async def _serve(parts: Parts, tls: ssl.SSLContext | None) -> bool:
    stopping = asyncio.Event()
    for end in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(end, stopping.set)
    server = Server(parts)
    async with server.serving(tls):
        logger.info("serves streams at %s:%d", parts.settings.host, server.port)
        waiting = {asyncio.create_task(stopping.wait()), asyncio.create_task(server.broken())}
        _, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
    return stopping.is_set()


def _allow_files() -> None:
    """A connection is a file; the usual limit of 1024 is for programs that hold few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
