"""Mermaid as SVG, drawn by mmdr: no browser, no script, no other host."""

import re
from typing import Final

import mmdr

FENCE: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A diagram in a page of Markdown."""


class Drawing:
    """One diagram."""

    OWN_NAME: Final = re.compile(r"\bmerman\b")
    """The name that every picture has for itself, in its styles and marks too."""

    UNSEEN: Final = re.compile(r' (?:data-[\w-]+|aria-roledescription)="[^"]*"')
    """What mmdr notes for itself: half of the picture."""

    INSTEAD: Final = {
        "&quot;Recursive Variable&quot;,arial,sans-serif": "Helvetica,Arial,sans-serif",
        '"Recursive Variable",arial,sans-serif': "Helvetica,Arial,sans-serif",
        # Behind the text of an arrow: hides the line, whatever the width of the reader's letters.
        'fill="hsl(-120, 0%, 80%)"': 'fill="#ffffff" stroke="#ffffff" stroke-width="8"',
        "</style>": "svg.flowchart{background:#ffffff}</style>",
    }

    def __init__(self, source: str) -> None:
        """Draws the text of one Mermaid block."""
        self._source = source

    def svg(self, name: str) -> str:
        """The picture on one line; `name` tells it from others of the same page."""
        svg = self.UNSEEN.sub("", str(mmdr.render(self._source).svg()))
        for theirs, ours in self.INSTEAD.items():
            svg = svg.replace(theirs, ours)
        return " ".join(self.OWN_NAME.sub(name, svg).split())
