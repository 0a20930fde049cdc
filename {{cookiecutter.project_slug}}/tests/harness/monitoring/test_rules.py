"""Rules and panels are well formed, alerts fire when they should, and each leads to its runbook."""

import re
from pathlib import Path

import pytest
import yaml

from tests.harness.monitoring import files
from tests.harness.monitoring.conftest import Promtool

pytestmark = pytest.mark.checklist("OBS-3")

HERE = Path(__file__).parent
RUNBOOKS = files.PROJECT / "docs" / "runbooks.md"


def test_the_rules_are_well_formed(promtool: Promtool) -> None:
    assert "SUCCESS" in promtool("check", "rules", *files.rules())


def test_the_configuration_of_prometheus_is_well_formed(promtool: Promtool, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    config = files.text(files.FOLDER / "prometheus" / "prometheus.yml")
    (tmp_path / "prometheus.yml").write_text(config, encoding="utf-8")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_the_expressions_of_the_panels_are_well_formed(promtool: Promtool, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(files.panel_expressions().values())
    ]
    text = yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    (tmp_path / "panels.yml").write_text(text, encoding="utf-8")
    assert f"{len(rules)} rules found" in promtool("check", "rules", "panels.yml")


@pytest.mark.checklist("OBS-5")
@pytest.mark.parametrize("cases", ["alerts", "days"])
def test_alerts_fire_when_they_should_and_not_before(
    promtool: Promtool, tmp_path: Path, cases: str
) -> None:
    name = f"test_{cases}.yml"  # its rules lie beside it
    text = (HERE / f"{cases}.yml").read_text(encoding="utf-8")
    written = text.replace(files.ANSWERS["repository_url"], files.repository())
    (tmp_path / name).write_text(written, encoding="utf-8")
    promtool("test", "rules", name)


def test_every_alert_leads_to_its_runbook() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9-]", "", it.lower().replace(" ", "-")) for it in headings}
    for alert in files.alerts():
        url = alert["annotations"]["runbook_url"]
        page, _, anchor = url.partition("#")
        assert page.endswith("/blob/main/docs/runbooks.md")
        assert anchor in anchors, alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket")


def test_every_dashboard_and_alert_is_one_of_a_kind() -> None:
    names = [it["alert"] for it in files.alerts()]
    assert len(set(names)) == len(names) > 15
    uids = [it["uid"] for it in files.dashboards().values()]
    assert sorted(f"{uid}.json" for uid in uids) == sorted(files.dashboards())
