import httpx2

from tests.support.agents import TEST_AGENTS


async def test_every_agent_is_listed_with_questions_to_try(client: httpx2.AsyncClient) -> None:
    cards = (await client.get("/v1/agents")).json()
    assert [card["name"] for card in cards] == [agent.name for agent in TEST_AGENTS]
    assert cards[0]["description"]["es"] == "Lunas de un planeta."
    assert cards[0]["examples"]["en"] == ["How many moons has Mars?", "Moons of Saturn"]
