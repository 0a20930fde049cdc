"""C4 diagrams as Mermaid flowcharts: boxes, frames and arrows in the colours of the C4 model."""

import re
import textwrap
from typing import Final

STYLES: Final = {
    "person": "fill:#08427b,stroke:#052e56,color:#ffffff",
    "system": "fill:#1168bd,stroke:#0b4884,color:#ffffff",
    "component": "fill:#d6e8f7,stroke:#5d9bd0,color:#111111",
    "store": "fill:#1f6fb2,stroke:#14507f,color:#ffffff",
    "external": "fill:#6b6b6b,stroke:#4d4d4d,color:#ffffff",
}
"""The colours of the C4 model's own examples, some darker: text on them has a contrast of 4.5 or more."""

SHAPES: Final = {"person": ("([", "])"), "store": ("[(", ")]")}

LINE_CHARS: Final = 24  # Mermaid itself breaks longer ones at 200 pixels

SPECIAL: Final = re.compile(r'[#"<>{}`|%\\&]')  # to Mermaid, or to a template engine


class Diagram:
    """One flowchart, line by line."""

    def __init__(self, direction: str = "TB") -> None:
        self._lines = [f"flowchart {direction}"]

    def box(
        self, name: str, title: str, what: str, about: str = "", kind: str = "component"
    ) -> None:
        """An element; `what` is its sort and technology, such as `Container: FastAPI`."""
        texts = [f"<b>{self.label(title)}</b>", self.label(f"[{what}]"), self.label(about)]
        opening, closing = SHAPES.get(kind, ("[", "]"))
        text = "<br>".join(filter(None, texts))
        self._lines.append(f'{self.key(name)}{opening}"{text}"{closing}:::{kind}')

    def arrow(self, source: str, target: str, about: str = "", *, optional: bool = False) -> None:
        """Who uses whom, and for what; an optional one is dotted."""
        text = f'|"{self.label(about)}"|' if about else ""
        line = "-.->" if optional else "-->"
        self._lines.append(f"{self.key(source)} {line}{text} {self.key(target)}")

    def text(self) -> str:
        """The fenced block."""
        styles = [f"classDef {kind} {style}" for kind, style in STYLES.items()]
        return "```mermaid\n" + "\n    ".join([*self._lines, *styles]) + "\n```"

    @staticmethod
    def label(text: str) -> str:
        """Any text in lines, its special characters as Mermaid's own codes."""
        plain = text.replace("`", "").rstrip(".")
        lines = textwrap.wrap(plain, LINE_CHARS, break_on_hyphens=False, break_long_words=False)
        return "<br>".join(SPECIAL.sub(lambda found: f"#{ord(found[0])};", it) for it in lines)

    @staticmethod
    def key(name: str) -> str:
        """A name as a node's key; the prefix keeps it from being one of Mermaid's words."""
        return "n_" + re.sub(r"\W", "_", name, flags=re.ASCII)
