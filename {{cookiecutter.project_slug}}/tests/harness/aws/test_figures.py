"""Alarms and dashboard are those of Prometheus, and speak of what is told; `test_rules.py` holds names and dimensions."""

from typing import Any, get_args

import pytest
import yaml

from harness.settings import Settings
from harness.telemetry.audit_log import Decision
from harness.telemetry.metrics import SOURCE_CALLS
from tests.conftest import Door
from tests.harness.aws.figures import METRICS_OF_ALARMS, Watched
from tests.harness.aws.templates import PROJECT, Templates

pytestmark = pytest.mark.checklist("OBS-3")

RULES = PROJECT / "monitoring" / "prometheus" / "rules"

LEFT_OUT = {
    "AvailabilityBudgetPage": "two windows of hours and days",
    "AvailabilityBudgetTicket": "two windows of hours and days",
    "LatencyBudgetPage": "two windows of hours and days",
    "LatencyBudgetTicket": "two windows of hours and days",
}
"""Alerts without an alarm: CloudWatch's have one window, of a day at most."""

TOLD_OTHERWISE = {
    "SlowAnswers": "a share of slow ones: CloudWatch gets no percentile of buckets",
    "GuardRefusalsSurge": "a band around the usual",
    "LimitsSurge": "a band around the usual",
    "CallersRefusedSurge": "a band around the usual",
}
"""Alarms that measure the same by another figure, and why."""


def alerts() -> dict[str, dict[str, Any]]:
    files = sorted(RULES.glob("*.yml"))
    if not files:
        pytest.skip("the project has no monitoring/")
    texts = [file.read_text(encoding="utf-8") for file in files]
    groups = [group for text in texts for group in yaml.safe_load(text)["groups"]]
    return {it["alert"]: it for group in groups for it in group["rules"] if "alert" in it}


def alarms() -> dict[str, dict[str, Any]]:
    return {it.name: dict(it.properties) for it in Templates.load().resources("AWS::CloudWatch::Alarm")}


def seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def test_every_alert_is_an_alarm_of_its_name_or_has_a_reason() -> None:
    assert alarms().keys() == alerts().keys() - LEFT_OUT.keys()
    assert {it["AlarmName"] for it in alarms().values()} == {
        f"{Templates.load().given['Name']}-{name}" for name in alarms()
    }


def test_an_alarm_reaches_whom_its_alert_reaches_after_the_same_time() -> None:
    for name, alert in alerts().items():
        if name in LEFT_OUT:
            continue
        alarm = alarms()[name]
        (topic,) = alarm["AlarmActions"]
        assert topic.rpartition(":")[2].lower() == alert["labels"]["severity"], name
        metrics = [it["MetricStat"] for it in alarm.get("Metrics", ()) if "MetricStat" in it]
        (period,) = {it["Period"] for it in metrics or [alarm]}
        assert period * alarm["EvaluationPeriods"] == max(seconds(alert.get("for", "1m")), period), name


@pytest.mark.parametrize("name", ["ErrorRate", "QueueLong", "AnswersDegraded", "SourceFails", "BudgetGone"])
def test_an_alarm_and_its_alert_have_one_threshold(name: str) -> None:
    limit = float(alerts()[name]["expr"].split(">")[-1])
    alarm = alarms()[name]
    assert name not in TOLD_OTHERWISE
    assert alarm["Threshold"] == pytest.approx(limit * (100 if "Metrics" in alarm else 1))


async def test_values_of_dimensions_are_values_that_are_told(door: Door) -> None:
    await door.open(Settings(database_url="memory://"))
    told = {
        "part": {*await door.running.parts()},
        "decision": {*get_args(Decision)},
        "outcome": {*SOURCE_CALLS._documentation.partition("Outcome: ")[2].rstrip(".").split(", ")},
        "degraded": {"true", "false"},
        "status": {"2xx", "3xx", "4xx", "5xx", "none"},
        "le": {"10.0", "+Inf"},
    }
    for figure in Watched.of(Templates.load()):
        for label, value in figure.dimensions.items():
            assert not value or value in told[label], figure


def test_no_alarm_has_more_figures_than_aws_lets_it_have() -> None:
    assert all(len(it.get("Metrics", ())) <= METRICS_OF_ALARMS for it in alarms().values())


def test_the_budget_warns_of_its_forecast_before_it_is_spent() -> None:
    (budget,) = Templates.load().resources("AWS::Budgets::Budget")
    kinds = [it["Notification"]["NotificationType"] for it in budget.properties["NotificationsWithSubscribers"]]
    assert kinds == ["FORECASTED", "ACTUAL"]
