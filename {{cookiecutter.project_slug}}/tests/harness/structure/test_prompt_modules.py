"""CODE-5. Earned by two versions of one prompt in two files: the logs could not tell which had answered."""

import ast
import re
from collections.abc import Iterator

import pytest

from .conftest import Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("CODE-5")


class PromptTexts:
    """Finds text for a model outside of the prompt modules, and prompts that cannot be told apart."""

    REMEDY = "put it into a module of prompts/, or into the agent's prompt.py"
    MESSAGES = frozenset({"SystemMessage", "HumanMessage", "ChatMessage", "ChatPromptTemplate"})
    ARGUMENTS = frozenset({"system_prompt", "system_message", "prompt", "instructions"})
    ROLES = frozenset({"system", "developer", "user", "human"})
    WORD = re.compile(r"[^\W\d_]{3,}")

    def outside(self, package: Package) -> Iterator[Fault]:
        """Every text that is handed to a model where it stands."""
        for module in package:
            for node in () if module.is_prompt else module.nodes:
                for text in self._handed(node):
                    if self._has_words(text):
                        yield module.fault(text, "prompt text stands in the code", self.REMEDY)

    def unnamed(self, package: Package) -> Iterator[Fault]:
        """Every prompt without a name or a version, and every name given twice."""
        names: dict[str, str] = {}
        for module in package:
            for node in self._prompts(module):
                name, version = self._label(node, "name"), self._label(node, "version")
                if not (name and version):
                    problem = "this prompt lacks a name or a version"
                    yield module.fault(node, problem, 'write Prompt(name="...", version="...", ...)')
                elif name in names:
                    problem = f"the prompt name `{name}` is taken by {names[name]}"
                    yield module.fault(node, problem, "give it another")
                else:
                    names[name] = module.place

    def _handed(self, node: ast.AST) -> Iterator[ast.expr]:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments, keywords=named):
                if name in self.MESSAGES:
                    yield from arguments[:1]
                    yield from (it.value for it in named if it.arg == "content")
                if name == "Prompt":
                    yield from (it.value for it in named if it.arg == "text")
                yield from (it.value for it in named if it.arg in self.ARGUMENTS)
            case ast.Tuple(elts=[ast.Constant(value=str(role)), text]) if role in self.ROLES:
                yield text
            case ast.Dict(keys=keys, values=values):
                given = {ast.unparse(key): value for key, value in zip(keys, values, strict=True) if key}
                match given.get("'role'"), given.get("'content'"):
                    case ast.Constant(value=str(role)), ast.expr() as text if role in self.ROLES:
                        yield text

    def _has_words(self, node: ast.expr) -> bool:
        """True for a text that is written out: joined, formatted, or by language."""
        match node:
            case ast.Constant(value=str(text)):
                return bool(self.WORD.search(text))
            case ast.JoinedStr(values=parts):
                return any(map(self._has_words, parts))
            case ast.BinOp(left=left, right=right):
                return self._has_words(left) or self._has_words(right)
            case ast.Call(func=ast.Attribute(value=text, attr="format" | "strip" | "join")):
                return self._has_words(text)
            case ast.Call(func=ast.Name(id="dedent"), args=[text, *_]):
                return self._has_words(text)
            case ast.Dict(values=values):
                return any(map(self._has_words, values))
        return False

    @staticmethod
    def _prompts(module: Module) -> Iterator[ast.Call]:
        for node in module.nodes:
            match node:
                case ast.Call(func=ast.Name(id="Prompt")):
                    yield node

    @staticmethod
    def _label(node: ast.Call, label: str) -> str:
        for it in node.keywords:
            match it:
                case ast.keyword(arg=arg, value=ast.Constant(value=str(text))) if arg == label:
                    return text
        return ""


def test_no_prompt_text_stands_outside_of_the_prompt_modules(package: Package) -> None:
    faults = [str(fault) for fault in PromptTexts().outside(package)]
    assert not faults, "\n".join(faults)


def test_every_prompt_has_a_name_of_its_own_and_a_version(package: Package) -> None:
    faults = [str(fault) for fault in PromptTexts().unnamed(package)]
    assert not faults, "\n".join(faults)
    assert any(PromptTexts._prompts(module) for module in package)


@pytest.mark.parametrize(
    "line",
    [
        'SystemMessage("You are a planner.")',
        'messages.SystemMessage(content=f"You are {name}.")',
        'create_agent(model, system_prompt="You are " + name)',
        'call([("system", "You are a planner."), ("human", question)])',
        'call([dict, {"role": "user", "content": "Answer this: {}".format(question)}])',
        'Prompt(name="a", version="1", text={"en": "You are a planner."})',
        'HumanMessage(dedent("Answer this"))',
    ],
)
def test_a_text_for_a_model_is_named_with_its_line(plant: Plant, line: str) -> None:
    package = plant({"runtime/planner.py": f"\n{line}\n", "prompts/plan.py": f"{line}\n"})
    found = [str(fault) for fault in PromptTexts().outside(package)]
    fault = f"src/harness/runtime/planner.py:2: prompt text stands in the code; {PromptTexts.REMEDY}"
    assert found == [fault]


@pytest.mark.parametrize(
    "line",
    [
        "SystemMessage(PLANNER.render(language))",
        'HumanMessage(f"{first}: {second}")',
        'AIMessage("I am the embedded model.")',
        "create_agent(model, system_prompt=prompt)",
        'options = ("auto", "You are free to choose.")',
    ],
)
def test_a_rendered_prompt_is_left_alone(plant: Plant, line: str) -> None:
    assert not list(PromptTexts().outside(plant({"runtime/planner.py": f"{line}\n"})))


def test_prompts_that_cannot_be_told_apart_are_named_with_their_line(plant: Plant) -> None:
    package = plant(
        {
            "prompts/a.py": 'A = Prompt(name="plan", version="1", text=TEXT)\n',
            "prompts/b.py": '\nB = Prompt(name="plan", version="2", text=TEXT)\n',
            "prompts/c.py": 'C = Prompt(name="write", version="", text=TEXT)\n',
        }
    )
    found = [str(fault).partition(";")[0] for fault in PromptTexts().unnamed(package)]
    assert found == [
        "src/harness/prompts/b.py:2: the prompt name `plan` is taken by src/harness/prompts/a.py",
        "src/harness/prompts/c.py:1: this prompt lacks a name or a version",
    ]
