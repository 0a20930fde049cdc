"""The C4 page, made from the code, and the pictures of the site.

`python -m tools.documents` writes docs/c4.md; with `--check` it compares. `nox -s docs` builds docs/ into
build/docs by properdocs; `python -m tools.documents.drawing` draws the README's picture.
"""
