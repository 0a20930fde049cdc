"""What runs in a generated project alone is not collected here."""

collect_ignore = ["conformance", "originals", "moved"]
