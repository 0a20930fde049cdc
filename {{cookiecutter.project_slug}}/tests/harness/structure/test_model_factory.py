"""CODE-6. Earned by an agent that made its own model: it had no timeout, no log line and another key."""

import ast
from collections.abc import Iterator

import pytest

from .conftest import Plant
from .source import Fault, Package

pytestmark = pytest.mark.checklist("CODE-6")


class ModelMaking:
    """Finds models that are made, or could be, outside of `llm/`."""

    REMEDY = "take the model that you are given; only llm/ makes one, by LLMFactory.for_role"
    SDKS = frozenset(
        {"anthropic", "boto3", "botocore", "google.genai", "groq", "mistralai", "ollama", "openai"}
    )
    NOT_PROVIDERS = frozenset({"langchain_core", "langchain_text_splitters"})

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every import of a provider, every use of `init_chat_model`, every model class."""
        for module in package:
            for node in () if module.is_in("llm") else module.nodes:
                if problem := self._problem(node):
                    yield module.fault(node, problem, self.REMEDY)

    def _problem(self, node: ast.AST) -> str:
        match node:
            case ast.Import(names=names):
                providers = [it.name for it in names if self._is_provider(it.name)]
                return f"`{providers[0]}` is imported" if providers else ""
            case ast.ImportFrom(module=str(name), level=0) if self._is_provider(name):
                return f"`{name}` is imported"
            case ast.Name(id="init_chat_model") | ast.Attribute(attr="init_chat_model"):
                return "`init_chat_model` makes a model"
            case ast.ClassDef(name=name, bases=bases):
                models = [
                    it for it in map(ast.unparse, bases) if it.endswith(("ChatModel", "BaseLLM"))
                ]
                return f"`{name}` is a model class" if models else ""
        return ""

    def _is_provider(self, name: str) -> bool:
        root = name.partition(".")[0]
        is_partner = root.startswith("langchain_") and root not in self.NOT_PROVIDERS
        is_sdk = any(name == sdk or name.startswith(f"{sdk}.") for sdk in self.SDKS)
        return is_partner or is_sdk or name == "langchain.chat_models"


def test_no_model_is_made_outside_of_the_factorys_room(package: Package) -> None:
    faults = [str(fault) for fault in ModelMaking().faults(package)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("from langchain_openai import ChatOpenAI", "`langchain_openai` is imported"),
        ("import json, boto3", "`boto3` is imported"),
        ("from openai import AsyncOpenAI", "`openai` is imported"),
        (
            "from langchain.chat_models import init_chat_model",
            "`langchain.chat_models` is imported",
        ),
        ('model = chat_models.init_chat_model("x")', "`init_chat_model` makes a model"),
        ("class Mine(BaseChatModel): pass", "`Mine` is a model class"),
        ("class Mine(fakes.GenericFakeChatModel): pass", "`Mine` is a model class"),
    ],
)
def test_a_model_made_elsewhere_is_named_with_its_line(
    plant: Plant, line: str, problem: str
) -> None:
    package = plant({"agents/weather/agent.py": f"\n{line}\n", "llm/factory.py": f"{line}\n"})
    found = [str(fault) for fault in ModelMaking().faults(package)]
    assert found == [f"src/app/agents/weather/agent.py:2: {problem}; {ModelMaking.REMEDY}"]


def test_what_only_speaks_of_models_is_left_alone(plant: Plant) -> None:
    lines = "from langchain_core.language_models import BaseChatModel\nmodel: BaseChatModel\n"
    package = plant({"graph/plan.py": lines, "api/chat.py": "class ChatRequest(BaseModel): pass\n"})
    assert not list(ModelMaking().faults(package))
