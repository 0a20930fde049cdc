"""`serve`: the HTTP server."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EADDRINUSE
from math import ceil
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from ..application import Application
from ..errors import ConfigurationError
from ..http.wire import Listener, Protocol
from ..telemetry.logging import Logs
from ..telemetry.metrics import Workers

LAST_WORDS_SECONDS = 3
"""Time for what the end of the grace period makes requests say, before uvicorn cuts them; guess."""

WORKER_SECONDS = 30
"""How long a worker may be silent before it is ended. uvicorn's own 5 s ended workers that were
starting, again and again, on two cores with a load of 10."""

STARTUP_FAILURE = 3
"""Exit code when a worker cannot start; uvicorn's own."""


class _Server(uvicorn.Server):
    """Leaves the signals to `Serve` and to the service, which was started before it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Supervisor(Multiprocess):
    """Drops what workers that are gone told of their state."""

    def __init__(self, config: uvicorn.Config, workers: Workers, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets or [config.bind_socket()])
        self._workers = workers
        self._pids: set[int] = set()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        pids = {process.pid for process in self.processes if process.pid}
        for pid in self._pids - pids:
            self._workers.mark_dead(pid)
        self._pids = pids


class Serve:
    """uvicorn with our logging, and with uvloop and httptools where they are installed."""

    def __init__(self, reload: bool = False, **options: Any) -> None:
        """Serve by the settings, of which `options` go before: `host`, `port`, `workers`; None: as set."""
        self._reload = reload
        self._application = Application.load()
        # Read again as settings, so that a port out of range is refused like any other setting.
        values = {name: value for name, value in options.items() if value is not None}
        self._settings = self._application.settings(**values)

    def run(self) -> int:
        """Serve until a signal ends it; the exit code.

        Raises:
            ConfigurationError: The store cannot be opened, a model or an agent cannot be built.
        """
        self._check_port()
        if self._reload:
            Logs(self._settings).install()  # for the watcher; the server it starts has its own
            folder = str(Path(__file__).parents[2])
            options = self._options(reload_dirs=[folder], timeout_graceful_shutdown=1)
            uvicorn.run(Application.FACTORY, factory=True, reload=True, **options)
            return 0
        if self._settings.workers > 1:
            return self._serve_in_workers()
        app = self._application.create_app(self._settings)
        server = _Server(uvicorn.Config(app, **self._options(lifespan="off")))
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(self._serve(app, server))
        return 0

    def _check_port(self) -> None:
        """Look whether the port is free before anything is started.

        Raises:
            ConfigurationError: It is not, or the address is none of this machine's.
        """
        host, port = self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            problem, remedy = f"HOST={host}: {error.strerror}", "set HOST to an address of this machine"
            if error.errno in (EADDRINUSE, EACCES):
                cause = "is taken by another process" if error.errno == EADDRINUSE else "is not for this user"
                problem, remedy = f"PORT={port} {cause}", "end it, or serve at another one: --port"
            raise ConfigurationError([f"{problem}; {remedy}"]) from None

    async def _serve(self, app: FastAPI, server: uvicorn.Server) -> None:
        """Start the service before the server: what it refuses is raised here, without a traceback.

        The service takes the signals over from the server, so that it is unready before the
        server closes its door.
        """
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, server.handle_exit) for number in numbers}
        try:
            async with app.router.lifespan_context(app):
                await server.serve(self._sockets() or None)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _serve_in_workers(self) -> int:
        """Watch over processes that share one port; one that dies is started again."""
        # Here too, once: what is wrong is told once, and the tables are there before anyone asks.
        app = self._application.create_app(self._settings)
        asyncio.run(self._start_and_end(app))
        options = self._options(workers=self._settings.workers, timeout_worker_healthcheck=WORKER_SECONDS)
        config = uvicorn.Config(Application.FACTORY, factory=True, **options)
        with Workers.counting() as workers:
            supervisor = _Supervisor(config, workers, self._sockets())
            supervisor.run()
        codes = {worker.exitcode for worker in supervisor.processes}
        return STARTUP_FAILURE if STARTUP_FAILURE in codes else 0

    def _sockets(self) -> list[socket.socket]:
        """Those that uvicorn would make otherwise; none: it makes its own."""
        dual = Listener.dual_stack(self._settings.host, self._settings.port)
        return [dual] if dual else []

    @staticmethod
    async def _start_and_end(app: FastAPI) -> None:
        async with app.router.lifespan_context(app):
            pass

    def _options(self, **options: Any) -> dict[str, Any]:
        seconds = ceil(self._settings.shutdown_grace_seconds) + LAST_WORDS_SECONDS
        return {
            "http": Protocol,
            "ws": "none",  # no WebSocket is served: nothing bounds one
            "host": self._settings.host,
            "port": self._settings.port,
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,  # TRUSTED_PROXIES decides, not uvicorn's own list
            "timeout_keep_alive": self._settings.keep_alive_seconds,
            "timeout_graceful_shutdown": seconds,
            **options,
        }
