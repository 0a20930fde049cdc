"""Tests of `prometheus` and `rules`."""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.harness.monitoring import conftest as files
from tests.harness.monitoring.conftest import Promtool
from tests.support.peers.openai_replies import Failure
from tests.support.peers.openai_server import OpenAIServer
from tests.support.processes import PATIENCE_SECONDS, Process, processes
from tests.support.prometheus import Prometheus

# A real Prometheus with our own configuration collects from a real service, and its alerts fire.

SHORT = "200ms"
"""Between two looks: a test is not to wait for 15 s."""


def configured(prometheus: Prometheus, target: str) -> Prometheus:
    """Our own files, in a hurry."""
    config = files.text(files.FOLDER / "prometheus" / "prometheus.yml")
    config = re.sub(r"_interval: \w+", f"_interval: {SHORT}", config)
    assert '"service:8000"' in config
    prometheus.config = config.replace("service:8000", target)
    prometheus.rules = {name: re.sub(r"for: \w+", f"for: {SHORT}", text) for name, text in files.rules().items()}
    return prometheus


class Alerts:
    """What Prometheus says is wrong."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._client = httpx2.Client(base_url=prometheus.url)

    def __enter__(self) -> "Alerts":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        answer = self._client.get(path)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def firing(self) -> set[str]:
        alerts = self.get("/api/v1/alerts")["alerts"]
        return {it["labels"]["alertname"] for it in alerts if it["state"] == "firing"}

    def wait(self, is_so: Callable[[set[str]], bool]) -> set[str]:
        """The alerts that fire, as soon as it is so."""
        last = time.monotonic() + PATIENCE_SECONDS
        while not is_so(firing := self.firing()):
            assert time.monotonic() < last, firing
            time.sleep(0.1)
        return firing


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Process]:
    """A service whose model is down, and which takes its time to end."""
    with OpenAIServer(lambda _: Failure(503, "down")) as model:
        settings = {
            "DATABASE_URL": "memory://",
            "LLM_MODEL": "openai:scripted",
            "LLM_BASE_URL": model.url,
            "LLM_API_KEY": "no-key",
            "LLM_MAX_RETRIES": "0",
            "LLM_BREAKER_FAILURES": "2",
            "SHUTDOWN_DELAY_SECONDS": "60",
        }
        with processes(1, settings, tmp_path) as (service,):
            yield service


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends without a signal")
@pytest.mark.checklist("OBS-2", "OBS-3", "OBS-5")
def test_a_model_that_is_down_and_a_service_that_is_not_ready_are_alerts(
    prometheus: Prometheus, service: Process
) -> None:
    target = service.client.base_url.netloc.decode()
    with configured(prometheus, target).running(), Alerts(prometheus) as alerts:
        query = "/api/v1/query?query=ready"
        while len(alerts.get(query)["result"]) < 5:  # one of each part
            time.sleep(0.05)
        assert not alerts.firing() & {"ModelDown", "ServiceNotReady", "ServiceDown", "StoreAway"}

        for _ in range(2):  # a plan and an agent's answer each
            answer = service.client.post("/v1/chat", json={"message": "Moons of Mars"})
            assert answer.json()["degraded"] is True
        firing = alerts.wait(lambda it: "ModelDown" in it)
        assert "ServiceNotReady" not in firing
        assert service.client.get("/readyz").status_code == 200  # without a model it still answers

        service.process.send_signal(signal.SIGTERM)
        firing = alerts.wait(lambda it: "ServiceNotReady" in it)
        assert "ServiceDown" not in firing
        assert service.client.get("/readyz").status_code == 503

        service.process.kill()
        alerts.wait(lambda it: "ServiceDown" in it)
        rules = alerts.get("/api/v1/rules")["groups"]
        failed = [it for group in rules for it in group["rules"] if it["health"] == "err"]
        assert failed == []


# Rules and panels are well formed, alerts fire when they should, and each leads to its runbook.

HERE = Path(__file__).parent
RUNBOOKS = files.PROJECT / "docs" / "runbooks.md"


@pytest.mark.checklist("OBS-3")
def test_the_rules_are_well_formed(promtool: Promtool) -> None:
    assert "SUCCESS" in promtool("check", "rules", *files.rules())


@pytest.mark.checklist("OBS-3")
def test_the_configuration_of_prometheus_is_well_formed(promtool: Promtool, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    config = files.text(files.FOLDER / "prometheus" / "prometheus.yml")
    (tmp_path / "prometheus.yml").write_text(config, encoding="utf-8")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@pytest.mark.checklist("OBS-3")
def test_the_expressions_of_the_panels_are_well_formed(promtool: Promtool, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(files.panel_expressions().values())
    ]
    text = yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    (tmp_path / "panels.yml").write_text(text, encoding="utf-8")
    assert f"{len(rules)} rules found" in promtool("check", "rules", "panels.yml")


@pytest.mark.checklist("OBS-3")
@pytest.mark.checklist("OBS-5")
@pytest.mark.parametrize("cases", ["alerts", "days"])
def test_alerts_fire_when_they_should_and_not_before(promtool: Promtool, tmp_path: Path, cases: str) -> None:
    name = f"test_{cases}.yml"  # its rules lie beside it
    text = (HERE / f"{cases}.yml").read_text(encoding="utf-8")
    written = text.replace(files.ANSWERS["repository_url"], files.repository())
    (tmp_path / name).write_text(written, encoding="utf-8")
    promtool("test", "rules", name)


@pytest.mark.checklist("OBS-3")
def test_every_alert_leads_to_its_runbook() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9-]", "", it.lower().replace(" ", "-")) for it in headings}
    for alert in files.alerts():
        url = alert["annotations"]["runbook_url"]
        page, _, anchor = url.partition("#")
        assert page.endswith("/blob/main/docs/runbooks.md")
        assert anchor in anchors, alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket")


@pytest.mark.checklist("OBS-3")
def test_every_dashboard_and_alert_is_one_of_a_kind() -> None:
    names = [it["alert"] for it in files.alerts()]
    assert len(set(names)) == len(names) > 15
    uids = [it["uid"] for it in files.dashboards().values()]
    assert sorted(f"{uid}.json" for uid in uids) == sorted(files.dashboards())
