"""A server on loopback that takes whatever traces are sent to it, and keeps it."""

import gzip
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

import orjson


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, JSON."""
        return orjson.loads(self.body)


class Collector(AbstractContextManager["Collector"]):
    """Answers what is sent with `status`, and questions as a LangSmith does."""

    SESSION = "00000000-0000-4000-8000-000000000001"
    """The project of every run, as LangSmith calls it."""

    ANSWERS: ClassVar[dict[str, Any]] = {
        "/info": {
            "version": "0.1.0",
            "batch_ingest_config": {
                "use_multipart_endpoint": False,  # JSON instead
                "size_limit": 100,
                "size_limit_bytes": 1_000_000,
                "scale_up_qsize_trigger": 1000,
                "scale_up_nthreads_limit": 16,
                "scale_down_nempty_trigger": 4,
            },
        },
        "/sessions": [
            {
                "id": SESSION,
                "tenant_id": SESSION,
                "start_time": "2026-01-01T00:00:00",
                "name": "it",
                "reference_dataset_id": None,
            }
        ],
    }

    def __init__(self, status: int = 200) -> None:
        self.sent: list[Sent] = []
        self.status = status
        collector = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps requests."""

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                self._answer(orjson.dumps(Collector.ANSWERS.get(path, {})))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.sent.append(Sent(self.path, headers, body))
                self._answer(b"{}", collector.status)

            def _answer(self, body: bytes, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def to(self, path: str) -> list[Sent]:
        """What was sent to one path."""
        return [it for it in self.sent if it.path == path]
