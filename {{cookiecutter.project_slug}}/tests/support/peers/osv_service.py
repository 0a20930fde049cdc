"""A vulnerability service that speaks OSV's protocol on 127.0.0.1: `python -m tests.peers.osv_service` prints its address."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Known = Mapping[tuple[str, str], Sequence[str]]

KNOWN: Known = {("pyyaml", "5.3"): ["GHSA-6757-jp84-gxfx"]}
"""Package and version -> the ids of its advisories: what the scan asks first, to see that we know."""


class OsvService:
    """Answers `POST /v1/query` with what it knows, and keeps what it was asked."""

    def __init__(self, known: Known = KNOWN) -> None:
        self._known = known
        self.asked: list[tuple[str, str]] = []

    def answer(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document for one package and version; an empty one when nothing is known."""
        asked = (query["package"]["name"], query["version"])
        self.asked.append(asked)
        found = [self._advisory(it, asked[0]) for it in self._known.get(asked, ())]
        return {"vulns": found} if found else {}

    @staticmethod
    def _advisory(name: str, package: str) -> Mapping[str, Any]:
        events = [{"introduced": "0"}, {"fixed": "9.9.9"}]
        affected = {
            "package": {"name": package, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
        return {"id": name, "aliases": [f"CVE-of-{name}"], "summary": "planted", "affected": [affected]}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address while entered."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.dumps(service.answer(json.loads(self.rfile.read(length)))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/v1/query"
            finally:
                server.shutdown()


def main() -> None:
    """Serve until the standard input ends."""
    with OsvService().serving() as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
