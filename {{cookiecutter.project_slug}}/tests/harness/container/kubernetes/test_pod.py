"""The pod of the manifests, run by podman: it starts with what Kubernetes would give it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.container.kubernetes.test_manifests import BASE, manifests, pods
from tests.harness.container.machine import Checkout, Container, free_port
from tools.containers import ask, is_podman

pytestmark = pytest.mark.xdist_group("containers")


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


@pytest.mark.checklist("PERM-4", "DEP-1")
def test_the_pod_serves_with_a_read_only_root_and_no_capability(
    pod: Container, checkout: Checkout
) -> None:
    assert pod.wait("/version")["version"] == Checkout.VERSIONS[0]
    assert pod.wait("/readyz")["callers"]["mode"] == "keys"
    assert pod.client.post("/v1/chat", json={"message": "Hello"}).status_code == 401
    status = pod.inside("cat", "/proc/1/status").stdout
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert facts["Uid"].split() == ["10001"] * 4
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert pod.inside("touch", "/srv/x").returncode != 0
    assert pod.inside("touch", "/srv/var/x").returncode == 0
