"""Credentials of AWS on EKS: what each way to them needs is let through, and the cloud's metadata are not."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.checklist("PERM-1")

FOLDER = Path(__file__).parents[4] / "deploy" / "kubernetes"
AGENT = "169.254.170.23"
"""Where EKS's agent hands out credentials; docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html"""

METADATA = "169.254.169.254"


def reaches(policies: list[dict[str, Any]], address: str, port: int) -> bool:
    """True where a rule lets the service's pods call there."""
    for policy in policies:
        for rule in policy["spec"].get("egress", ()):
            ports = {it["port"] for it in rule["ports"]}
            if port in ports and any(_holds(to.get("ipBlock"), address) for to in rule["to"]):
                return True
    return False


def _holds(block: dict[str, Any] | None, address: str) -> bool:
    found = ipaddress.ip_address(address)
    if not block or found not in ipaddress.ip_network(block["cidr"]):
        return False
    return not any(found in ipaddress.ip_network(it) for it in block.get("except", ()))


def policies(*files: Path) -> list[dict[str, Any]]:
    return [it for file in files for it in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


BASE = policies(FOLDER / "base" / "network-policy.yaml")
WITH_AGENT = BASE + policies(FOLDER / "components" / "pod-identity" / "network-policy.yaml")


def test_the_agent_of_pod_identity_is_reached_with_its_component_alone() -> None:
    assert not reaches(BASE, AGENT, 80)
    assert reaches(WITH_AGENT, AGENT, 80)
    assert reaches(WITH_AGENT, "fd00:ec2::23", 80)


def test_a_projected_token_is_exchanged_over_https_which_every_pod_may() -> None:
    assert reaches(BASE, "203.0.113.7", 443)


@pytest.mark.parametrize("port", [80, 443])
def test_the_credentials_of_the_node_stay_out_of_reach(port: int) -> None:
    assert not reaches(WITH_AGENT, METADATA, port)
    assert not reaches(WITH_AGENT, "fd00:ec2::254", port)


def test_only_the_services_pods_reach_the_agent() -> None:
    (policy,) = policies(FOLDER / "components" / "pod-identity" / "network-policy.yaml")
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "service"}}
    assert [port for rule in policy["spec"]["egress"] for port in rule["ports"]] == [{"protocol": "TCP", "port": 80}]
