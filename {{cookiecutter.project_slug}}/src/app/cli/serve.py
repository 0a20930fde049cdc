"""`serve`: the HTTP server."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from ..api.app import create_app
from ..observability.logging import Logs
from ..settings import Settings

SHUTDOWN_GRACE_SECONDS = 20
"""Time for open requests at the end, below the 30 s that Kubernetes waits before it kills."""


class Serve:
    """uvicorn with our logging, and with uvloop and httptools where they are installed."""

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        """Listen on `host` and `port`; None: HOST and PORT."""
        given: dict[str, Any] = {"host": host, "port": port}
        # Read again as settings, so that a port out of range is refused like any other setting.
        self._settings = Settings(**{key: one for key, one in given.items() if one is not None})

    def run(self, *, reload: bool = False) -> int:
        """Serve until a signal ends it; the exit code.

        Raises:
            Misconfigured: The store cannot be opened, a model or an agent cannot be built.
        """
        if reload:
            self._serve_and_watch()
            return 0
        app = create_app(self._settings)
        server = uvicorn.Server(self._config(app))
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(self._serve(app, server))
        return 0

    async def _serve(self, app: FastAPI, server: uvicorn.Server) -> None:
        """Start the service before the server: what it refuses is raised here, without a traceback.

        uvicorn raises a signal again when it has shut down. Its own handler is still there then,
        so that the service is closed as well and the process ends with 0.
        """
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, server.handle_exit) for number in numbers}
        try:
            async with app.router.lifespan_context(app):
                await server.serve()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _config(self, app: FastAPI) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            host=self._settings.host,
            port=self._settings.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        )

    def _serve_and_watch(self) -> None:
        Logs(self._settings).install()  # for the watcher; the server it starts has its own
        uvicorn.run(
            f"{create_app.__module__}:{create_app.__name__}",
            factory=True,
            host=self._settings.host,
            port=self._settings.port,
            reload=True,
            reload_dirs=[str(Path(__file__).parents[1])],
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
