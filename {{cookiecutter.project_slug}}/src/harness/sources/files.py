"""Text files of one folder, and nothing beside it."""

import asyncio
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final
from unicodedata import normalize
from urllib.parse import unquote

import structlog

from ..errors import PolicyViolation, SourceUnavailable
from ..telemetry.metrics import FAILURES

log = structlog.get_logger(__name__)


class Folder:
    """Lists and reads the text files below one root.

    Names are relative to the root, with `/` on every system. Links may lead to another file below
    the root, as Kubernetes mounts them, never out of it. Hidden names are refused.

    `names` and `read_text` wait for the disk: they are for synchronous tools, which run in threads. An
    asynchronous one awaits `anames` and `aread_text`.
    """

    SUFFIXES: ClassVar[frozenset[str]] = frozenset({".md", ".txt"})
    """Plain text only: nothing that something else would execute or unpack."""

    DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)
    """Windows has a device of this name in every folder."""

    FLAGS: Final = (
        os.O_RDONLY
        | getattr(os, "O_BINARY", 0)  # Windows
        | getattr(os, "O_NOFOLLOW", 0)
        | getattr(os, "O_NONBLOCK", 0)  # opening a pipe that nobody writes would hang
    )

    def __init__(self, root: Path | None, max_bytes: int, suffixes: frozenset[str] = SUFFIXES) -> None:
        """Read files of at most `max_bytes` below `root`; None refuses everything."""
        self._root = root
        self._max_bytes = max_bytes
        self._suffixes = suffixes
        self.unread: dict[str, str] = {}
        """Name -> why `read_all` left the file out; `/readyz` names them."""

    async def anames(self) -> list[str]:
        """`names`, off the event loop."""
        return await asyncio.to_thread(self.names)

    async def aread_text(self, name: str) -> str:
        """`read_text`, off the event loop."""
        return await asyncio.to_thread(self.read_text, name)

    def names(self) -> list[str]:
        """The readable files, sorted.

        Raises:
            PolicyViolation: The policy names no folder.
            SourceUnavailable: The folder is not there.
        """
        root = self._real_root()
        names = []
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if not self._refusal(name) and path.is_file() and path.resolve().is_relative_to(root):
                names.append(name)
        return sorted(names)

    def read_text(self, name: str) -> str:
        """The text of one file.

        Raises:
            PolicyViolation: `name` is no plain text file below the root.
            SourceUnavailable: There is no such file, it is too large, or it is not UTF-8.
        """
        root = self._real_root()
        if refusal := self._refusal(name):
            raise PolicyViolation("file", refusal)
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise PolicyViolation("file", "it leads out of the agent's folder")
        try:
            content = self._content(path, name)
            return content.decode("utf-8")
        except OSError as error:
            raise SourceUnavailable(name, error.strerror or "cannot be read") from None
        except UnicodeDecodeError:
            raise SourceUnavailable(name, "it is not UTF-8") from None

    def read_all(self) -> dict[str, str]:
        """Name -> text of every file that can be read; the others are logged by name.

        Raises:
            PolicyViolation: The policy names no folder.
            SourceUnavailable: The folder is not there, or not one of its files can be read.
        """
        texts: dict[str, str] = {}
        for name in self.names():
            try:
                texts[name] = self.read_text(name)
            except SourceUnavailable as failure:
                self.unread[name] = failure.reason
                FAILURES.labels("connectors", "files").inc()
                log.warning("file_unread", file=name, reason=failure.reason)
        for name, reason in () if texts else self.unread.items():
            raise SourceUnavailable(name, reason)
        return texts

    def _real_root(self) -> Path:
        if self._root is None:
            raise PolicyViolation("file", "name a folder in the agent's policy")
        if not self._root.is_dir():
            raise SourceUnavailable(str(self._root), "there is no such folder")
        return self._root.resolve()

    def _refusal(self, name: str) -> str:
        """Why a name is refused; empty when it is not."""
        parts = name.split("/")
        if not all(parts) or any(part.startswith(".") for part in parts):
            return "names are relative to the folder, without .. and hidden parts"
        if any(char in "\\:" or not char.isprintable() for char in name):
            return "names are written with / and hold no drive and no control character"
        if unquote(name) != name or normalize("NFKC", name) != normalize("NFC", name):
            return "names are written plainly, without percent signs or look-alikes"
        if any(part.rstrip(" .") != part or self.DEVICE.match(part) for part in parts):
            return "Windows would open something else"
        if PurePosixPath(name).suffix.lower() not in self._suffixes:
            return f"only {', '.join(sorted(self._suffixes))} are read"
        return ""

    def _content(self, path: Path, name: str) -> bytes:
        """Checked on the open file, so that what was checked is what is read."""
        with open(path, "rb", opener=lambda path, _: os.open(path, self.FLAGS)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PolicyViolation("file", "it is no regular file")
            content = file.read(self._max_bytes + 1)
        if len(content) > self._max_bytes:
            raise SourceUnavailable(name, f"larger than DATA_MAX_BYTES={self._max_bytes}")
        return content
