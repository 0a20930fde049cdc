"""`threads export` and `threads import`: moves conversations from one store to another."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ..errors import ConfigurationError
from ..runtime.moving import Conversations, MovedThread
from ..settings import Settings
from ..storage.sqlite import Checkpoints
from ..telemetry.logging import Logs

MOST_PROBLEMS: Final = 20  # shown of one file; a guess


class ExportThreads:
    """Every conversation as a JSON line; the service may go on beside it."""

    def run(self) -> None:
        """Print them, and say what stays behind.

        Raises:
            ConfigurationError: The store cannot be opened.
            StoreUnavailable: It went away meanwhile.
        """
        settings = Settings()
        Logs(settings).install()
        count, waiting = asyncio.run(self._print(settings))
        print(f"{count} conversations", file=sys.stderr)
        if waiting:
            print(f"{waiting} calls wait for approval and do not move: decide them here", file=sys.stderr)

    @staticmethod
    async def _print(settings: Settings) -> tuple[int, int]:
        count = waiting = 0
        async with Checkpoints.open(settings) as store:
            async for thread in Conversations(store, settings).all():
                print(thread.model_dump_json(warnings=False))
                count, waiting = count + 1, waiting + thread.waiting
        return count, waiting


@dataclass(frozen=True)
class ImportThreads:
    """The conversations of a file, into the store that DATABASE_URL names. A second time changes nothing."""

    file: str
    overwrite: bool
    """Also where the same conversation has other turns here, which are lost."""

    def run(self) -> int:
        """Import them and say how many; 1 where some were refused.

        Raises:
            ConfigurationError: A line is none of an export, and nothing was imported; or the store cannot be opened.
            ThreadBusy: A turn of a conversation takes too long; the next try goes on.
            StoreUnavailable: The store went away meanwhile; the next try goes on.
        """
        settings = Settings()
        Logs(settings).install()
        if problems := [it for _, it in self._lines() if isinstance(it, str)]:
            more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
            raise ConfigurationError([*problems[:MOST_PROBLEMS], *more])
        counted = asyncio.run(self._import(settings))
        print(", ".join(f"{counted[it]} {it}" for it in ("imported", "unchanged", "refused")))
        if waiting := counted["waiting"]:
            print(f"{waiting} calls waited for approval and were not moved; ask for them again", file=sys.stderr)
        return 1 if counted["refused"] else 0

    def _lines(self) -> Iterator[tuple[int, MovedThread | str]]:
        """Each line's number and its conversation, or what is wrong with it."""
        seen: dict[str, int] = {}
        try:
            with Path(self.file).open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        yield number, self._read(number, line, seen)
        except OSError as error:
            raise ConfigurationError([f"{self.file}: cannot be read ({error.strerror})"]) from None

    def _read(self, number: int, line: bytes, seen: dict[str, int]) -> MovedThread | str:
        place = f"{self.file}:{number}"
        try:
            thread = MovedThread.model_validate_json(line)
        except ValidationError as invalid:
            error = invalid.errors(include_input=False, include_url=False)[0]
            return f"{place}: {'.'.join(map(str, error['loc'])) or 'line'}: {error['msg']}"
        if (first := seen.setdefault(thread.ref.key, number)) != number:
            return f"{place}: the same conversation as in line {first}"
        return thread

    async def _import(self, settings: Settings) -> Counter[str]:
        counted: Counter[str] = Counter()
        async with Checkpoints.open(settings) as store:
            conversations = Conversations(store, settings)
            for number, thread in self._lines():
                if isinstance(thread, str):  # it was none a moment ago
                    raise ConfigurationError([thread])
                outcome = await conversations.take(thread, overwrites=self.overwrite)
                counted[outcome] += 1
                if outcome == "refused":
                    print(f"{self.file}:{number}: it has other turns here; --overwrite replaces them", file=sys.stderr)
                elif outcome == "imported":
                    counted["waiting"] += thread.waiting
        return counted
