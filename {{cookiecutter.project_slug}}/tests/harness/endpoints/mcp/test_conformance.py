"""What `nox -s mcp` makes of the suite's findings; the suite itself needs Node."""

import pytest

from tests.harness.endpoints.mcp import conformance
from tests.harness.endpoints.mcp.conformance import Baseline, Check

pytestmark = pytest.mark.checklist("INT-1")

DOCUMENT = {"package": "p@1", "revisions": ["2026-07-28"], "whole": ["ping"], "expected": {"prompts-*/*": "None here."}}
PING, PROMPTS = Check("ping", "ping", "SUCCESS"), Check("prompts-list", "list", "FAILURE")


@pytest.mark.parametrize(
    ("checks", "problems"),
    [
        ([PING, PROMPTS], []),
        ([PING, PROMPTS, Check("tools-list", "list", "FAILURE")], ["failed: tools-list/list"]),
        ([PING], ["no longer fails, take it out of conformance.toml: prompts-*/*"]),
        ([PROMPTS], ["did not pass whole: ping"]),
        ([PROMPTS, PING, Check("ping", "x", "FAILURE")], ["failed: ping/x", "did not pass whole: ping"]),
    ],
)
def test_only_what_is_expected_may_fail(checks: list[Check], problems: list[str]) -> None:
    assert list(Baseline(DOCUMENT).problems(checks)) == problems


def test_a_service_that_is_not_there_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conformance, "Suite", lambda *_: None)
    assert conformance.main(["--url", "http://127.0.0.1:9/mcp"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_an_old_node_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main(["--node", "no-such-node"]) == 2
    assert "no Node 22" in capsys.readouterr().err
