"""``copier update`` of projects made by either engine: fixes arrive, the user's work stays."""

from pathlib import Path

import yaml

from tests.answers import TEXTS
from tests.template import ANSWERS_FILE, Template
from tests.update.conftest import OWNED_AGENT, Life, begin, template_owned


def test_an_update_to_the_same_release_changes_nothing(life: Life) -> None:
    life.project.update()
    assert life.project.changes() == []


def test_an_update_to_a_release_that_changed_nothing_moves_the_commit_only(life: Life) -> None:
    life.release({})
    life.project.update()
    assert life.project.changes() == [f"M {ANSWERS_FILE}"]
    assert life.project.answers()["_commit"] == "v0.0.2"


def test_a_fix_arrives_beside_the_users_edits(life: Life) -> None:
    page = template_owned(life.template)
    life.project.write(page, "Mine, above.\n\n" + life.project.read(page))
    life.project.commit()
    life.release({page: "\nA fix of the template.\n"})

    life.project.update()

    text = life.project.read(page)
    assert text.startswith("Mine, above.\n")
    assert text.endswith("\nA fix of the template.\n")
    assert life.project.answers()["_commit"] == "v0.0.2"


def test_two_edits_of_the_same_line_are_left_as_a_marked_conflict(life: Life) -> None:
    page = template_owned(life.template)
    life.project.write(page, life.project.read(page) + "Mine, below.\n")
    life.project.commit()
    life.release({page: "The template's.\n"})

    life.project.update()

    assert f"UU {page}" in life.project.changes()
    assert "<<<<<<< before updating\nMine, below.\n" in life.project.read(page)


def test_a_new_file_of_the_template_arrives(life: Life) -> None:
    life.release({"docs/new-page.md": "# New\n"})
    life.project.update()
    assert life.project.read("docs/new-page.md") == "# New\n"


def test_an_agent_that_the_user_added_and_one_that_they_changed_stay_as_they_are(life: Life) -> None:
    life.project.write("src/app/agents/billing/agent.py", "MINE = True\n")
    life.project.write(OWNED_AGENT, "CHANGED = True\n")
    life.project.commit()
    life.release({OWNED_AGENT: "\nTHEIRS = True\n", "src/app/agents/billing/agent.py": "THEIRS = True\n"})

    life.project.update()

    assert life.project.read("src/app/agents/billing/agent.py") == "MINE = True\n"
    assert life.project.read(OWNED_AGENT) == "CHANGED = True\n"
    assert life.project.changes() == [f"M {ANSWERS_FILE}"]


def test_a_deleted_example_agent_stays_deleted_even_when_the_template_changes_it(life: Life) -> None:
    example = "src/app/agents/weather/agent.py"
    assert (life.project.folder / example).exists()
    for path in sorted((life.project.folder / "src/app/agents/weather").iterdir()):
        path.unlink()
    life.project.commit()
    life.release({example: "\nTHEIRS = True\n"})

    life.project.update()

    assert not (life.project.folder / example).exists()


def test_a_new_example_agent_of_the_template_does_not_appear(life: Life) -> None:
    life.release({"src/app/agents/sports/agent.py": "THEIRS = True\n"})
    life.project.update()
    assert not (life.project.folder / "src/app/agents/sports").exists()


def test_the_users_cases_stay_and_new_shipped_ones_come(life: Life) -> None:
    own, shipped = "evaluation/cases/own.yaml", "evaluation/shipped/language.yaml"
    life.project.write(own, "cases:\n  - ask: Mine?\n")
    life.project.write("evaluation/baseline.json", "{}\n")
    life.project.commit()
    life.release({own: "\n# Theirs.\n", shipped: "\n# One more.\n", "evaluation/shipped/new.yaml": "cases: []\n"})

    life.project.update()

    assert life.project.read(own) == "cases:\n  - ask: Mine?\n"
    assert life.project.read("evaluation/baseline.json") == "{}\n"
    assert life.project.read(shipped).endswith("\n# One more.\n")
    assert life.project.read("evaluation/shipped/new.yaml") == "cases: []\n"


def test_a_files_feature_is_switched_over_later(life: Life) -> None:
    life.project.update(ci="gitlab")
    assert not (life.project.folder / ".github").exists()
    assert (life.project.folder / ".gitlab-ci.yml").exists()
    life.project.commit()

    life.project.update(ci="github")
    assert (life.project.folder / ".github/workflows").is_dir()
    assert not (life.project.folder / ".gitlab-ci.yml").exists()
    life.project.commit()

    life.project.update(ci="none")
    assert not (life.project.folder / ".github").exists()
    assert not (life.project.folder / ".gitlab-ci.yml").exists()


def test_the_example_agents_come_when_they_are_switched_on_later(
    own_template: Template, engine: str, tmp_path: Path
) -> None:
    life = begin(own_template, engine, tmp_path / "home", example_agents=False)
    full = life.template.with_engine(engine, tmp_path / "full", {})
    life.project.write("src/app/agents/weather/agent.py", "MINE = True\n")
    life.project.commit()

    life.project.update(example_agents=True)

    assert life.project.read("src/app/agents/weather/agent.py") == "MINE = True\n"
    examples = [name for name in full.files() if name.startswith("src/app/agents/news/")]
    assert examples
    assert [name for name in examples if life.project.read(name) != full.read(name)] == []


def test_switching_the_example_agents_off_later_leaves_the_users_folder_alone(life: Life) -> None:
    before = {name for name in life.project.files() if name.startswith(("src/app/agents/", "tests/agents/"))}
    life.project.update(example_agents=False)
    assert before <= set(life.project.files())
    assert life.project.answers()["example_agents"] is False


def test_an_answer_changed_later_reaches_the_files_that_speak_of_it(life: Life) -> None:
    life.project.update(project_name='Café "Ñ" #1')
    assert life.project.answers()["project_name"] == 'Café "Ñ" #1'
    assert yaml.safe_load(life.project.read("properdocs.yml"))["site_name"] == "Café &#34;Ñ&#34; #1"


def test_an_answer_changed_later_leaves_the_users_own_files_to_the_user(life: Life) -> None:
    before = life.project.read("src/app/project.json")
    life.project.update(language="es")
    assert life.project.read("src/app/project.json") == before
    assert life.project.answers()["language"] == "es"


def test_hostile_answers_survive_an_update(own_template: Template, engine: str, tmp_path: Path) -> None:
    life = begin(own_template, engine, tmp_path / "home", **TEXTS["markup"])
    life.release({"docs/new-page.md": "# New\n"})
    life.project.update()
    assert sorted(life.project.changes()) == sorted([f"M {ANSWERS_FILE}", "?? docs/new-page.md"])
