"""What the knowledge agent lets its operator choose."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from harness import Configuration


class KnowledgeSettings(Configuration):
    """Environment variables that start with KNOWLEDGE_."""

    model_config = SettingsConfigDict(env_prefix="KNOWLEDGE_")

    folder: Path = Path("data/knowledge")
    """Folder with the Markdown files, read at the start and kept until a restart."""

    passages: int = Field(default=3, ge=1, le=20)
    """Most passages that one search gives a model; without a model the best one is the answer."""

    min_score: float = Field(default=0.4, ge=0, le=1)
    """Share of a question's telling words, rare ones count more, that a passage must hold."""

    database: str = Field(default="csv:///data/knowledge", repr=False)
    """Where the table `products` (`name_en`, `name_es`, `price`) lies: `csv:///folder` with
    `products.csv`, `sqlite:///file`, or `postgresql://user@host/name` (the password behind the user
    and a colon) of a role that can read this one table."""

    def secrets(self) -> Iterator[SecretStr]:
        """The password inside KNOWLEDGE_DATABASE."""
        if password := urlsplit(self.database).password:
            yield SecretStr(password)
            yield SecretStr(unquote(password))
