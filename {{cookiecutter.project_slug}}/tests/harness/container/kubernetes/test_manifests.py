"""Tests of `manifests`, `pod` and `rollback`."""

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.telemetry.metrics import REGISTRY
from tests.harness.container.machine import Checkout, Container, free_port
from tools.containers import Failed, ask, is_podman
from tools.rollback import with_kubernetes

# Every pod of the manifests asks for nothing: Kubernetes' own level `restricted`, and less.

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
    assert {name: [*Restricted().faults(pod)] for name, pod in found.items()} == {name: [] for name in found}


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
    policies = {it["metadata"]["name"]: it["spec"] for it in manifests() if it["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (calls,) = policies["calls"]["ingress"]
    assert calls["from"]
    assert calls["ports"] == [{"protocol": "TCP", "port": "http"}]
    blocks = [to["ipBlock"] for rule in policies["reach"]["egress"] for to in rule["to"] if "ipBlock" in to]
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


def render(overlay: Path) -> list[dict[str, Any]]:
    """What kubectl makes of an overlay."""
    if not overlay.is_dir():
        pytest.skip(f"you have no overlay {overlay.name}")
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(overlay)]
    return documents(subprocess.run(command, capture_output=True, check=True).stdout.decode())


@pytest.mark.checklist("PERM-4")
@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_an_overlay_renders_into_a_namespace_that_refuses_more(overlay: str) -> None:
    rendered = render(KUBERNETES / "overlays" / overlay)
    (namespace,) = [it for it in rendered if it["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [it for it in rendered if it is not namespace]
    assert {it["metadata"]["namespace"] for it in others} == {namespace["metadata"]["name"]}
    for name, pod in pods(rendered):
        assert [*Restricted().faults(pod)] == [], name
        assert not pod["containers"][0]["image"].startswith("service:"), name
        assert overlay != "production" or "@sha256:" in pod["containers"][0]["image"], name


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_selectors_of_an_overlay_name_its_instance_and_still_find_the_clusters_dns(overlay: str) -> None:
    instance = "app.kubernetes.io/instance"
    rendered = render(KUBERNETES / "overlays" / overlay)
    if instance not in str(rendered):
        pytest.skip("your overlay has no instances")
    selectors = {
        "Deployment": lambda spec: spec["selector"]["matchLabels"],
        "Service": lambda spec: spec["selector"],
        "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
    }
    found = [selectors[it["kind"]](it["spec"])[instance] for it in rendered if it["kind"] in selectors]
    labelled = [it["spec"]["template"]["metadata"]["labels"] for it in rendered if it["kind"] == "Deployment"]
    assert [labels[instance] for labels in labelled] * len(selectors) == found
    policies = {it["metadata"]["name"]: it["spec"] for it in rendered if it["kind"] == "NetworkPolicy"}
    assert policies["nothing"]["podSelector"] == {}
    assert policies["calls"]["podSelector"]["matchLabels"][instance] == found[0]
    assert {"k8s-app": "kube-dns"} in [
        to["podSelector"]["matchLabels"] for to in policies["reach"]["egress"][0]["to"] if "podSelector" in to
    ]


def test_a_cluster_with_an_adapter_scales_by_the_requests_under_way(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes", ignore=shutil.ignore_patterns("overlays"))
    overlay = tmp_path / "kubernetes" / "overlays" / "live"
    overlay.mkdir(parents=True)
    scaling = "components: [../../components/requests-scaling]\n"
    (overlay / "kustomization.yaml").write_text(OVERLAY + scaling, encoding="utf-8")
    (scaler,) = [it for it in render(overlay) if it["kind"] == "HorizontalPodAutoscaler"]
    processor, requests = scaler["spec"]["metrics"]
    assert processor["resource"]["name"] == "cpu"
    assert requests["pods"]["metric"]["name"] == "requests_running"
    assert REGISTRY.get_sample_value("requests_running") is not None


# The pod of the manifests, run by podman: it starts with what Kubernetes would give it.


def pod_of(image: str, name: str, port: int, secrets: Path) -> dict[str, Any]:
    """The deployment's pod as podman can run it: this image, the host's network, secrets of a folder."""
    pod = dict(pods(manifests()))["Deployment service"]
    lines = (BASE / "settings.env").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    given |= {"HOST": "127.0.0.1", "PORT": str(port), "SHUTDOWN_DELAY_SECONDS": "0"}
    (container,) = pod["containers"]
    del container["envFrom"]
    del container["ports"]  # on the host's network there is nothing to publish
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        del container[probe]  # podman hands them to systemd, which is not everywhere
    container["image"], container["imagePullPolicy"] = image, "Never"
    container["env"] = [{"name": key, "value": value} for key, value in given.items()]
    for volume in pod["volumes"]:
        if "secret" in volume:
            del volume["secret"]
            volume["hostPath"] = {"path": str(secrets), "type": "Directory"}
    for key in ("topologySpreadConstraints", "serviceAccountName", "enableServiceLinks"):
        pod.pop(key)
    pod["hostNetwork"] = True
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod}


@pytest.fixture
def pod(engine: str, checkout: Checkout, image: str, tmp_path: Path) -> Iterator[Container]:
    if not is_podman(engine):
        pytest.skip("only podman plays manifests (CONTAINER_ENGINE=podman)")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "llm_api_key").write_text("")
    (secrets / "api-keys.jsonl").write_text("")
    for file in secrets.iterdir():
        file.chmod(0o644)
    made = Container(engine, image, port := free_port())
    file = tmp_path / "pod.yaml"
    name = f"{made.name}-pod"
    file.write_text(yaml.safe_dump(pod_of(image, name, port, secrets)), encoding="utf-8")
    made.name = f"{name}-service"
    try:
        ask(engine, "kube", "play", str(file))
        yield made
    finally:
        made.client.close()
        command = [engine, "kube", "down", str(file)]
        subprocess.run(command, capture_output=True, check=False)


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("PERM-4", "DEP-1")
def test_the_pod_serves_with_a_read_only_root_and_no_capability(pod: Container, checkout: Checkout) -> None:
    assert pod.wait("/version")["version"] == Checkout.VERSIONS[0]
    assert pod.wait("/readyz")["callers"]["mode"] == "keys"
    assert pod.client.post("/v1/chat", json={"message": "Hello"}).status_code == 401
    status = pod.inside("cat", "/proc/1/status").stdout
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert facts["Uid"].split() == ["10001"] * 4
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert pod.inside("touch", "/srv/x").returncode != 0
    assert pod.inside("touch", "/srv/var/x").returncode == 0


# The way back in a cluster: the file that says what runs there, and what kubectl is asked. No cluster is needed.

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: "desk"
resources: [../../base]
images:
  - name: service
    newName: registry.example.com/desk # ours
    newTag: "1.2.0"
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three releases, and a kubectl that writes down what it is asked."""
    shutil.copytree(PROJECT / "deploy/kubernetes/base", tmp_path / "deploy/kubernetes/base")
    overlay = tmp_path / "deploy/kubernetes/overlays/live"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text(OVERLAY, encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Test", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "x"], check=True)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        subprocess.run([*git, "tag", "--annotate", f"v{version}", "--message", "x"], check=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    kubectl = programs / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n', encoding="utf-8")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="kubectl is a shell script here")
@pytest.mark.checklist("DEP-3")
def test_one_command_moves_the_overlay_to_the_release_before_applies_it_and_waits(cluster: Path) -> None:
    told = with_kubernetes(cluster, "live", "")
    file = cluster / "deploy/kubernetes/overlays/live/kustomization.yaml"
    assert file.read_text(encoding="utf-8") == OVERLAY.replace("1.2.0", "1.1.0")
    assert (cluster / "asked").read_text(encoding="utf-8").splitlines() == [
        "apply --kustomize deploy/kubernetes/overlays/live",
        "--namespace desk rollout status deployment/service --timeout=300s",
    ]
    assert told == "1.1.0 runs in desk"


FIRST, SECOND, THIRD = (f"sha256:{sign * 64}" for sign in "abc")


def with_digest(folder: Path, version: str, digest: str) -> Path:
    """The overlay as it was committed when `version` ran by its digest."""
    file = folder / "deploy/kubernetes/overlays/live/kustomization.yaml"
    text = OVERLAY.replace("1.2.0", version).rstrip() + f'\n    digest: "{digest}" # ours\n'
    file.write_text(text, encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=Test", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "add", "deploy"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", version], check=True)
    return file


@pytest.mark.skipif(sys.platform == "win32", reason="kubectl is a shell script here")
@pytest.mark.checklist("DEP-3")
def test_the_way_back_leads_to_the_digest_that_ran_then(cluster: Path) -> None:
    with_digest(cluster, "1.1.0", FIRST)
    file = with_digest(cluster, "1.2.0", SECOND)
    with_kubernetes(cluster, "live", "")
    assert f'newTag: "1.1.0"\n    digest: "{FIRST}" # ours' in file.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="kubectl is a shell script here")
def test_a_release_that_never_ran_wants_its_digest_named(cluster: Path) -> None:
    file = with_digest(cluster, "1.1.0", FIRST)
    with pytest.raises(Failed, match="never named the digest of 1.2.0: give it, DIGEST=sha256"):
        with_kubernetes(cluster, "live", "1.2.0")
    assert not (cluster / "asked").exists()
    with_kubernetes(cluster, "live", "1.2.0", THIRD)
    assert f'newTag: "1.2.0"\n    digest: "{THIRD}"' in file.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="kubectl is a shell script here")
@pytest.mark.parametrize(
    ("overlay", "to", "problem"), [("live", "1.1.1", "1.1.1 was never released"), ("none", "", "there is no ")]
)
def test_what_is_not_there_is_refused(cluster: Path, overlay: str, to: str, problem: str) -> None:
    with pytest.raises(Failed, match=problem):
        with_kubernetes(cluster, overlay, to)
    assert not (cluster / "asked").exists()
