"""DEP-1: the bill of materials lists what the lock file installs, each file by its hash, the same every time."""

import json
from pathlib import Path

import pytest

from tools import sbom
from tools.sbom import Bill, Unreadable

LOCK = f"""\
# made by a tool
idna==3.20 \\
    --hash=sha256:{"b" * 64} \\
    --hash=sha256:{"a" * 64}
    # via httpx
Jinja2[i18n]==3.1.6 --hash=sha256:{"c" * 64}
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:{"d" * 64}
uvloop==0.22.1 ; implementation_name == 'cpython' and sys_platform != 'win32' \\
    --hash=sha256:{"e" * 64}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "desk"\nversion = "1.2.0"\n')
    (tmp_path / "requirements.txt").write_text(LOCK)
    return tmp_path


@pytest.mark.checklist("DEP-1")
def test_it_lists_what_linux_installs_with_the_hash_of_every_file(project: Path) -> None:
    bill = json.loads(Bill(project).text())
    assert bill["metadata"]["component"]["version"] == "1.2.0"
    assert [it["purl"] for it in bill["components"]] == [
        "pkg:pypi/idna@3.20",
        "pkg:pypi/jinja2@3.1.6",
        "pkg:pypi/uvloop@0.22.1",
    ]
    files = bill["components"][0]["externalReferences"]
    assert [it["hashes"][0]["content"] for it in files] == ["a" * 64, "b" * 64]


def test_the_same_lock_file_gives_the_same_bytes_and_another_another_number(project: Path) -> None:
    first = Bill(project).text()
    assert Bill(project).text() == first
    (project / "requirements.txt").write_text(LOCK.replace("3.20", "3.21"))
    assert json.loads(Bill(project).text())["serialNumber"] != json.loads(first)["serialNumber"]


def test_the_lock_file_of_the_image_goes_before_that_of_the_service(project: Path) -> None:
    (project / "requirements-image.txt").write_text("redis==6.0.0\n")
    assert [it["name"] for it in json.loads(Bill(project).text())["components"]] == ["redis"]
    assert len(json.loads(Bill(project).text("requirements.txt"))["components"]) == 3


def test_an_independent_reader_understands_it(project: Path) -> None:
    models = pytest.importorskip("cyclonedx.model.bom", reason="comes with the group `checks`")
    read = models.Bom.from_json(json.loads(Bill(project).text()))
    assert {component.name for component in read.components} == {"idna", "jinja2", "uvloop"}


def test_a_line_that_pins_nothing_is_refused_and_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "requirements.txt").write_text("idna>=3\n")
    with pytest.raises(Unreadable, match="pins no version: idna>=3"):
        Bill(project).text()
    monkeypatch.setattr(sbom, "ROOT", project)
    assert sbom.main(["missing.txt"]) == 1
    assert "missing.txt" in capsys.readouterr().err
