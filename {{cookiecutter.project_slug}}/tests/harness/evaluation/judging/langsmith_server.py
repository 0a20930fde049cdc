"""A LangSmith on loopback that keeps datasets, examples, experiments, runs and scores, and every byte that it was sent."""

import re
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import orjson

NOW: Final = "2026-01-01T00:00:00+00:00"
TENANT: Final = "00000000-0000-4000-8000-000000000001"
INFO: Final = {
    "version": "0.13.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
    },
    "instance_flags": {"dataset_examples_multipart_enabled": True, "zstd_compression_enabled": False},
}
PART: Final = re.compile(rb'name="([^"]+)"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)


class LangSmithServer(AbstractContextManager["LangSmithServer"]):
    """Answers what the library asks when it brings a dataset and an experiment."""

    def __init__(self) -> None:
        self.datasets: dict[str, dict[str, Any]] = {}
        self.examples: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.scores: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.refused = ""
        """The kind of request that gets a 500."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Reads a request whole."""

            protocol_version = "HTTP/1.1"

            def _go(self) -> None:
                body = self._chunks() if self.headers.get("transfer-encoding") == "chunked" else self._sized()
                server.bodies.append(body)
                url = urlsplit(self.path)
                asked = {key: values[0] for key, values in parse_qs(url.query).items()}
                given = orjson.loads(body) if body[:1] in (b"{", b"[") else body
                status, answer = server.answer(self.command, url.path.rstrip("/"), asked, given)
                data = orjson.dumps(answer)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _sized(self) -> bytes:
                return self.rfile.read(int(self.headers.get("content-length") or 0))

            def _chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

            do_GET = do_POST = do_PATCH = _go  # noqa: N815  # the names of the base

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

    def answer(self, method: str, path: str, asked: Mapping[str, str], given: Any) -> tuple[int, Any]:
        """Status and document."""
        kind = path.rsplit("/", maxsplit=1)[-1]
        if method != "GET" and kind == self.refused:
            return 500, {"detail": "planted"}
        if method == "PATCH" and "/sessions/" in path:
            self.sessions[kind].update(given)
            return 200, self.sessions[kind]
        return self._found(kind, asked) if method == "GET" else self._taken(kind, path, given)

    def _found(self, kind: str, asked: Mapping[str, str]) -> tuple[int, Any]:
        if kind == "examples":
            of_dataset = [it for it in self.examples.values() if it["dataset_id"] == asked["dataset"]]
            return 200, of_dataset if asked.get("offset", "0") == "0" else []
        kept = {"datasets": self.datasets, "sessions": self.sessions}.get(kind)
        if kept is None:
            return 200, INFO
        return 200, [it for it in kept.values() if asked.get("name") in (None, it["name"])]

    def _taken(self, kind: str, path: str, given: Any) -> tuple[int, Any]:
        match kind:
            case "datasets":
                fixed = {"data_type": "kv", "example_count": 0, "session_count": 0}
                return 200, self._new(self.datasets, {**fixed, **given})
            case "sessions":
                return 200, self._new(self.sessions, {"start_time": NOW, **given})
            case "examples":
                return 201, self._take_examples(path.split("/")[-2], given)
            case "multipart":
                self._take_runs(given)
            case "feedback":
                self.scores.append(given)
        return 202, {}

    @staticmethod
    def _new(kept: dict[str, dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        made = {"id": str(uuid4()), "tenant_id": TENANT, "created_at": NOW, "modified_at": NOW, **given}
        return kept.setdefault(made["id"], made)

    def _take_examples(self, dataset: str, body: bytes) -> dict[str, Any]:
        named = []
        for name, value in PART.findall(body):
            example, _, field = name.decode().partition(".")
            kept = self.examples.setdefault(example, {"id": example, "dataset_id": dataset, "created_at": NOW})
            if field:
                kept[field] = orjson.loads(value)
            else:
                kept.update(orjson.loads(value), dataset_id=dataset)
                named.append(example)
        return {"count": len(named), "example_ids": named}

    def _take_runs(self, body: bytes) -> None:
        for name, value in PART.findall(body):
            kind, run, *field = name.decode().split(".")
            document = orjson.loads(value)
            if kind == "feedback":
                self.scores.append(document)
            elif field:
                self.runs.setdefault(run, {})[field[0]] = document
            else:
                self.runs.setdefault(run, {}).update(document)
