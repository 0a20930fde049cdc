import sys

import pytest

from tests.generated_tools.repositories import Shop, shop  # noqa: F401  # a fixture
from tools.containers import Failed
from tools.release import main, numbers
from tools.release import release as make_release


def release(shop: Shop, version: str) -> None:  # noqa: F811
    make_release(shop.folder, version, "2030-01-02")


def test_a_release_is_one_commit_with_an_annotated_tag(shop: Shop) -> None:  # noqa: F811
    release(shop, "0.2.0")
    assert shop.git("log", "-1", "--format=%s") == "Release v0.2.0"
    assert shop.git("cat-file", "-t", "v0.2.0") == "tag"
    assert shop.git("rev-list", "-1", "v0.2.0") == shop.git("rev-parse", "HEAD")
    assert shop.git("status", "--porcelain") == ""


def test_the_version_and_the_changelog_are_of_the_release(shop: Shop) -> None:  # noqa: F811
    release(shop, "0.2.0")
    assert 'version = "0.2.0"\nrequires-python = ">=3.11"\n\n[tool.x]\nversion = "9"' in shop.read("pyproject.toml")
    assert 'name = "shop"\nversion = "0.2.0"' in shop.read("uv.lock")
    told = "## Unreleased\n\n## 0.2.0 (2030-01-02)\n\n- Something new.\n"
    assert shop.read("CHANGELOG.md") == f"# Changelog\n\nText.\n\n{told}"


def test_the_first_release_may_have_the_version_that_is_there(shop: Shop) -> None:  # noqa: F811
    release(shop, "0.1.0")
    assert shop.git("tag") == "v0.1.0"


def test_the_next_release_goes_above_the_one_before(shop: Shop) -> None:  # noqa: F811
    release(shop, "0.2.0")
    text = shop.read("CHANGELOG.md").replace("## Unreleased\n", "## Unreleased\n\n- More.\n")
    shop.write("CHANGELOG.md", text)
    shop.commit("More")
    for version in ("0.2.0", "0.1.9"):
        with pytest.raises(Failed, match=rf"{version} must be above the newest release, 0\.2\.0"):
            release(shop, version)
    release(shop, "0.10.0")
    assert "- More.\n\n## 0.2.0" in shop.read("CHANGELOG.md")


@pytest.mark.parametrize("text", ["1.2", "v1.2.0", "1.2.0-rc1", "01.2.0", "1.2.0\n", "latest", ""])
def test_what_is_no_version_is_refused_and_shown(shop: Shop, text: str) -> None:  # noqa: F811
    with pytest.raises(Failed, match="is no version: give three numbers"):
        release(shop, text)


def test_a_lower_version_than_the_one_that_is_there_is_refused(shop: Shop) -> None:  # noqa: F811
    with pytest.raises(Failed, match=r"0\.0\.9 is below the version in pyproject\.toml, 0\.1\.0"):
        release(shop, "0.0.9")


def test_a_changed_tree_is_refused_and_its_files_are_named(shop: Shop) -> None:  # noqa: F811
    shop.write("new.txt", "x")
    with pytest.raises(Failed, match=r"new\.txt"):
        release(shop, "0.2.0")


def test_a_commit_on_no_branch_is_refused(shop: Shop) -> None:  # noqa: F811
    shop.git("switch", "--quiet", "--detach")
    with pytest.raises(Failed, match="HEAD is on no branch"):
        release(shop, "0.2.0")


def test_a_lock_file_that_is_not_committed_is_named(shop: Shop) -> None:  # noqa: F811
    shop.git("rm", "--quiet", "uv.lock")
    shop.commit("Without")
    with pytest.raises(Failed, match=r"uv\.lock is not committed"):
        release(shop, "0.2.0")


@pytest.mark.parametrize("text", ["# Changelog\n", "# Changelog\n\n## Unreleased\n\n## 0.1.0\n"])
def test_a_release_without_news_is_refused(shop: Shop, text: str) -> None:  # noqa: F811
    shop.write("CHANGELOG.md", text)
    shop.commit("Nothing new")
    with pytest.raises(Failed, match="says nothing under `## Unreleased`"):
        release(shop, "0.2.0")
    assert 'version = "0.1.0"' in shop.read("pyproject.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="the hook is a shell script")
def test_a_commit_that_a_hook_refuses_leaves_everything_as_it_was(shop: Shop) -> None:  # noqa: F811
    hook = shop.folder / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(Failed, match=r"git commit: no"):
        release(shop, "0.2.0")
    assert shop.git("status", "--porcelain") == shop.git("tag") == ""


def test_a_tag_that_git_refuses_leaves_everything_as_it_was(shop: Shop) -> None:  # noqa: F811
    shop.git("tag", "v0.2.0/nested")  # where git keeps it, v0.2.0 is a folder now
    before = shop.git("rev-parse", "HEAD")
    with pytest.raises(Failed, match=r"git tag: "):
        release(shop, "0.2.0")
    assert shop.git("rev-parse", "HEAD") == before
    assert shop.git("status", "--porcelain") == ""


def test_versions_are_ordered_by_number() -> None:
    texts = ["1.10.0", "1.9.9", "0.0.1", "1.9.10"]
    assert sorted(texts, key=numbers) == ["0.0.1", "1.9.9", "1.9.10", "1.10.0"]


def test_the_command_asks_for_one_version(shop: Shop) -> None:  # noqa: F811
    with pytest.raises(SystemExit, match=r"give three numbers such as 1\.2\.0"):
        main(folder=shop.folder)
    with pytest.raises(SystemExit, match="'latest' is no version"):
        main("latest", folder=shop.folder)


def test_answers_that_nobody_gave_are_remarked(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    main("0.2.0", folder=shop.folder)
    assert capsys.readouterr().out.startswith("Released v0.2.0.")
    shop.write("SECURITY.md", "Write to you@example.com.\n")
    shop.write("CHANGELOG.md", shop.read("CHANGELOG.md").replace("## Unreleased\n", "## Unreleased\n\n- More.\n"))
    shop.commit("More")
    main("0.3.0", folder=shop.folder)
    assert capsys.readouterr().out.startswith(
        "Still the template's default: 'you@example.com' in SECURITY.md\nReleased"
    )
