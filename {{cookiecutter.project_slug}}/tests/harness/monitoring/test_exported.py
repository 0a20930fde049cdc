"""Every series that a panel or an alert names is exported by a running service, with those labels."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.runtime.agent import ToolResult
from harness.sources.policy import Policy
from harness.telemetry.audit_log import AuditLog, Decision
from harness.telemetry.metrics import BREAKABLE_GUARDS, REGISTRY
from tests.conformance.conftest import Served, model_server, served  # noqa: F401  # fixtures
from tests.harness.monitoring import conftest as files
from tests.support.agents import MoonsAgent
from tests.support.peers.openai_replies import Failure, Text, ToolCalls

pytestmark = pytest.mark.checklist("OBS-3")

Samples = dict[str, list[dict[str, str]]]

QUESTION = {"message": "How many moons has Mars?", "thread_id": "t1"}

PROMETHEUS_OWN = {"up"}
"""What Prometheus itself makes of each target."""

DECLARED = {"decision": set(get_args(Decision))}
"""Labels whose values a type declares: not each of them can be made to happen here."""


class ReadingAgent(MoonsAgent):
    """Reads its number from a data source, and notes a decision as guards do."""

    name = "moons"

    def policy(self) -> Policy:
        return Policy(tools=frozenset({"look_up"}), hosts=frozenset({"moons.example"}))

    async def look_up(self, name: str) -> ToolResult:
        """The number of one name in the table."""
        AuditLog.record("of-the-test", "observed", "planted")
        await self.resources.http.get_xml("https://moons.example/feed")
        return await super().look_up(name)

    @staticmethod
    async def fake_source(request: httpx2.Request) -> httpx2.Response:
        """A feed."""
        return httpx2.Response(200, headers={"content-type": "text/xml"}, content=b"<moons/>")


class DryAgent(ReadingAgent):
    """Its source is down."""

    name = "heights"
    keywords = {"en": ("high",), "es": ("alto",)}

    @staticmethod
    async def fake_source(request: httpx2.Request) -> httpx2.Response:
        """Nothing."""
        return httpx2.Response(503)


async def samples_of(client: httpx2.AsyncClient) -> Samples:
    text = (await client.get("/metrics")).text
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def live(served: Served, folder: Path) -> Samples:  # noqa: F811  # the fixture
    """What a service exports to which everything has happened that is counted."""
    key = NewKey.make("ana", [Scope.CHAT], None)
    file = folder / "keys.jsonl"
    file.write_text(key.record.line + "\n", encoding="utf-8")
    model = "openai:scripted-agent"
    await served.start(
        ReadingAgent,
        DryAgent,
        authentication="keys",
        api_keys_file=file,
        use_fake_data=True,
        llm_planner_model="embedded",
        llm_fallback_models="openai:scripted-writer",
        llm_prices={model: [1, 1]},
        llm_max_retries=0,
        data_max_retries=0,
        quota_thread_day_messages=7,
        quota_service_day_usd=100,
        answer_cache_ttl_seconds=0,
    )
    client = served.client
    await client.post("/v1/chat", json=QUESTION)  # nobody
    client.headers["Authorization"] = f"Bearer {key.text}"

    looks_up = ToolCalls([("look_up", {"name": "mars"})])
    run_ids = []
    for reply in (
        looks_up,
        Text("Mars has 77 moons."),  # no tool said so
        ToolCalls([("erase_everything", {})]),
        Failure(503, "down"),  # the fallback is asked, and fails as well
    ):
        served.model.breaks(reply)
        answer = await client.post("/v1/chat", json=QUESTION)
        assert answer.status_code == 200, answer.text
        run_ids.append(answer.json()["run_id"])
    served.model.breaks(looks_up)
    await client.post("/v1/chat", json={"message": "How high is Mars?", "thread_id": "t1"})
    rating = {"run_id": run_ids[0], "rating": "up"}
    assert (await client.post("/v1/feedback", json=rating)).status_code == 204
    answers = [await client.post("/v1/chat", json=QUESTION) for _ in range(3)]
    assert answers[-1].status_code == 429
    served.door.running.shutdown.cancel_all()
    assert (await client.post("/v1/chat", json=QUESTION)).status_code == 503
    return await samples_of(client)


async def test_every_series_of_a_panel_or_a_rule_is_exported(
    served: Served, tmp_path: Path  # noqa: F811  # the fixture
) -> None:
    exported = await live(served, tmp_path)
    for name, declared in DECLARED.items():
        for samples in exported.values():
            if samples and name in samples[0]:
                samples += [samples[0] | {name: value} for value in declared]
    made = files.recorded() | PROMETHEUS_OWN
    problems = [
        f"{where}: {problem}"
        for where, expression in files.expressions().items()
        for selector in files.Selectors.of(expression)
        if selector.metric not in made
        if (problem := selector.problem(exported.get(selector.metric, [])))
    ]
    assert not problems, "\n".join(problems)


def found(expression: str) -> Sequence[str]:
    return sorted({it.metric for it in files.Selectors.of(expression)})


def test_series_are_found_however_an_expression_is_written() -> None:
    assert found('sum by (a, b) (rate(x_total{c="d"}[5m])) / y > 2 * job:z:rate5m or up == 0') == [
        "job:z:rate5m",
        "up",
        "x_total",
        "y",
    ]
    assert found("histogram_quantile(0.95, sum by (le) (rate(x_bucket[10m])))") == ["x_bucket"]
    (selector,) = files.Selectors.of('max by (b) (x{a=~"1|2",c!="d"})')
    assert selector.matchers == (("a", "=~", "1|2"), ("c", "!=", "d"))
    assert selector.labels == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ([], "x is not exported"),
        ([{"c": "1"}], "x has no label a"),
        ([{"a": "3"}], "x is never exported with a=~1|2"),
        ([{"a": "3"}, {"a": "2"}], ""),
    ],
)
def test_a_series_that_is_not_exported_is_named(samples: Sequence[dict[str, str]], problem: str) -> None:
    (selector,) = files.Selectors.of('rate(x{a=~"1|2",job="service"}[5m])')
    assert selector.problem(samples) == problem


def test_a_guard_that_can_break_is_counted_from_nought() -> None:
    source = files.PROJECT / "src" / "harness"
    text = "".join(file.read_text(encoding="utf-8") for file in source.rglob("*.py"))
    breakable = set(re.findall(r'AuditLog\.record\(\s*"(\w+)",\s*"failed"', text))
    assert breakable == set(BREAKABLE_GUARDS)
    for guard in breakable:
        labels = {"guard": guard, "decision": "failed"}
        assert REGISTRY.get_sample_value("guard_decisions_total", labels) is not None


def test_the_decisions_that_rules_name_exist() -> None:
    assert {"refused", "withheld", "failed"} <= DECLARED["decision"]
