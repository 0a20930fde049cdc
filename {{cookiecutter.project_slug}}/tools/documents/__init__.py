"""The C4 page, made from the code, and the site, made from the pages.

`python -m tools.documents` writes docs/c4.md; with `--check` it compares.
`python -m tools.documents.site` builds docs/ into build/docs; `.drawing` draws the README's picture.
"""
