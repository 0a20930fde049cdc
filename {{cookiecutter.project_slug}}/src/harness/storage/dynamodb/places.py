"""Where what belongs to a conversation lies, and how long."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, unquote

from ..thread_ref import ThreadRef


@dataclass(frozen=True, slots=True)
class Places:
    """A thread, or a companion, in the partition of its conversation: with that, all of it is found.

    g: what its graph keeps (c: checkpoints, w: writes of steps, p: further pieces of either that are large), m: marks of
    the thread and of its companions, k: its keys (r: of saved replies, a: of proposals, f: ratings), e: keys of what
    endpoints keep.
    """

    thread_id: str

    GRAPH: ClassVar = "g#"
    MARKS: ClassVar = "m#"
    KEYS: ClassVar = "k#"
    PROPOSALS: ClassVar = "k#a#"
    REPLIES: ClassVar = "k#r#"
    RATINGS: ClassVar = "k#f#"
    RECORDS: ClassVar = "e#"

    @property
    def partition(self) -> str:
        """Of the whole conversation."""
        return f"thread#{ThreadRef.root(self.thread_id)}"

    @property
    def companion(self) -> str:
        """The name of the companion; empty: the thread itself."""
        return self.thread_id.removeprefix(ThreadRef.root(self.thread_id))

    @property
    def mark(self) -> str:
        """Place of the thread's mark, or of the companion's."""
        return f"{self.MARKS}{self._name}"

    @property
    def _name(self) -> str:
        return quote(self.companion, safe="")

    @classmethod
    def marked(cls, partition: str, mark: str) -> str:
        """The thread, or companion, whose mark lies there."""
        return partition.removeprefix("thread#") + unquote(mark.removeprefix(cls.MARKS))

    def checkpoints(self, namespace: str) -> str:
        """Before the ids of checkpoints."""
        return f"g#c#{self._name}#{quote(namespace, safe='')}#"

    def writes(self, namespace: str, checkpoint_id: str) -> str:
        """Before the tasks and numbers of what was written after a checkpoint."""
        return f"g#w#{self._name}#{quote(namespace, safe='')}#{checkpoint_id}#"

    @staticmethod
    def pieces(place: str) -> str:
        """Before the numbers of the further pieces of what lies at `place`."""
        return place.replace("g#", "g#p#", 1)

    def in_order_of_deletion(self, places: Collection[str]) -> list[str]:
        """Those of the graph's places that are of this thread, or companion, its checkpoints last."""
        prefixes = [f"g#{it}#{self._name}#" for it in ("p#w", "w", "p#c", "c")]
        return [it for prefix in prefixes for it in places if it.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long what nobody touches again is kept: RETENTION_DAYS, and a day in which the command may count it."""

    days: int

    DAY_SECONDS: ClassVar = 24 * 3600
    """Seconds of a day."""

    def end(self, start: float | None = None) -> int:
        """When it ends, of what was written at `start` or just now: seconds since 1970."""
        return int((time.time() if start is None else start) + (self.days + 1) * self.DAY_SECONDS)

    @staticmethod
    def moment(seconds: float) -> str:
        """A time as a text that sorts as it does."""
        return f"{max(seconds, 0.0):020.6f}"
