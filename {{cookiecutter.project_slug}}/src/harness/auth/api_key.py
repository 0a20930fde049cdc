"""API keys: made once, stored as digests, one a line in a file that may change at any time.

SHA-256, and no slow password hash such as bcrypt: a key is 256 random bits, so there is nothing to
guess, and a slow hash would cost every request what it should cost only a guesser.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Annotated, Final, Self

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ..errors import ConfigurationError, Unauthenticated
from ..telemetry.metrics import FAILURES
from .principal import Principal, Scope

log = structlog.stdlib.get_logger(__name__)

FILE_MAX_BYTES: Final = 1_000_000
"""Largest file of keys, bytes: some 4,000 keys; a guess."""

UNSETTLED_SECONDS: Final = 2.0
"""How long after a change a file is read anew at each look, seconds: file systems' clocks tick in
steps of up to 2 s (FAT), and a second change within one step would not show."""

PREFIX: Final = "ak_"
"""What a key begins with and a token never does; also for scanners of secrets."""

ID_BYTES: Final = 4
"""Random bytes of a key's public part."""

SECRET_BYTES: Final = 32
"""Random bytes: 256 bits, which nobody guesses."""


class ApiKey(BaseModel):
    """One line of the file: everything about a key but the key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: frozenset[Scope]
    expires: AwareDatetime | None = None

    @property
    def line(self) -> str:
        """It as text."""
        return self.model_dump_json(exclude_none=True)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment when its text is at hand."""

    text: str
    record: ApiKey

    @classmethod
    def make(cls, name: str, scopes: Sequence[Scope], expires: datetime | None) -> Self:
        """A new key of `name`.

        Raises:
            ValidationError: `name` is not made of letters, digits and `._@-`.
        """
        key_id = secrets.token_hex(ID_BYTES)
        text = f"{PREFIX}{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        sha256, allowed = cls.digest(text), frozenset(scopes)
        record = ApiKey(id=key_id, name=name, sha256=sha256, scopes=allowed, expires=expires)
        return cls(text, record)

    @staticmethod
    def digest(text: str) -> str:
        """What is stored of a key."""
        return hashlib.sha256(text.encode()).hexdigest()


class KeyFile:
    """The keys in a file, as text: a JSON document a line; empty lines and `#` lines are notes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mapping[str, ApiKey]:
        """The keys by id.

        Raises:
            ValueError: The file cannot be read or a line is no key; the text tells which, and
                nothing of what it holds.
        """
        keys: dict[str, ApiKey] = {}
        for number, line in enumerate(self._text().splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                key = ApiKey.model_validate_json(line)
            except ValidationError as invalid:
                fields = {str(error["loc"][0]) for error in invalid.errors() if error["loc"]}
                what = f"wrong {', '.join(sorted(fields))}" if fields else "no JSON object"
                raise ValueError(f"line {number}: {what}") from None
            if key.id in keys:
                raise ValueError(f"line {number}: the id {key.id} is there twice")
            keys[key.id] = key
        return keys

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                content = file.read(FILE_MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"cannot be read ({error.strerror})") from None
        if len(content) > FILE_MAX_BYTES:
            raise ValueError(f"larger than {FILE_MAX_BYTES} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8 text") from None


class ApiKeys:
    """The keys that count right now. A file that breaks leaves those of before in force."""

    def __init__(self, path: Path, clock: Callable[[], float] = time) -> None:
        """Read the file at `path`; tell expiry by `clock`, seconds since 1970.

        Raises:
            ConfigurationError: The file is broken, and there is none from before.
        """
        self._file = KeyFile(path)
        self._clock = clock
        self._keys: Mapping[str, ApiKey] = {}
        self._seen: tuple[int, ...] | None = None
        self.problem: str | None = None
        """What is wrong with the file as it is now; None when its keys are those in force."""
        self._look()
        if self.problem:
            raise ConfigurationError([f"API_KEYS_FILE: {self.problem}"])

    @property
    def count(self) -> int:
        """Keys in force, expired ones too."""
        self._look()
        return len(self._keys)

    def principal(self, text: str) -> Principal:
        """Who holds the key `text`.

        Raises:
            Unauthenticated: There is no such key, or its time is over.
        """
        self._look()
        key_id = text.removeprefix(PREFIX).partition("_")[0]
        key = self._keys.get(key_id)
        digest = NewKey.digest(text)
        # Compared in the same time whatever it holds, also with an id that does not exist.
        is_it = hmac.compare_digest(digest, key.sha256 if key else "0" * len(digest))
        if key is None or not is_it:
            raise Unauthenticated("unknown_key")
        if key.expires is not None and key.expires <= datetime.fromtimestamp(self._clock(), UTC):
            raise Unauthenticated("expired_key")
        return Principal.from_key(key.name, key.scopes)

    def _look(self) -> None:
        """Read the file when it is another one than at the last look; 2 microseconds when not."""
        seen = self._state()
        if seen is not None and seen == self._seen:
            return
        self._seen = seen
        before, self.problem = self.problem, None
        keys = self._keys
        try:
            self._keys = self._file.read()
        except ValueError as error:
            self.problem = str(error)
        if self.problem and self.problem != before:
            FAILURES.labels("auth", "api_keys_file").inc()
            log.error("api_keys_kept", problem=self.problem, in_force=len(keys))
        elif keys != self._keys:
            log.info("api_keys_read", in_force=len(self._keys))

    def _state(self) -> tuple[int, ...] | None:
        """What tells one file from the next; None when that cannot be told yet, or any more."""
        try:
            state = self._file.path.stat()  # follows links: a mounted secret changes by a link
        except OSError:
            return None
        if abs(time() - state.st_mtime) < UNSETTLED_SECONDS:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size
