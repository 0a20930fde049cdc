"""C4 diagrams as Mermaid flowcharts: boxes, frames and arrows in the colours of the C4 model."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

STYLES: Final = {
    "person": "fill:#08427b,stroke:#052e56,color:#ffffff",
    "system": "fill:#1168bd,stroke:#0b4884,color:#ffffff",
    "component": "fill:#d6e8f7,stroke:#5d9bd0,color:#111111",
    "store": "fill:#1f6fb2,stroke:#14507f,color:#ffffff",
    "external": "fill:#6b6b6b,stroke:#4d4d4d,color:#ffffff",
}
"""The colours of the C4 model's own examples, some darker: text on them has a contrast of 4.5 or more."""

LINE_CHARS: Final = 24
"""Widest line of a label, characters: Mermaid itself breaks longer ones at 200 pixels."""

SPECIAL: Final = re.compile(r'[#"<>{}`|%\\&]')
"""What means something to Mermaid, or to a template engine."""


def label(text: str) -> str:
    """Any text in lines of a label's width, its special characters as Mermaid's own codes."""
    plain = text.replace("`", "").rstrip(".")
    lines = textwrap.wrap(plain, LINE_CHARS, break_on_hyphens=False, break_long_words=False)
    return "<br>".join(SPECIAL.sub(lambda found: f"#{ord(found[0])};", line) for line in lines)


def key(name: str) -> str:
    """A name as a node's key; the prefix keeps it from being one of Mermaid's words."""
    return "n_" + re.sub(r"\W", "_", name, flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Box:
    """One element."""

    name: str
    title: str
    what: str
    """Its sort and technology, such as `Container: FastAPI`."""
    about: str = ""
    kind: str = "component"
    frame: str = ""
    """Title of the frame that it stands in."""

    def line(self) -> str:
        """Its line of the diagram."""
        texts = [f"<b>{label(self.title)}</b>", label(f"[{self.what}]"), label(self.about)]
        opening, closing = {"person": ("([", "])"), "store": ("[(", ")]")}.get(
            self.kind, ("[", "]")
        )
        told = "<br>".join(filter(None, texts))
        return f'{key(self.name)}{opening}"{told}"{closing}:::{self.kind}'


@dataclass(frozen=True, slots=True)
class Arrow:
    """Who uses whom, and for what; a dotted one is there only where a setting asks for it."""

    source: str
    target: str
    about: str = ""
    is_optional: bool = False

    def line(self) -> str:
        """Its line of the diagram."""
        told = f'|"{label(self.about)}"|' if self.about else ""
        return (
            f"{key(self.source)} {'-.->' if self.is_optional else '-->'}{told} {key(self.target)}"
        )


def flowchart(boxes: Sequence[Box], arrows: Sequence[Arrow], direction: str = "TB") -> str:
    """The fenced block; boxes of one frame stand side by side in `boxes`."""

    def lines() -> Iterator[str]:
        yield f"```mermaid\nflowchart {direction}"
        for frame, inside in groupby(boxes, lambda box: box.frame):
            if frame:
                yield f'    subgraph {key(frame)}["{label(frame)}"]'
            yield from (f"    {box.line()}" for box in inside)
            if frame:
                yield "    end"
                yield f"    style {key(frame)} fill:none,stroke:#7a7a7a,stroke-dasharray:5"
        yield from (f"    {arrow.line()}" for arrow in arrows)
        kinds = {box.kind for box in boxes}
        yield from (f"    classDef {kind} {STYLES[kind]}" for kind in STYLES if kind in kinds)
        yield "```"

    return "\n".join(lines())
