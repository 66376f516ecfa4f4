"""The least that a stream process can be: aiohttp on uvloop, what is posted goes to everybody, nobody is asked."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

listeners: list[web.StreamResponse] = []


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"event: begin\ndata:\n\n")
    listeners.append(response)
    await asyncio.Event().wait()
    return response


async def _publish(request: web.Request) -> web.Response:
    block = b"data: " + await request.read() + b"\n\n"
    for number, response in enumerate(listeners):
        await response.write(block)
        if number % 500 == 499:
            await asyncio.sleep(0)
    return web.Response(status=201)


async def _serve(port: int) -> None:
    app = web.Application()
    app.router.add_get("/sse", _stream)
    app.router.add_post("/pub", _publish)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
