"""The secrets of compose.yaml: made once, by chance, in a folder that git and the image never see."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from .compose import Compose
from .engine import Engine, Failed


class Secrets:
    """The folder `secrets/`: one file a secret."""

    KEYS = "api-keys.jsonl"
    BYTES = 32
    """Of chance in a password: 256 bits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / Compose.SECRETS

    def make(self) -> list[str]:
        """Write those that are missing; their names. What is there stays."""
        # Only its owner may enter the folder. The files in it are readable, since they are mounted
        # one by one for a user of the container that this machine does not know.
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o700)
        made = []
        database, redis = self._text("postgres_password"), self._text("redis_password")
        for name, text in self._wanted(database, redis).items():
            if not (self._folder / name).exists():
                self._write(name, text)
                made.append(name)
        return made

    @classmethod
    def _wanted(cls, database: str, redis: str) -> Mapping[str, str]:
        """The database's address and its password come from the same chance, and so for Redis."""
        return {
            "postgres_password": database,
            # pragma: allowlist nextline secret
            "database_url": f"postgresql://service:{database}@postgres:5432/service",
            "redis_password": redis,
            "redis.conf": f"requirepass {redis}\n",
            "redis_url": f"redis://:{redis}@redis:6379/0",
            "grafana_admin_password": secrets.token_urlsafe(cls.BYTES),
            "llm_api_key": "",
            cls.KEYS: "",
        }

    def _text(self, name: str) -> str:
        """What the file holds; chance where there is none yet."""
        file = self._folder / name
        return (
            file.read_text(encoding="utf-8") if file.exists() else secrets.token_urlsafe(self.BYTES)
        )

    def _write(self, name: str, text: str) -> None:
        file = self._folder / name
        file.write_text(text, encoding="utf-8", newline="\n")
        file.chmod(0o644)

    def add_key(self, engine: Engine, image: str, name: str, scopes: Sequence[str] = ()) -> str:
        """Let the image make an API key for `name`, keep its digest; the key, shown this once.

        Raises:
            Failed: There are no secrets yet, or the name or a scope was refused.
        """
        file = self._keys()
        command = ("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL")
        asked = [word for scope in scopes for word in ("--scope", scope)]
        told = engine.ask(*command, image, "keys", "new", "--name", name, *asked).splitlines()
        key, line = (text.partition(": ")[2] for text in told[-2:])
        with file.open("a", encoding="utf-8", newline="\n") as kept:
            kept.write(f"{line}\n")
        return key

    def revoke(self, key_id: str) -> None:
        """Take the key of this id away.

        Raises:
            Failed: There is none of this id; the ids that there are are named.
        """
        file = self._keys()
        lines = file.read_text(encoding="utf-8").splitlines()
        ids = {line: json.loads(line)["id"] for line in lines if line.startswith("{")}
        if key_id not in ids.values():
            raise Failed(f"there is no key {key_id}, only {', '.join(ids.values()) or 'none'}")
        left = "".join(f"{line}\n" for line in lines if ids.get(line) != key_id)
        file.write_text(left, encoding="utf-8", newline="\n")

    def _keys(self) -> Path:
        """Only ever written in place: a container sees the file that it was started with."""
        file = self._folder / self.KEYS
        if not file.exists():
            raise Failed("there are no secrets yet: run `make secrets` first, once")
        return file
