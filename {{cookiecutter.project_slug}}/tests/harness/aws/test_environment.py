"""What the templates set are settings of the service, and values with which it starts in production."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest

from harness.application import Application
from tests.harness.aws.templates import Templates, flat
from tests.support.agents import TEST_AGENTS

pytestmark = [
    pytest.mark.checklist("PERM-1"),
    pytest.mark.skipif(find_spec("harness.storage.dynamodb") is None, reason="there is no store in DynamoDB"),
]

NOT_OURS = {"AWS_REGION", "HOME", "TMPDIR", "SETTINGS"}
"""Read by AWS's library, Python, and our command line."""

CHOSEN = {"AUTHENTICATION": "oidc", "LLM_MODEL": ""}
"""Of what a condition decides, what production.json leads to; empty: the first way."""


def of_fargate() -> Mapping[str, Any]:
    (task,) = Templates.load().resources("AWS::ECS::TaskDefinition")
    pairs = flat(flat(task.properties["ContainerDefinitions"])[0]["Environment"])
    return {it["Name"]: it["Value"] for it in pairs}


def of_agentcore(**given: str) -> Mapping[str, Any]:
    templates = Templates.load()
    templates = replace(templates, given={**templates.given, **given})
    (runtime,) = templates.resources("AWS::BedrockAgentCore::Runtime")
    found: Mapping[str, Any] = runtime.properties["EnvironmentVariables"]
    return found


def chosen(name: str, value: Any) -> str:
    text = str(CHOSEN.get(name) or flat(value)[0] if isinstance(value, list) else value)
    return re.sub(r"Database-Endpoint\.(\w+)", lambda it: "5432" if it[1] == "Port" else "database.example", text)


@pytest.mark.parametrize("host", [of_fargate, of_agentcore])
def test_a_service_starts_with_what_its_template_sets(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = {"API_KEYS_FILE", "INJECTION_BEDROCK_GUARDRAIL"}  # production.json names no secret and no guardrail
    variables = {name: chosen(name, value) for name, value in host().items() if name not in left_out}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    application = Application(TEST_AGENTS)
    settings = application.settings()
    known = {type(settings).variable(name) for name in type(settings).model_fields}
    assert variables.keys() - known == NOT_OURS & variables.keys()
    assert settings.environment == "production"
    assert settings.log_format == "cloudwatch"
    assert settings.llm_model == f"bedrock_converse:{Templates.load().given['ModelArn']}"


def test_the_owner_s_further_settings_reach_the_process_on_agentcore() -> None:
    assert flat(of_agentcore(Settings="OIDC_SCOPES=token")["SETTINGS"]) == ["OIDC_SCOPES=token"]
