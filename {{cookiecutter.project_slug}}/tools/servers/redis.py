"""Redis for tests and trials."""

from collections.abc import Sequence

from .server import ADDRESS, Server


class Redis(Server):
    """Redis, in memory only."""

    program = "redis-server"
    package = "redis-server"

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://{ADDRESS}:{self.port}/0"

    def command(self) -> Sequence[str]:
        """`redis-server` on loopback alone, which writes nothing down."""
        where = ("--bind", ADDRESS, "--port", str(self.port), "--dir", str(self.folder))
        return [str(self.binary), *where, "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        """True when it answers a ping."""
        return self._talk(b"PING\r\n").startswith(b"+PONG")
