"""The way back in a cluster: the file that says what runs there, and what kubectl is asked. No cluster is needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.container.machine import PROJECT
from tools.containers import Failed
from tools.rollback import with_kubernetes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kubectl is a shell script here")

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


@pytest.mark.checklist("DEP-3")
def test_one_command_moves_the_overlay_to_the_release_before_applies_it_and_waits(
    cluster: Path,
) -> None:
    told = with_kubernetes(cluster, "live", "")
    file = cluster / "deploy/kubernetes/overlays/live/kustomization.yaml"
    assert file.read_text(encoding="utf-8") == OVERLAY.replace("1.2.0", "1.1.0")
    assert (cluster / "asked").read_text(encoding="utf-8").splitlines() == [
        "apply --kustomize deploy/kubernetes/overlays/live",
        "--namespace desk rollout status deployment/service --timeout=300s",
    ]
    assert told == "1.1.0 runs in desk"


@pytest.mark.parametrize(
    ("overlay", "to", "problem"),
    [("live", "1.1.1", "1.1.1 was never released"), ("none", "", "there is no ")],
)
def test_what_is_not_there_is_refused(cluster: Path, overlay: str, to: str, problem: str) -> None:
    with pytest.raises(Failed, match=problem):
        with_kubernetes(cluster, overlay, to)
    assert not (cluster / "asked").exists()
