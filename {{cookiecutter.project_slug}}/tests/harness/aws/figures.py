"""What alarms and the dashboard name, held against what LOG_FORMAT=cloudwatch tells."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.telemetry.formats.cloudwatch import Series
from tests.harness.aws.templates import Templates

SEARCH = re.compile(r"""SEARCH\('\{"([^"]+)",(\w+)\} MetricName="(\w+)"', """)
METRICS_OF_ALARMS = 10
"""Most in one alarm; AWS's limit."""


@dataclass(frozen=True)
class Figure:
    """One metric as an alarm or a panel names it."""

    place: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    """With values in alarms, without in searches of panels."""


class Watched:
    """Every figure that the templates name."""

    @classmethod
    def of(cls, templates: Templates) -> Iterator[Figure]:
        """Those of alarms, then those of dashboards."""
        for alarm in templates.resources("AWS::CloudWatch::Alarm"):
            yield from cls._of_alarm(alarm.place, alarm.properties)
        for dashboard in templates.resources("AWS::CloudWatch::Dashboard"):
            for widget in json.loads(dashboard.properties["DashboardBody"])["widgets"]:
                for metric in widget["properties"]["metrics"]:
                    yield cls._of_panel(widget["properties"]["title"], metric)

    @staticmethod
    def _of_alarm(place: str, alarm: Mapping[str, Any]) -> Iterator[Figure]:
        parts = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", ()) if "MetricStat" in it]
        for it in parts or [alarm]:
            dimensions = {pair["Name"]: pair["Value"] for pair in it.get("Dimensions", ())}
            yield Figure(place, it["Namespace"], it["MetricName"], dimensions)

    @staticmethod
    def _of_panel(title: str, metric: list[Any]) -> Figure:
        match metric:
            case [{"expression": expression}]:
                found = SEARCH.match(expression)
                assert found, expression
                return Figure(title, found[1], found[3], {found[2]: ""})
            case [namespace, name]:
                return Figure(title, namespace, name, {})
        raise ValueError(f"{title}: {metric}")


def problems(templates: Templates) -> Iterator[str]:
    """Figures that nobody tells, or not by these dimensions; one sentence each."""
    told = {series.name: {frozenset(it) for it in series.dimensions} for series in Series.load()}
    for it in Watched.of(templates):
        if frozenset(it.dimensions) not in told.get(it.name, set()):
            yield f"{it.place}: nobody tells {it.name} by {sorted(it.dimensions)}"
        if it.namespace != templates.given["Name"]:
            yield f"{it.place}: figures are told in {templates.given['Name']}, not in {it.namespace}"
