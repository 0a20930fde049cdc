"""Mermaid as SVG, drawn by mmdr: no browser, no script, no other host.

properdocs loads this file as its hook: pages come in their order, every Mermaid block becomes a picture inside its
page, and a page that would fetch something from another host fails a strict build. `python -m tools.drawing` draws the
README's picture from the first diagram of docs/index.md; `nox -s docs` has installed what draws it.
"""

import logging
import re
from itertools import count
from pathlib import Path
from typing import Any, Final

import mmdr

FENCE: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# The name that every picture has for itself, and what mmdr notes for itself: half of the picture.
OWN_NAME: Final = re.compile(r"\bmerman\b")
UNSEEN: Final = re.compile(r' (?:data-[\w-]+|aria-roledescription)="[^"]*"')

INSTEAD: Final = (
    (r'(?:&quot;|")Recursive Variable(?:&quot;|"),arial', "Helvetica,Arial"),
    # Behind the text of an arrow: hides the line, whatever the width of the reader's letters.
    (r'fill="hsl\(-120, 0%, 80%\)"', 'fill="#ffffff" stroke="#ffffff" stroke-width="8"'),
    ("</style>", "svg.flowchart{background:#ffffff}</style>"),
)

# Tables whose cells break their lines, and room for pictures.
STYLE: Final = (
    "<style>.wy-nav-content{max-width:1100px}.diagram{margin:0 0 24px}"
    ".wy-table-responsive table td,.wy-table-responsive table th{white-space:normal}</style>"
)

# What a browser fetches by itself; a link that a reader clicks is none.
FETCHED: Final = re.compile(
    r"(?i)<(?:script|img|iframe|source|link|object|embed)\b[^>]*?\b(?:src|href|data)=[\"'](?:https?:)?//[^\"']+"
)

log = logging.getLogger("properdocs.hooks.drawing")
numbers = count(1)


def svg(source: str, name: str) -> str:
    """The text of one Mermaid block as a picture, on one line; `name` tells it from others of the page."""
    drawn = UNSEEN.sub("", str(mmdr.render(source).svg()))
    for theirs, ours in INSTEAD:
        drawn = re.sub(theirs, ours, drawn)
    return " ".join(OWN_NAME.sub(name, drawn).split())


def on_config(config: Any, **_: Any) -> Any:
    """The pages in the order of properdocs.yml, then all others: a new page is in the navigation by itself."""
    folder, order = Path(config["docs_dir"]), config["extra"].get("order", ())
    pages = sorted(page.relative_to(folder).as_posix() for page in folder.rglob("*.md"))
    config["nav"] = sorted(pages, key=lambda it: order.index(it) if it in order else len(order))
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with every diagram drawn."""

    def picture(found: re.Match[str]) -> str:
        return f'<figure class="diagram">{svg(found[1], f"diagram-{next(numbers)}")}</figure>'

    return FENCE.sub(picture, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """The page with our few rules of style; a warning is what fails a strict build."""
    for found in FETCHED.findall(output):
        log.warning("%s fetches %s", page.file.src_uri, found)
    return output.replace("</head>", f"{STYLE}</head>", 1)


if __name__ == "__main__":
    diagrams = FENCE.findall(Path("docs/index.md").read_text(encoding="utf-8"))
    picture = svg(diagrams[0], "overview") + "\n"
    Path("docs/overview.svg").write_text(picture, encoding="utf-8", newline="\n")
    print(f"wrote docs/overview.svg, {len(picture):,} characters")
