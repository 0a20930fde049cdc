"""What properdocs runs while it builds: Mermaid becomes pictures, and the index comes first.

The pictures are SVG inside the page, drawn by mmdr while building: no browser, no script, no other host.
"""

import re
from itertools import count
from typing import Any, Final

import mmdr

FENCE: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OWN_NAME: Final = re.compile(r"\bmerman\b")
"""The name that every picture has for itself, in its styles and marks too."""

STYLE: Final = (
    "<style>.wy-nav-content{max-width:1100px}.diagram{margin:0 0 24px}"
    ".wy-table-responsive table td,.wy-table-responsive table th{white-space:normal}</style>"
)
"""Tables whose cells break their lines, and room for pictures."""

numbers = count(1)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with every diagram drawn."""
    return FENCE.sub(_picture, markdown)


def _picture(found: re.Match[str]) -> str:
    name = f"diagram-{next(numbers)}"
    picture = OWN_NAME.sub(name, mmdr.render(found[1]).svg())
    return f'<figure class="diagram">{" ".join(picture.split())}</figure>'


def on_post_page(output: str, **_: Any) -> str:
    """The page with our few rules of style."""
    return output.replace("</head>", f"{STYLE}</head>", 1)
