"""A real Prometheus for tests, with the configuration and the rules that a test gives it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.servers import ADDRESS, Server


class Prometheus(Server):
    """Prometheus, which collects nothing until it is given a configuration before its start."""

    program = "prometheus"
    package = "prometheus"

    def __init__(self) -> None:
        super().__init__()
        self.config = "global: {}\n"
        """Text of `prometheus.yml`."""
        self.rules: Mapping[str, str] = {}
        """Texts of the files in `rules/`, by name."""

    @classmethod
    def tool(cls) -> Path:
        """`promtool`, which comes with it; raises Missing."""
        return cls.find().with_name("promtool")

    @property
    def url(self) -> str:
        """Its API."""
        return f"http://{ADDRESS}:{self.port}"

    def prepare(self) -> None:
        """Write what it is configured with."""
        (self.folder / "rules").mkdir()
        for name, text in self.rules.items():
            (self.folder / "rules" / name).write_text(text, encoding="utf-8")
        (self.folder / "prometheus.yml").write_text(self.config, encoding="utf-8")

    def command(self) -> Sequence[str]:
        """`prometheus` on loopback alone."""
        return [
            str(self.binary),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={ADDRESS}:{self.port}",
            "--log.level=warn",
        ]

    def answers(self) -> bool:
        """True when it serves."""
        request = b"GET /-/ready HTTP/1.0\r\n\r\n"
        return b" 200 " in self._talk(request)
