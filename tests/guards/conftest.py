"""What needs a project's packages is not collected here."""

collect_ignore_glob = ["test_*.py"]
