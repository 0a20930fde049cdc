"""C4 diagrams as Mermaid flowcharts: boxes, boundaries and arrows in the colours of the C4 model."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["person", "system", "container", "component", "store", "external"]

STYLES: Final[dict[Kind, str]] = {
    "person": "fill:#08427b,stroke:#052e56,color:#ffffff",
    "system": "fill:#1168bd,stroke:#0b4884,color:#ffffff",
    "container": "fill:#1f6fb2,stroke:#14507f,color:#ffffff",
    "component": "fill:#d6e8f7,stroke:#5d9bd0,color:#111111",
    "store": "fill:#1f6fb2,stroke:#14507f,color:#ffffff",
    "external": "fill:#6b6b6b,stroke:#4d4d4d,color:#ffffff",
}
"""The colours of the C4 model's own examples, some darker: text on them has a contrast of 4.5 or more."""

LINE_CHARS: Final = 24
"""Widest line of a box, characters: Mermaid itself breaks longer ones at 200 pixels."""


ARROW_CHARS: Final = 20
"""Widest line beside an arrow, characters."""


def wrapped(text: str, width: int) -> Sequence[str]:
    """The lines of a text; host names and code stay whole."""
    plain = text.replace("`", "").rstrip(".")
    return textwrap.wrap(plain, width, break_on_hyphens=False, break_long_words=False)


@dataclass(frozen=True, slots=True)
class Box:
    """One element."""

    key: str
    title: str
    what: str
    """Its sort and technology, such as `Container: FastAPI`."""
    about: str = ""
    kind: Kind = "component"

    def line(self) -> str:
        """Its line of the diagram."""
        lines = [f"<b>{Label.text(self.title)}</b>"]
        for text in (f"[{self.what}]", self.about):
            lines += map(Label.text, wrapped(text, LINE_CHARS))
        label = '"' + "<br>".join(lines) + '"'
        opening, closing = {"person": ("([", "])"), "store": ("[(", ")]")}.get(
            self.kind, ("[", "]")
        )
        return f"{Label.key(self.key)}{opening}{label}{closing}:::{self.kind}"


@dataclass(frozen=True, slots=True)
class Boundary:
    """A frame around boxes."""

    key: str
    title: str
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Arrow:
    """Who uses whom, and for what; a dotted one is there only where a setting asks for it."""

    source: str
    target: str
    about: str = ""
    is_optional: bool = False

    def line(self) -> str:
        """Its line of the diagram."""
        line = "-.->" if self.is_optional else "-->"
        label = "<br>".join(map(Label.text, wrapped(self.about, ARROW_CHARS)))
        told = f'|"{label}"|' if label else ""
        return f"{Label.key(self.source)} {line}{told} {Label.key(self.target)}"


class Label:
    """Text and keys that mean nothing to Mermaid, nor to a template engine."""

    SPECIAL: Final = re.compile(r'[#"<>{}`|%\\&]')

    @classmethod
    def text(cls, text: str) -> str:
        """Any text, its special characters as Mermaid's own codes."""
        return cls.SPECIAL.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split()))

    @staticmethod
    def key(name: str) -> str:
        """A name as a node's key; a prefix keeps it from being one of Mermaid's words."""
        return "n_" + re.sub(r"\W", "_", name, flags=re.ASCII)


class Diagram:
    """One flowchart."""

    def __init__(
        self,
        boxes: Sequence[Box | Boundary],
        arrows: Sequence[Arrow],
        direction: Literal["TB", "LR"] = "TB",
    ) -> None:
        """These boxes and frames, in this order: it decides where they are drawn."""
        self._boxes = boxes
        self._arrows = arrows
        self._direction = direction

    def lines(self) -> Iterator[str]:
        """The fenced block."""
        yield "```mermaid"
        yield f"flowchart {self._direction}"
        kinds: set[Kind] = set()
        for item in self._boxes:
            if isinstance(item, Boundary):
                yield f'    subgraph {Label.key(item.key)}["{Label.text(item.title)}"]'
                yield from (f"        {box.line()}" for box in item.boxes)
                yield "    end"
                yield f"    style {Label.key(item.key)} fill:none,stroke:#7a7a7a,stroke-dasharray:5"
                kinds.update(box.kind for box in item.boxes)
            else:
                yield f"    {item.line()}"
                kinds.add(item.kind)
        yield from (f"    {arrow.line()}" for arrow in self._arrows)
        yield from (f"    classDef {kind} {STYLES[kind]}" for kind in STYLES if kind in kinds)
        yield "```"
