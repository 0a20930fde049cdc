"""What runs in a generated project alone is not collected here; figures of the tests are printed at the end."""

from typing import Any

FIGURES = "figures"
collect_ignore = ["conformance", "originals", "moved"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Also where the tests ran in other processes."""
    reports = [it for outcome in ("passed", "failed") for it in terminalreporter.stats.get(outcome, [])]
    told = [value for it in reports for name, value in it.user_properties if name == FIGURES]
    for line in sorted(told):
        terminalreporter.write_line(line)
