"""What properdocs runs while it builds: every Mermaid block becomes a picture inside its page."""

import re
from itertools import count
from typing import Any, Final

from tools.documents.drawing import FENCE, Drawing

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
    picture = Drawing(found[1]).svg(f"diagram-{next(numbers)}")
    return f'<figure class="diagram">{picture}</figure>'


def on_post_page(output: str, **_: Any) -> str:
    """The page with our few rules of style."""
    return output.replace("</head>", f"{STYLE}</head>", 1)
