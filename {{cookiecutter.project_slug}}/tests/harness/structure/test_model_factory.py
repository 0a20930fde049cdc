"""CODE-6. Earned by an agent that made its own model: it had no timeout, no log line and another key."""

import ast
import re
from collections.abc import Iterator

import pytest

from .conftest import Fault, Package, Plant

pytestmark = pytest.mark.checklist("CODE-6")


class ChatModels:
    """Finds chat models that are constructed outside of `harness/models/`.

    Such a model has no deadline, no failover, no budget and no line in the log. No library is
    refused for its name: a store, an index or an embedding of a provider may be used anywhere.
    """

    REMEDY = "take the model that you are given: harness/models makes it, by the settings of its role"
    MODEL = re.compile(r"(?:Azure)?Chat[A-Z]\w*|init_chat_model")
    NO_MODEL = re.compile(r"Chat(?:Prompt|Message|Generation|Result|History|Session|Loader)\w*")

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every chat model of LangChain's packages that is imported, named or derived from."""
        for module in package:
            is_factory = package.root.name == "harness" and (
                module.is_in("models") or module.parts == ("runtime", "graph_model")  # asks the factory
            )
            for node in () if is_factory else module.nodes:
                if problem := self._problem(node):
                    yield module.fault(node, problem, self.REMEDY)

    def _problem(self, node: ast.AST) -> str:
        match node:
            case ast.ImportFrom(module=str(package), names=names) if package.startswith("langchain"):
                models = [it.name for it in names if self._is_model(it.name)]
                return f"`{models[0]}` makes a chat model" if models else ""
            case ast.Call(func=ast.Attribute(attr=name)) if self._is_model(name):
                return f"`{name}` makes a chat model"
            case ast.ClassDef(name=name, bases=bases):
                models = [it for it in map(ast.unparse, bases) if it.endswith(("ChatModel", "BaseLLM"))]
                return f"`{name}` is a chat model of its own" if models else ""
        return ""

    def _is_model(self, name: str) -> bool:
        return bool(self.MODEL.fullmatch(name)) and not self.NO_MODEL.fullmatch(name)


@pytest.mark.parametrize("house", ["harness", "app"])
def test_no_chat_model_is_made_outside_of_the_factory(house: str) -> None:
    faults = [str(fault) for fault in ChatModels().faults(Package.of_project(house))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("from langchain_openai import ChatOpenAI", "`ChatOpenAI` makes a chat model"),
        ("from langchain_openai import AzureChatOpenAI as C", "`AzureChatOpenAI` makes a chat model"),
        ("from langchain.chat_models import init_chat_model", "`init_chat_model` makes a chat model"),
        ('model = chat_models.init_chat_model("x")', "`init_chat_model` makes a chat model"),
        ("model = langchain_aws.ChatBedrockConverse()", "`ChatBedrockConverse` makes a chat model"),
        ("class Mine(BaseChatModel): pass", "`Mine` is a chat model of its own"),
        ("class Mine(fakes.GenericFakeChatModel): pass", "`Mine` is a chat model of its own"),
    ],
)
def test_a_model_made_elsewhere_is_named_with_its_line(plant: Plant, line: str, problem: str) -> None:
    files = {"agents/weather/agent.py": f"\n{line}\n"}
    found = [str(fault) for fault in ChatModels().faults(plant(files, "app"))]
    assert found == [f"src/app/agents/weather/agent.py:2: {problem}; {ChatModels.REMEDY}"]


def test_only_the_factory_of_the_harness_makes_models(plant: Plant) -> None:
    files = {"models/factory.py": "from langchain_openai import ChatOpenAI\n"}
    assert not list(ChatModels().faults(plant(files, "harness")))
    assert list(ChatModels().faults(plant(files, "app")))


@pytest.mark.parametrize(
    "lines",
    [
        "import boto3\nfrom openai import AsyncOpenAI\n",
        "from langchain_postgres import PGVector\nfrom langchain_chroma import Chroma\n",
        "from langchain_openai import OpenAIEmbeddings\n",
        "from langchain_core.prompts import ChatPromptTemplate\n",
        "from langchain_core.language_models import BaseChatModel\nmodel: BaseChatModel\n",
        "class ChatRequest(BaseModel): pass\n",
    ],
)
def test_what_makes_no_chat_model_is_left_alone(plant: Plant, lines: str) -> None:
    assert not list(ChatModels().faults(plant({"agents/weather/agent.py": lines}, "app")))
