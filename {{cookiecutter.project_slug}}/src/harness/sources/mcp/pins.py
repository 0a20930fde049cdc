"""The tools of a server as a person has reviewed them, in a file of the owner's."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self

from ...errors import ConfigurationError
from ...project import Project


@dataclass(frozen=True, slots=True)
class PinnedTool:
    """What a server says of one tool: all that a model, or a person, decides by."""

    FIELDS: ClassVar = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    """As in the protocol; the others (icons, `_meta`) reach no model."""

    definition: Mapping[str, Any]

    @classmethod
    def of(cls, tool: Mapping[str, Any]) -> Self:
        """The tool of a server's list, of the names of the protocol."""
        given = {name: tool[name] for name in cls.FIELDS if tool.get(name) is not None}
        if "annotations" in given:  # the SDK adds those that it knows
            given["annotations"] = {name: it for name, it in given["annotations"].items() if it is not None}
        return cls(given)

    @property
    def name(self) -> str:
        """What the server, a policy and a model call it."""
        return str(self.definition["name"])

    @property
    def description(self) -> str:
        """What a model chooses it by."""
        return self.definition.get("description") or self.name

    @property
    def schema(self) -> dict[str, Any]:
        """Of its arguments."""
        return dict(self.definition["inputSchema"])

    @property
    def digest(self) -> str:
        """SHA-256 of the definition, whatever the order of its keys."""
        text = json.dumps(self.definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Pins:
    """The file of one server's tools: `src/app/mcp/<name>.json`. No update of the template meets it."""

    FOLDER: ClassVar[Path | None] = None
    """Where the files are, when not in the owner's package."""

    UNSEEN: ClassVar = re.compile(
        r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
        r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    )
    """What a screen shows nothing of: Default_Ignorable_Code_Point of Unicode 16, and the blank of braille."""

    COMMAND: ClassVar = "mcp pin"
    """What writes them."""

    def __init__(self, server: str) -> None:
        folder = self.FOLDER or Path(str(files(Project.PACKAGE))) / "mcp"
        self.file = folder / f"{server}.json"
        self.place = f"src/{Project.PACKAGE}/mcp/{server}.json"

    @classmethod
    def remedy(cls) -> str:
        """The command as one types it."""
        return f"`{Project.load().name} {cls.COMMAND}`"

    def load(self) -> Mapping[str, PinnedTool]:
        """The tools by name.

        Raises:
            ConfigurationError: There is no such file, or it was changed by hand.
        """
        remedy = f"{self.remedy()} writes it, for you to look at"
        try:
            entries = json.loads(self.file.read_bytes())["tools"]
            tools = {it["name"]: (it["sha256"], PinnedTool.of(it)) for it in entries}
        except FileNotFoundError:
            raise ConfigurationError([f"{self.place}: there is no such file; {remedy}"]) from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ConfigurationError([f"{self.place}: it cannot be read; {remedy}"]) from None
        if changed := [name for name, (digest, tool) in tools.items() if tool.digest != digest]:
            problem = f"{', '.join(changed)} was changed by hand: the server says something else; {remedy}"
            raise ConfigurationError([f"{self.place}: {problem}"])
        return {name: tool for name, (_, tool) in tools.items()}

    def text(self) -> str:
        """The file as it is; empty where there is none."""
        return self.file.read_text(encoding="utf-8") if self.file.exists() else ""

    def save(self, text: str) -> None:
        """Write the file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def written(cls, tools: Iterable[PinnedTool]) -> str:
        """The text of the file; what nobody sees on a screen, such as a mark of direction, stands as its code."""
        entries = [{**it.definition, "sha256": it.digest} for it in sorted(tools, key=lambda tool: tool.name)]
        text = json.dumps({"tools": entries}, indent=2, ensure_ascii=False)
        return "".join(json.dumps(it)[1:-1] if cls._is_unseen(it) else it for it in text) + "\n"

    @classmethod
    def _is_unseen(cls, sign: str) -> bool:
        return sign != "\n" and (not sign.isprintable() or cls.UNSEEN.match(sign) is not None)
