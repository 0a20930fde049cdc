"""Asks the service that was started what it is."""

import http.client
import json
import time
from typing import Final

from .engine import Failed


class Answer:
    """`/version` of a service on a port of this machine."""

    PATIENCE_SECONDS: Final = 120.0
    """Longest start, seconds: images are on the machine, a start takes about three."""

    HOST: Final = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self._port = port

    def wait_for(self, version: str) -> str:
        """Wait until this version answers; its commit.

        Raises:
            Failed: It does not; another one may.
        """
        last = time.monotonic() + self.PATIENCE_SECONDS
        told: dict[str, str] = {}
        while time.monotonic() < last:
            told = self._ask()
            if told.get("version") == version:
                return told.get("commit", "unknown")
            time.sleep(0.2)
        found = f"version {told['version']} does" if told else "nothing does"
        raise Failed(f"version {version} does not answer on port {self._port}, {found}")

    def _ask(self) -> dict[str, str]:
        connection = http.client.HTTPConnection(self.HOST, self._port, timeout=2)
        try:
            connection.request("GET", "/version")
            reply = connection.getresponse()
            return dict(json.loads(reply.read())) if reply.status == 200 else {}
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
