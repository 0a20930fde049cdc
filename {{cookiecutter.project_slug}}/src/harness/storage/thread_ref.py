"""How a thread and its owner are named; light, since callers and the command line need it too."""

from dataclasses import dataclass
from typing import ClassVar, Final

PUBLIC: Final = ""
"""The owner of the threads of callers without a name: all of them are one."""


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """One conversation of one owner. Nobody can name another's: the owner is no part of an id.

    A name with an owner in front holds a sign that no caller's text may hold, so that no id and
    no key of a caller without a name reads like one.
    """

    FORM: ClassVar = r"^[A-Za-z0-9_-]{1,64}$"
    """What names a conversation: no NUL, no surrogate, nothing that a path or a log could misread."""

    thread_id: str
    """As the caller names it."""

    owner: str
    """`Principal.owner`, or `PUBLIC`."""

    SPACE: ClassVar = " "
    """Between a conversation's key and the name of a companion."""

    @classmethod
    def from_key(cls, key: str) -> "ThreadRef":
        """The conversation that a store knows as `key`, or that the companion `key` belongs to."""
        owner, _, thread_id = cls.root(key).rpartition(":")
        return cls(thread_id, owner)

    @property
    def key(self) -> str:
        """The thread in the store of threads."""
        return f"{self.owner}:{self.thread_id}" if self.owner else self.thread_id

    def companion(self, name: str) -> str:
        """The thread in the store where `name`, a graph in this conversation, keeps its own state.

        It is deleted with the conversation. No key holds a space, so none reads like a companion.
        """
        return f"{self.key}{self.SPACE}{name}"

    @classmethod
    def root(cls, key: str) -> str:
        """The conversation's own thread: `key`, or what it is a companion of."""
        return key.partition(cls.SPACE)[0]

    def request_key(self, idempotency_key: str) -> str:
        """An Idempotency-Key in the store: of this owner alone."""
        return f"{self.owner} {idempotency_key}" if self.owner else idempotency_key
