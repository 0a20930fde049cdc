"""The pages that are made from the code, and the site that is made from the pages.

`python -m tools.documents` writes docs/c4.md and docs/modules.md; with `--check` it compares them.
`python -m tools.documents.site` builds docs/ into build/docs.
"""
