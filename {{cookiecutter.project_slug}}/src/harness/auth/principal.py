"""Who asks, and what they may do."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from ..errors import ScopeMissing
from ..storage.thread_ref import PUBLIC, ThreadRef

ID_CHARS: Final = 32
"""Hexadecimal digits of an id: 128 bits, so that no two principals ever share one."""

LOG_CHARS: Final = 8
"""Digits of it in the log: enough to follow one caller, too few to be worth anything."""


class Scope(StrEnum):
    """What a caller may do. Each route asks for one."""

    CHAT = "chat"
    """Ask questions, and see who answers them."""
    THREADS = "threads"
    """Read and delete one's own conversations, and what agents remember of one beyond them."""
    APPROVE = "approve"
    """Decide about calls that write, in one's own conversations. Nobody has it unasked: a program that
    asks is given a key without it, and the person behind it another key of the same name."""
    METRICS = "metrics"
    """Read `/metrics`, where METRICS_OPEN is off."""

    @classmethod
    def parse(cls, names: Iterable[str]) -> frozenset["Scope"]:
        """The scopes among `names`; what is none of ours means nothing here."""
        named = frozenset(names)
        return frozenset(scope for scope in cls if scope in named)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as the service knows it: by a name of its own making, never by an e-mail address."""

    id: str
    """Digest of its identity; what it stores is stored under this. `PUBLIC` for callers without one."""

    scopes: frozenset[Scope]

    @classmethod
    def from_key(cls, name: str, scopes: Iterable[Scope]) -> Self:
        """Whoever has an API key: two keys of one name are one caller, so that keys can change."""
        return cls(cls._digest("key", name), frozenset(scopes))

    @classmethod
    def from_account(cls, issuer: str, subject: str, scopes: Iterable[Scope]) -> Self:
        """Whoever has an account; `subject` is unique and lasting at `issuer` alone."""
        return cls(cls._digest("oidc", issuer, subject), frozenset(scopes))

    @classmethod
    def anonymous(cls) -> Self:
        """Everybody, where AUTHENTICATION is off."""
        return cls(PUBLIC, frozenset(Scope))

    @staticmethod
    def _digest(*parts: str) -> str:
        # Lengths first: no two lists of parts give one text. `surrogatepass`: a JSON string may
        # hold what UTF-8 does not.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:ID_CHARS]

    @property
    def log_id(self) -> str:
        """What the log calls it."""
        return self.id[:LOG_CHARS] or "anonymous"

    def require_scope(self, scope: Scope) -> None:
        """Pass when it has `scope`.

        Raises:
            ScopeMissing: It has not.
        """
        if scope not in self.scopes:
            raise ScopeMissing(scope)

    def conversation(self, thread_id: str) -> ThreadRef:
        """Its own conversation of this name, whoever else has one of the same name."""
        return ThreadRef(thread_id, self.id)
