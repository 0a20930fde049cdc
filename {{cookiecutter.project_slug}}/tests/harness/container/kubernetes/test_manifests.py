"""Every pod of the manifests asks for nothing: Kubernetes' own level `restricted`, and less."""

import copy
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[4]
KUBERNETES = PROJECT / "deploy" / "kubernetes"
BASE = KUBERNETES / "base"

Manifest = Mapping[str, Any]


def documents(text: str) -> list[dict[str, Any]]:
    return [it for it in yaml.safe_load_all(text) if it]


def manifests() -> list[dict[str, Any]]:
    files = [file for file in sorted(BASE.glob("*.yaml")) if file.name != "kustomization.yaml"]
    return [it for file in files for it in documents(file.read_text(encoding="utf-8"))]


def pods(found: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in found:
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield f"{manifest['kind']} {manifest['metadata']['name']}", spec["template"]["spec"]


class Restricted:
    """What a pod asks for beyond nothing: kubernetes.io/docs/concepts/security/pod-security-standards."""

    SHARED = ("hostNetwork", "hostPID", "hostIPC")
    VOLUMES = ("configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim")

    def faults(self, pod: Manifest) -> Iterator[str]:
        yield from (key for key in self.SHARED if pod.get(key))
        if pod.get("automountServiceAccountToken") is not False:
            yield "a token of the cluster"
        of_pod = pod.get("securityContext", {})
        if of_pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield "every system call"
        for volume in pod.get("volumes", ()):
            if not any(kind in volume for kind in self.VOLUMES):
                yield f"the volume {volume['name']}"
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            yield from self._of_container({**of_pod, **container.get("securityContext", {})})
            if not container.get("resources", {}).get("limits", {}).get("memory"):
                yield "all memory"

    @staticmethod
    def _of_container(asked: Manifest) -> Iterator[str]:
        if asked.get("privileged") or asked.get("allowPrivilegeEscalation") is not False:
            yield "more privileges"
        if not asked.get("runAsNonRoot") or not asked.get("runAsUser"):
            yield "root"
        if not asked.get("readOnlyRootFilesystem"):
            yield "its root file system"
        capabilities = asked.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield "capabilities"


@pytest.mark.checklist("PERM-1", "PERM-4")
def test_every_pod_asks_for_nothing() -> None:
    found = dict(pods(manifests()))
    assert set(found) == {"Deployment service", "CronJob retention"}
    assert {name: [*Restricted().faults(pod)] for name, pod in found.items()} == {
        name: [] for name in found
    }


PLANTED: Mapping[str, Any] = {
    "more privileges": {"securityContext": {"privileged": True}},
    "root": {"securityContext": {"runAsUser": 0}},
    "capabilities": {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}},
    "its root file system": {"securityContext": {"readOnlyRootFilesystem": False}},
    "all memory": {"resources": {}},
}


@pytest.mark.parametrize("wanted", PLANTED)
def test_a_container_that_asks_for_more_is_named(wanted: str) -> None:
    _, pod = next(pods(copy.deepcopy(manifests())))
    (container,) = pod["containers"]
    for key, value in PLANTED[wanted].items():
        container[key] = {**container[key], **value} if value else value
    assert list(Restricted().faults(pod)) == [wanted]


@pytest.mark.parametrize("key", Restricted.SHARED)
def test_a_pod_that_shares_the_machine_is_named(key: str) -> None:
    _, pod = next(pods(copy.deepcopy(manifests())))
    assert list(Restricted().faults({**pod, key: True})) == [key]


@pytest.mark.checklist("PERM-1")
def test_nothing_in_the_namespace_is_reached_or_reaches_unless_a_policy_names_it() -> None:
    policies = {
        it["metadata"]["name"]: it["spec"] for it in manifests() if it["kind"] == "NetworkPolicy"
    }
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (calls,) = policies["calls"]["ingress"]
    assert calls["from"]
    assert calls["ports"] == [{"protocol": "TCP", "port": "http"}]
    blocks = [
        to["ipBlock"]
        for rule in policies["reach"]["egress"]
        for to in rule["to"]
        if "ipBlock" in to
    ]
    world = [block for block in blocks if block["cidr"].endswith("/0")]
    assert len(world) == 2
    assert "169.254.0.0/16" in world[0]["except"]  # the cloud's metadata, with its credentials
    assert "10.0.0.0/8" in world[0]["except"]


def test_the_cluster_waits_longer_than_the_service_takes_to_end() -> None:
    lines = (BASE / "settings.env").read_text(encoding="utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    needed = int(settings["SHUTDOWN_DELAY_SECONDS"]) + int(settings["SHUTDOWN_GRACE_SECONDS"]) + 3
    deployment = dict(pods(manifests()))["Deployment service"]
    assert deployment["terminationGracePeriodSeconds"] > needed


@pytest.mark.checklist("PERM-4")
@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_an_overlay_renders_into_a_namespace_that_refuses_more(overlay: str) -> None:
    folder = KUBERNETES / "overlays" / overlay
    if not folder.is_dir():
        pytest.skip(f"you have no overlay {overlay}")
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(folder)]
    rendered = documents(subprocess.run(command, capture_output=True, check=True).stdout.decode())
    (namespace,) = [it for it in rendered if it["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [it for it in rendered if it is not namespace]
    assert {it["metadata"]["namespace"] for it in others} == {namespace["metadata"]["name"]}
    for name, pod in pods(rendered):
        assert [*Restricted().faults(pod)] == [], name
        assert not pod["containers"][0]["image"].startswith("service:"), name
