"""A policy linter and the Kubernetes schemas pass over what ships, and fail on what is planted."""

import shutil
from pathlib import Path

import pytest

from tests.harness.container import policy
from tests.harness.container.machine import PROJECT

PRIVILEGED = """
apiVersion: v1
kind: Pod
metadata: {name: planted}
spec:
  hostNetwork: true
  containers:
    - name: planted
      image: planted:1.0.0
      securityContext: {privileged: true}
"""


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not policy.are_there():
        pytest.skip("the linters are not installed: `nox -s policy` brings them")


@pytest.mark.checklist("PERM-1", "DEP-1")
def test_the_linter_and_the_schemas_are_content() -> None:
    assert [*policy.complaints(PROJECT)] == []


@pytest.mark.checklist("PERM-1")
def test_a_planted_privileged_pod_and_a_root_image_are_named(tmp_path: Path) -> None:
    (tmp_path / "planted.yaml").write_text(PRIVILEGED, encoding="utf-8")
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(text.replace("USER 10001:10001", "USER root"))
    (told,) = policy.lint(tmp_path)
    assert "CKV_K8S_16" in told  # privileged
    assert "CKV_DOCKER_8" in told  # the last user is root


def test_a_field_that_kubernetes_does_not_know_is_named(tmp_path: Path) -> None:
    file = Path(shutil.copy(PROJECT / "tests/harness/container/test_policy.py", tmp_path / "planted.yaml"))
    file.write_text(PRIVILEGED.replace("hostNetwork", "hostNetworks"), encoding="utf-8")
    (told,) = policy.validate(file)
    assert "hostNetworks" in told
