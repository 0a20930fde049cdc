"""The pipelines of a project, and the template's own: what linters and schemas say, and what they call is there."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.template import Project, Template
from tools.questions import ROOT

SCRIPTS = Path(sys.executable).parent

LINTERS: dict[str, tuple[str, ...]] = {
    "actionlint": ("actionlint", "-shellcheck=", "-pyflakes="),
    "zizmor": ("zizmor", "--offline", "--quiet", "--no-progress"),
}

LONGEST_MINUTES = 30  # the readiness report builds and runs the image too
HARMLESS: tuple[dict[str, str], ...] = ({}, {"contents": "read"})
# What a job makes, and so what it may write.
WRITES = {
    ("release.yml", "image"): {"packages", "id-token", "attestations"},
    ("release.yml", "release"): {"contents"},
    ("rollback.yml", "rollback"): {"packages"},
}


def lint(name: str, *files: Path) -> subprocess.CompletedProcess[str]:
    program, *options = LINTERS[name]
    command = [str(SCRIPTS / program), *options, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=files[0].parent)


def check_gitlab(file: Path) -> subprocess.CompletedProcess[str]:
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """A project with one `ci`, made once."""
    projects: dict[str, Project] = {}

    def make(ci: str) -> Project:
        if ci not in projects:
            into = tmp_path_factory.mktemp(ci)
            projects[ci] = template.with_cookiecutter(into, {"ci": ci, "aws": True, "project_slug": "made"})
        return projects[ci]

    return make


@pytest.fixture
def workflows(made: Callable[[str], Project]) -> list[Path]:
    return sorted((made("github").folder / ".github" / "workflows").glob("*.yml"))


def calls(text: str) -> set[str]:
    """`make NAME` in scripts, comments left out."""
    script = re.sub(r"(?m)^\s*#.*$", "", text)
    return set(re.findall(r"(?m)(?:^[ -]*|run: |[A-Z_]+=\S+ )make ([a-z]+)", script))


@pytest.mark.parametrize("linter", LINTERS)
def test_the_workflows_of_a_project_pass(workflows: list[Path], linter: str) -> None:
    assert [file.name for file in workflows] == ["ci.yml", "evaluate.yml", "release.yml", "rollback.yml"]
    done = lint(linter, *workflows)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("linter", LINTERS)
def test_the_workflows_of_the_template_pass(linter: str) -> None:
    done = lint(linter, *sorted((ROOT / ".github" / "workflows").glob("*.yml")))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("linter", "before", "after"),
    [
        ("actionlint", "needs: check", "needs: nobody"),
        ("actionlint", "${{ steps.image.outputs.name }}", "${{ steps.nothing.outputs.name }}"),
        ("zizmor", 'version="${GITHUB_REF_NAME#v}"', 'version="${{ github.head_ref }}"'),
        ("zizmor", "permissions:\n      contents: write # the release\n      actions: read", "permissions: write-all"),
        ("zizmor", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@main"),
    ],
)
def test_a_planted_fault_is_caught(workflows: list[Path], tmp_path: Path, linter: str, before: str, after: str) -> None:
    text = next(file for file in workflows if file.name == "release.yml").read_text(encoding="utf-8")
    assert before in text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "release.yml").write_text(text.replace(before, after), encoding="utf-8")
    assert lint(linter, folder / "release.yml").returncode != 0


def test_a_workflow_is_granted_nothing_and_a_job_only_what_it_makes(workflows: list[Path]) -> None:
    for file in workflows:
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert workflow["permissions"] in HARMLESS
        assert workflow["concurrency"]
        for name, job in workflow["jobs"].items():
            assert job["timeout-minutes"] <= LONGEST_MINUTES
            writes = {what for what, grant in job.get("permissions", {}).items() if grant == "write"}
            assert writes == WRITES.get((file.name, name), set()), (file.name, name)


def test_what_only_some_repositories_may_sign_is_signed_and_verified_alike(workflows: list[Path]) -> None:
    texts = {file.name: file.read_text(encoding="utf-8") for file in workflows}
    release, rollback = texts["release.yml"], texts["rollback.yml"]
    assert re.findall(r"ATTEST: (\$\{\{.*?\}\})", release) == re.findall(r"ATTEST: (\$\{\{.*?\}\})", rollback) != []
    steps = yaml.safe_load(release)["jobs"]["image"]["steps"]
    signing = [step for step in steps if "attest" in step.get("uses", "")]
    assert [step["if"] for step in signing] == ["env.ATTEST == 'true'"] * 2
    assert re.search(r'if \[ "\$ATTEST" = true \]; then\s+gh attestation verify', rollback)


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_moved_tag_keeps_the_digest_that_was_signed(made: Callable[[str], Project], ci: str) -> None:
    folder = made(ci).folder
    files = [folder / ".gitlab-ci.yml"] if ci == "gitlab" else (folder / ".github" / "workflows").glob("*.yml")
    moves = re.findall(r"imagetools create (\S+)", "".join(file.read_text(encoding="utf-8") for file in files))
    assert moves == ["--prefer-index=false"] * 2


def test_the_templates_own_checks_are_the_sessions_that_make_test_runs() -> None:
    checks = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8"))
    [sessions] = re.findall(r"nox\.options\.sessions = (\[.*\])", (ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert checks["jobs"]["session"]["strategy"]["matrix"]["session"] == json.loads(sessions)


def test_a_rollback_on_a_tag_releases_nothing(made: Callable[[str], Project]) -> None:
    jobs = yaml.safe_load(made("gitlab").read(".gitlab-ci.yml"))
    assert jobs["release"]["rules"][0] == {"if": "$ROLLBACK_TO", "when": "never"}


def test_no_workflow_asks_for_a_stored_secret(workflows: list[Path], made: Callable[[str], Project]) -> None:
    texts = {file.name: file.read_text(encoding="utf-8") for file in workflows}
    # A model's key cannot be had otherwise: of an environment of its own, for the one job of the night that asks one.
    nightly = texts.pop("evaluate.yml")
    assert re.findall(r"secrets\.\w+", nightly) == ["secrets.LLM_API_KEY"]
    assert set(yaml.safe_load(nightly)[True]) == {"schedule", "workflow_dispatch"}
    assert [name for name, text in texts.items() if "secrets." in text] == []
    # GitLab gives these to the job itself, for as long as it runs.
    granted = {"CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN", "SIGSTORE_ID_TOKEN"}
    named = re.findall(r"\w*(?:PASSWORD|TOKEN|SECRET|_KEY)\w*", made("gitlab").read(".gitlab-ci.yml"))
    assert set(named) - {"TOKEN"} <= granted


def test_the_pipeline_of_gitlab_fits_gitlabs_schema(made: Callable[[str], Project]) -> None:
    done = check_gitlab(made("gitlab").folder / ".gitlab-ci.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [("build image:", "image:"), ("stage: check", "stages: check"), ("when: always", "when: sometimes")],
)
def test_a_planted_fault_in_gitlabs_pipeline_is_caught(
    made: Callable[[str], Project], tmp_path: Path, before: str, after: str
) -> None:
    text = made("gitlab").read(".gitlab-ci.yml")
    assert before in text
    (tmp_path / ".gitlab-ci.yml").write_text(text.replace(before, after), encoding="utf-8")
    assert check_gitlab(tmp_path / ".gitlab-ci.yml").returncode != 0


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_both_call_what_the_project_has_and_the_same(made: Callable[[str], Project], ci: str) -> None:
    project = made(ci)
    folder = project.folder / ".github" / "workflows"
    files = sorted(folder.glob("*.yml")) if ci == "github" else [project.folder / ".gitlab-ci.yml"]
    called = set().union(*(calls(file.read_text(encoding="utf-8")) for file in files))
    expected = {"image", "check", "load", "docs", "policy", "evaluate", "readiness", "security", "sbom"}
    assert called | {"install"} == expected | {"install"}
    assert called <= set(re.findall(r"(?m)^([a-z]+):", project.read("Makefile")))
