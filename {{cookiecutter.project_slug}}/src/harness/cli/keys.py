"""`keys`: makes API keys, and lists and revokes those in API_KEYS_FILE."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from ..auth.api_key import ApiKey, KeyFile, NewKey
from ..auth.principal import Principal, Scope
from ..errors import ConfigurationError, InputRefused
from ..settings import Settings

SCOPES: Final = (Scope.CHAT, Scope.THREADS)
"""What a key may do when nothing is said."""


class _KeysFile(KeyFile):
    """API_KEYS_FILE. A running service sees a change at its next request."""

    def __init__(self) -> None:
        path = Settings().api_keys_file
        if path is None:
            raise ConfigurationError(["API_KEYS_FILE: name the file first"])
        super().__init__(path)

    def read(self) -> Mapping[str, ApiKey]:
        try:
            return super().read()
        except ValueError as error:
            raise ConfigurationError([f"API_KEYS_FILE: {error}"]) from None

    def text(self) -> str:
        return self.path.read_text(encoding="utf-8") if self.path.exists() else ""

    def write(self, text: str) -> None:
        """In one step, so that no service reads half a file; for this user alone."""
        path = self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, encoding="utf-8", newline="\n", delete=False
            ) as file:
                file.write(text)
            whole = Path(file.name)
            if path.exists():
                whole.chmod(path.stat().st_mode)  # a service of another user may read it
            whole.replace(path)
        except OSError as error:
            problem = f"cannot be written ({error.strerror})"
            remedy = "where it is mounted, change its source"
            raise ConfigurationError([f"API_KEYS_FILE: {problem}; {remedy}"]) from None


@dataclass(frozen=True)
class MakeKey:
    """A new key and its line for the file."""

    name: str
    scope: Sequence[str] | None = None
    days: int | None = None
    append: bool = False

    def run(self) -> None:
        """Print it, this once.

        Raises:
            InputRefused: The name or the time makes no sense.
            ConfigurationError: The line is to be added, and the file cannot be written.
        """
        if self.days is not None and self.days <= 0:
            raise InputRefused("--days", "must be above 0")
        now = datetime.now(UTC).replace(microsecond=0)
        try:
            expires = None if self.days is None else now + timedelta(days=self.days)
            key = NewKey.make(self.name, [*map(Scope, self.scope or SCOPES)], expires)
        except ValidationError:
            raise InputRefused("--name", "1 to 64 letters, digits and ._@-") from None
        except OverflowError:
            raise InputRefused("--days", "is beyond the calendar") from None
        if self.append:
            file = _KeysFile()
            file.write(f"{file.text().rstrip()}\n{key.record.line}\n".lstrip())
        print(f"Key, shown this once: {key.text}")
        print(f"Line for API_KEYS_FILE: {key.record.line}")


class ListKeys:
    """The keys in the file, without anything that lets somebody in."""

    def run(self) -> None:
        """Print the table."""
        table = Table("Id", "Name", "In the log", "Scopes", "Expires")
        for key in _KeysFile().read().values():
            name = Principal.from_key(key.name, key.scopes).log_id
            table.add_row(key.id, key.name, name, ",".join(sorted(key.scopes)), self._expiry(key))
        Console(markup=False, highlight=False).print(table)

    @staticmethod
    def _expiry(key: ApiKey) -> str:
        if key.expires is None:
            return "never"
        expiry = key.expires.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        return expiry if key.expires > datetime.now(UTC) else f"{expiry} (over)"


@dataclass(frozen=True)
class RevokeKey:
    """Takes a key out of the file."""

    id: str

    def run(self) -> None:
        """Write the file without it.

        Raises:
            InputRefused: There is no key of this id.
        """
        file = _KeysFile()
        if self.id not in file.read():
            raise InputRefused("id", "no key of this id is in API_KEYS_FILE")
        is_note = re.compile(r"\s*$|#").match
        lines = file.text().splitlines()
        left = [it for it in lines if is_note(it) or ApiKey.model_validate_json(it).id != self.id]
        file.write("".join(f"{line}\n" for line in left))
        print(f"{self.id} revoked")
