"""Tests of `card`: what it says by settings, and where it points to."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from harness.application import Application
from harness.endpoints.a2a.card import Card
from harness.endpoints.a2a.endpoint import A2AEndpoint
from harness.runtime.agent import Agent
from harness.settings import Settings
from tests.support.agents import TEST_AGENTS, MoonsAgent

pytestmark = pytest.mark.checklist("INT-2")


def card(**settings: Any) -> dict[str, Any]:
    made = Card(Application(TEST_AGENTS), Settings(**settings), "https://a.example/a2a", "https://a.example/a2a/rest")
    return dict(MessageToDict(made.card))


def test_nobody_has_to_prove_anything_where_authentication_is_off() -> None:
    assert not {"securitySchemes", "securityRequirements"} & card().keys()


def test_each_way_to_prove_who_calls_is_enough() -> None:
    oidc: dict[str, Any] = {"oidc_issuer": "https://id.example/realm/", "oidc_audience": "a"}
    told = card(authentication="both", api_keys_file="keys", **oidc)
    assert set(told["securitySchemes"]) == {"bearer", "apiKey", "oidc"}
    url = told["securitySchemes"]["oidc"]["openIdConnectSecurityScheme"]["openIdConnectUrl"]
    assert url == "https://id.example/realm/.well-known/openid-configuration"
    assert [list(it["schemes"]) for it in told["securityRequirements"]] == [["bearer"], ["apiKey"], ["oidc"]]
    assert told["securityRequirements"][2]["schemes"]["oidc"] == {"list": ["chat"]}
    assert list(card(authentication="oidc", **oidc)["securitySchemes"]) == ["oidc"]


def test_it_speaks_the_services_language() -> None:
    told = card(language="es")
    assert told["skills"][0]["description"] == "Lunas de un planeta."
    assert told["skills"][0]["tags"] == ["luna"]


def test_an_agent_without_keywords_is_tagged_by_its_name() -> None:
    class Plain(MoonsAgent):
        name = "plain"
        keywords = {"en": ()}
        examples = {"en": ()}

    agents: list[type[Agent[Any]]] = [Plain]
    [skill] = Card(Application(agents), Settings(language="en"), "u", "v").card.skills
    assert list(skill.tags) == ["plain"]


def test_it_points_to_the_public_address_and_never_guesses_one() -> None:
    for given, there in (("https://a.example/x", "https://a.example/x"), (None, "http://127.0.0.1:8000")):
        endpoint = A2AEndpoint(Application(TEST_AGENTS), Settings(public_url=given))
        urls = [it.url for it in endpoint._card.card.supported_interfaces]
        assert urls == [f"{there}/a2a", f"{there}/a2a/rest"]
