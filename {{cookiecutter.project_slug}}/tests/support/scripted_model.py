"""The model of the end-to-end test: it plans, calls tools and writes as a good model would."""

import orjson

from tests.support.peers.openai_replies import Failure, Reply, Request, Text, ToolCalls

KEY = "planted-" + "key-3456"
"""What the service sends as its key, and what a failing model quotes in its error."""

QUESTION = "How many moons has Mars and how high is Everest?"
"""Two tasks for two of the agents of the tests."""

PLAN = {
    "verdict": "work",
    "tasks": [
        {"agent": "moons", "question": "How many moons has Mars?"},
        {"agent": "heights", "question": "How high is Everest?"},
    ],
    "text": "",
}

WRITTEN = "As I was told: My tool says 2 for mars. And then: My tool says 8849 for everest."
"""What the scripted writer makes of both answers."""


PRICES = {f"openai:scripted-{role}": [1000, 2000] for role in ("planner", "agent", "writer")}
"""US dollars per million tokens, in and out."""


class ScriptedModel:
    """Plans two tasks, calls the agents' tools and words the answers; a name for each role."""

    ENVIRONMENT = {
        "LLM_MODEL": "openai:scripted-agent",
        "LLM_PLANNER_MODEL": "openai:scripted-planner",
        "LLM_WRITER_MODEL": "openai:scripted-writer",
        "LLM_PRICES": orjson.dumps(PRICES).decode(),
        "QUOTA_RESERVED_TOKENS": "100",  # at these prices
        "LLM_BREAKER_SECONDS": "0.01",  # a model that was down is asked again by the next test
    }

    def __init__(self) -> None:
        self.is_down = False

    def __call__(self, request: Request) -> Reply:
        if self.is_down:
            return Failure(503, f"no capacity for {KEY}")
        role = request.model.removeprefix("scripted-")
        replies = {"planner": self._plan, "agent": self._work, "writer": self._write}
        return replies[role](request)

    @staticmethod
    def _plan(request: Request) -> Reply:
        if request.tools:  # the schema as a function, or as the format of the text
            return ToolCalls([(request.tools[0], PLAN)])
        assert request.body["response_format"]["type"] == "json_schema"
        return Text(orjson.dumps(PLAN).decode())

    @staticmethod
    def _work(request: Request) -> Reply:
        assert request.tools == ["look_up"]
        if not request.results:
            question = str(request.messages[-1]["content"]).lower()
            return ToolCalls([("look_up", {"name": "mars" if "mars" in question else "everest"})])
        fact = orjson.loads(request.results[0])
        return Text(f"My tool says {fact['number']} for {fact['name']}.")

    @staticmethod
    def _write(request: Request) -> Reply:
        answers = [str(message["content"]) for message in request.messages[2:]]
        return Text("As I was told: " + " And then: ".join(answers))
