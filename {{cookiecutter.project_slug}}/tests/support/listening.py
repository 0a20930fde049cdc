"""An application on a real socket, in the process of its test: for clients that bring their own HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

PATIENCE_SECONDS = 30


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address of `app`, which starts and ends with the block."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    serving = asyncio.create_task(server._serve())  # without its handlers of signals
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.started and not serving.done():  # noqa: ASYNC110  # it tells it by this flag alone
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
