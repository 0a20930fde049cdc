"""A new project's own tests of its image run for real: built twice, run with no right, released, gone back."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.test_own_check import brief, install, interpreter, run
from tests.template import Template
from tools.podman import MissingError, Podman


@pytest.mark.xdist_group("the rest")  # of the projects; see tests/project
@pytest.mark.skipif(sys.platform == "win32", reason="containers are Linux")
def test_the_image_of_a_new_project_is_what_it_promises(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        settings = Podman().settings()
    except MissingError as missing:
        pytest.skip(str(missing))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    project = template.with_cookiecutter(tmp_path / "home", {"project_slug": "travel-desk"})
    project.commit("Generated")
    install(project)
    project.commit("Locked")
    nox = (str(interpreter(project)), "-m", "nox", "-s")
    told = ""
    for session in (("policy",), ("container", "--", "--durations=6")):
        done = run(project, *nox, *session, minutes=20)
        told += done.stdout
        assert done.returncode == 0, brief(done.stdout)
    print(told)
    summary = re.findall(r"=+ (.*) in [\d.]+s", told)[-1]
    assert " passed" in summary
    # Where a registry is reached, Docker runs the image and nothing plays the pod.
    assert "skipped" not in summary or not settings, told
    assert subprocess.run(["git", "-C", str(project.folder), "tag"], capture_output=True).stdout == b""
