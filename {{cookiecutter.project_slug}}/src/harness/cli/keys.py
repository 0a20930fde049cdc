"""`keys`: makes API keys, and lists and revokes those in API_KEYS_FILE."""

import tempfile
from collections.abc import Sequence
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


class Keys:
    """The keys of this service. A running one sees a change at its next request."""

    def new(
        self, name: str, scopes: Sequence[str] | None, days: int | None, *, append: bool = False
    ) -> int:
        """Print a new key and its line for the file; the exit code.

        Raises:
            InputRefused: The name or the time makes no sense.
            ConfigurationError: The line is to be added, and the file cannot be written.
        """
        if days is not None and days <= 0:
            raise InputRefused("--days", "must be above 0")
        try:
            expires = None if days is None else self._now() + timedelta(days=days)
            key = NewKey.make(name, [*map(Scope, scopes or SCOPES)], expires)
        except ValidationError:
            raise InputRefused("--name", "1 to 64 letters, digits and ._@-") from None
        except OverflowError:
            raise InputRefused("--days", "is beyond the calendar") from None
        if append:
            file = self._file()
            before = file.path.read_text(encoding="utf-8") if file.path.exists() else ""
            self._write(file.path, f"{before.rstrip()}\n{key.record.line}\n".lstrip())
        print(f"Key, shown this once: {key.text}")
        print(f"Line for API_KEYS_FILE: {key.record.line}")
        return 0

    def list(self) -> int:
        """Print the keys in the file, without anything that opens a door; the exit code."""
        table = Table("Id", "Name", "In the log", "Scopes", "Expires")
        for key in self._read(self._file()).values():
            name = Principal.from_key(key.name, key.scopes).log_id
            table.add_row(key.id, key.name, name, ",".join(sorted(key.scopes)), self._expiry(key))
        Console(markup=False, highlight=False).print(table)
        return 0

    def revoke(self, key_id: str) -> int:
        """Take a key out of the file; the exit code.

        Raises:
            InputRefused: There is no key of this id.
        """
        file = self._file()
        if key_id not in self._read(file):
            raise InputRefused("id", "no key of this id is in API_KEYS_FILE")
        lines = file.path.read_text(encoding="utf-8").splitlines()
        left = [line for line in lines if not self._is_of(line, key_id)]
        self._write(file.path, "".join(f"{line}\n" for line in left))
        print(f"{key_id} revoked")
        return 0

    @staticmethod
    def _is_of(line: str, key_id: str) -> bool:
        is_key = line.strip() and not line.startswith("#")
        return bool(is_key) and ApiKey.model_validate_json(line).id == key_id

    @staticmethod
    def _file() -> KeyFile:
        path = Settings().api_keys_file
        if path is None:
            raise ConfigurationError(["API_KEYS_FILE: name the file first"])
        return KeyFile(path)

    @staticmethod
    def _read(file: KeyFile) -> dict[str, ApiKey]:
        try:
            return dict(file.read())
        except ValueError as error:
            raise ConfigurationError([f"API_KEYS_FILE: {error}"]) from None

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """In one step, so that no service reads half a file; for this user alone."""
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
            problem = (
                f"cannot be written ({error.strerror}); where it is mounted, change its source"
            )
            raise ConfigurationError([f"API_KEYS_FILE: {problem}"]) from None

    @classmethod
    def _expiry(cls, key: ApiKey) -> str:
        if key.expires is None:
            return "never"
        expiry = key.expires.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        return expiry if key.expires > cls._now() else f"{expiry} (over)"

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC).replace(microsecond=0)
