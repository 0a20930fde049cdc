"""The about agent, asked as a caller asks it."""

import json
from importlib.resources import files

import pytest

from app.agents import AGENTS
from tests.conftest import Door

[ABOUT] = [agent for agent in AGENTS if agent.name == "about"]
QUESTIONS = [question for asked in ABOUT.examples.values() for question in asked]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_its_examples_are_answered_with_what_the_project_says_of_itself(door: Door, question: str) -> None:
    project = json.loads(files("app").joinpath("project.json").read_bytes())
    client = await door.open(agents=AGENTS)
    reply = (await client.post("/v1/chat", json={"message": question})).json()
    assert [(agent["name"], agent["status"]) for agent in reply["agents"]] == [("about", "answered")]
    assert project["title"] in reply["answer"]
    assert reply["sources"][0]["url"] == project["repository_url"]
