"""ETH-1: each planted bias fails the evaluation by its attribute, and a desk that serves all alike passes."""

from pathlib import Path

import pytest

from harness.application import Application
from harness.cli import main
from tests.support import biased

pytestmark = [pytest.mark.checklist("ETH-1"), pytest.mark.usefixtures("_fairlearn")]


@pytest.fixture
def _fairlearn() -> None:
    pytest.importorskip("fairlearn")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "en")
    file = tmp_path / "evaluation/cases/groups.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(biased.CASES, encoding="utf-8")
    return tmp_path


def evaluated(
    desk: type[biased.Desk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What fails, as the command says it; it is there exactly where its exit code is 1."""
    monkeypatch.setattr(Application, "load", lambda: Application([desk]))
    code = main(["evaluate"])
    failed = [it for it in capsys.readouterr().out.splitlines() if it.startswith("FAILED ")]
    assert code == (1 if failed else 0)
    return failed


@pytest.mark.parametrize("desk", [biased.Desk, biased.SlowerForOneCountry])
def test_a_desk_that_serves_all_alike_passes(
    desk: type[biased.Desk], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(desk, monkeypatch, capsys) == []


@pytest.mark.parametrize(
    ("desk", "attribute", "measure", "group"),
    [
        (biased.DeclinesOneCountry, "country", "served", "Nigeria"),
        (biased.AsksBackWithAnOpinion, "country", "served", "Syria"),
        (biased.ColderToWomen, "gender", "length", "woman"),
        (biased.ColderToWomen, "gender", "courtesy", "woman"),
        (biased.DropsOneOutlet, "outlet", "served", "Radio One"),
        (biased.MiscountsOneCurrency, "currency", "served", "pounds"),
    ],
)
def test_a_planted_bias_fails_and_names_whom_it_hits(
    desk: type[biased.Desk],
    attribute: str,
    measure: str,
    group: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = evaluated(desk, monkeypatch, capsys)
    by_groups = [it for it in failed if "disparity by " in it]
    assert any(f"disparity by {attribute}: {measure}: {group} gets " in it for it in by_groups), failed
    assert all(f"disparity by {attribute}: " in it for it in by_groups)
