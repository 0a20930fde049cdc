"""CODE-2. Earned by a timeout of 30 s that stood in a client: no setting could shorten it in the outage."""

import ast
import re
from collections.abc import Iterator

import pytest

from .conftest import Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("CODE-2")

NAMES_NOT_ADDRESSES = ("http://www.w3.org/", "http://purl.org/")
"""Addresses that XML vocabularies use as names; nothing is ever fetched from them."""

FREE_NUMBERS = (-1, 0, 1, 2)
"""Numbers that limit nothing: first, last, next, pairs."""


class HardCodedValues:
    """Finds addresses, hosts, model ids and limits in code.

    They may stand in settings, prompts and sample data. A number that never varies may also be a
    constant in capitals with its unit and its source in a string or a comment beside it. Numbers
    count where they limit something: compared with, cut at, waited for, or given under a name
    that speaks of a limit.
    """

    ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[\w.\[]", re.IGNORECASE)
    HOST = re.compile(
        r"localhost|(?:\d{1,3}\.){3}\d{1,3}"
        r"|(?:[a-z0-9-]+\.)+(?:ai|app|cloud|co|com|de|dev|edu|es|eu|gov|info|int|io|local|net|org|uk)",
        re.IGNORECASE,
    )
    MODEL = re.compile(
        r"(?:anthropic|azure_openai|bedrock|bedrock_converse|google_genai|mistralai|ollama|openai):\S+"
        r"|(?:claude|deepseek|gemini|gemma|gpt|llama|mistral|mixtral|nova|phi|qwen|titan)-?\d[\w.:-]*"
        r"|(?:claude|gemini|llama|mistral|nova)-[a-z0-9][\w.:-]*|o[134](?:-mini|-preview)?",
        re.IGNORECASE,
    )
    LIMITING = re.compile(
        r"(?:^|_)(?:max|min|limit|limits|timeout|timeouts|deadline|retries|attempts|seconds|minutes|hours"
        r"|days|ms|bytes|chars|tokens|size|length|count|ttl|port|burst|depth|turns|calls|workers"
        r"|temperature|threshold)(?:$|_)"
    )
    WAITING = frozenset({"sleep", "timeout", "wait", "wait_for", "range", "Semaphore", "Queue", "deque"})

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every such value, by module."""
        for module in package:
            if not (module.is_settings or module.is_prompt or self._is_sample(module)):
                yield from self._texts(module)
                yield from self._numbers(module)

    @staticmethod
    def _is_sample(module: Module) -> bool:
        return "sample" in "_".join(module.parts[1:]).split("_")

    def _texts(self, module: Module) -> Iterator[Fault]:
        for node in module.nodes:
            match node:
                case ast.Constant(value=str(text)) if kind := self._kind(text):
                    problem = f"{kind} {text[:60]!r} is written into the code"
                    yield module.fault(node, problem, "make it a setting")

    def _kind(self, text: str) -> str:
        if self.ADDRESS.search(text) and not text.startswith(NAMES_NOT_ADDRESSES):
            return "the address"
        if self.HOST.fullmatch(text):
            return "the host"
        return "the model id" if self.MODEL.fullmatch(text) else ""

    def _numbers(self, module: Module) -> Iterator[Fault]:
        explained = {id(inner) for node in self._explained(module) for inner in ast.walk(node)}
        seen: set[int] = set()
        for node in module.nodes:
            for part in filter(None, self._limits(node)):
                number = self._value(part)
                if number is None or number in FREE_NUMBERS or id(part) in explained | seen:
                    continue
                seen.add(id(part))
                remedy = "make it a setting, or a constant in capitals with its unit and source beside it"
                yield module.fault(part, f"the limit {number} is written into the code", remedy)

    def _limits(self, node: ast.AST) -> Iterator[ast.expr | None]:
        """The expressions that limit something, as far as one node tells."""
        match node:
            case ast.Compare(left=left, comparators=others):
                yield from (left, *others)
            case ast.Slice(lower=lower, upper=upper):
                yield from (lower, upper)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
                yield from arguments if name in self.WAITING else ()
            case _:
                yield from (value for name, value in self._named(node) if self._is_limiting(name))

    @staticmethod
    def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
        """What one node gives under a name: an argument, a default, a variable."""
        match node:
            case ast.keyword(arg=str(name), value=value):
                yield name, value
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                yield name, value
            case ast.arguments():
                named = [*node.posonlyargs, *node.args]
                pairs = zip(named[::-1], node.defaults[::-1], strict=False)
                keyword_only = zip(node.kwonlyargs, node.kw_defaults, strict=True)
                yield from ((it.arg, default) for it, default in [*pairs, *keyword_only])

    def _is_limiting(self, name: str) -> bool:
        return bool(self.LIMITING.search(name.lower()))

    @classmethod
    def _value(cls, node: ast.expr) -> float | None:
        """The number that an expression of numbers alone comes to: `-5`, `64 * 1024`."""
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = cls._value(operand)
                return None if inner is None else -inner
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                first, second = cls._value(left), cls._value(right)
                return None if first is None or second is None else first * second
        return None

    @staticmethod
    def _explained(module: Module) -> Iterator[ast.stmt]:
        """Constants in capitals that say why: a string under them, a comment above or beside."""
        for parent in ast.walk(module.tree):
            body = getattr(parent, "body", None)
            statements: list[ast.stmt] = body if isinstance(body, list) else []
            for index, node in enumerate(statements):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)]):
                        pass
                    case ast.AnnAssign(target=ast.Name(id=name)):
                        pass
                    case _:
                        continue
                below = statements[index + 1] if index + 1 < len(statements) else None
                has_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                last = (node.end_lineno or node.lineno) - 1
                above = module.lines[node.lineno - 2].strip() if node.lineno > 1 else ""
                has_comment = "  # " in module.lines[last] or above.startswith("#")
                if name.isupper() and (has_text or has_comment):
                    yield node


def test_no_address_host_model_or_limit_is_written_into_the_code(package: Package) -> None:
    faults = [str(fault) for fault in HardCodedValues().faults(package)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('ask("https://api.example.com/v1")', "the address 'https://api.example.com/v1'"),
        ('ask(f"redis://{host}:6379", "redis://cache")', "the address 'redis://cache'"),
        ('HOST = "api.open-meteo.com"', "the host 'api.open-meteo.com'"),
        ('bind("127.0.0.1")', "the host '127.0.0.1'"),
        ('model = "openai:gpt-5-mini"', "the model id 'openai:gpt-5-mini'"),
        ('model = "claude-sonnet-5"', "the model id 'claude-sonnet-5'"),
        ("client = Client(timeout=30)", "the limit 30"),
        ("if len(text) > 4000: pass", "the limit 4000"),
        ("text = text[:500]", "the limit 500"),
        ("asyncio.sleep(0.5)", "the limit 0.5"),
        ("def ask(max_retries=3): pass", "the limit 3"),
        ("def ask(*, timeout_seconds: float = 2.5): pass", "the limit 2.5"),
        ("body_bytes = 64 * 1024", "the limit 65536"),
        ("MAX_TURNS = 6", "the limit 6"),
        ("offset_ms = -250", "the limit -250"),
    ],
)
def test_a_written_value_is_named_with_its_line(plant: Plant, line: str, problem: str) -> None:
    package = plant({"limits/quota.py": f"\n{line}\n"})
    found = [str(fault) for fault in HardCodedValues().faults(package)]
    assert len(found) == 1
    assert found[0].startswith(f"src/harness/limits/quota.py:2: {problem} is written into the code; ")


@pytest.mark.parametrize(
    "line",
    [
        '"""See https://example.com for the limits."""',
        'NAMESPACE = "http://www.w3.org/2005/Atom"',
        'url = f"http://{host}"',
        'name = "uvicorn.access"',
        "milliseconds = round(seconds * 1000, 1)",
        "first, rest = words[0], words[1:]",
        "if len(words) > 1: pass",
        "MAX_REDIRECTS = 5  # RFC 9110 names none; guess",
        "ROUND_TRIP_MS = 250\n'''Milliseconds, measured.'''",
        "# Bytes of a tag, RFC 1.\nTAG_BYTES = 16",
        "Client(timeout=settings.timeout_seconds)",
        "latitude: float = Field(ge=-90, le=90)",
    ],
)
def test_a_value_that_limits_nothing_or_says_why_is_left_alone(plant: Plant, line: str) -> None:
    package = plant({"limits/quota.py": f"{line}\n"})
    assert not list(HardCodedValues().faults(package))


@pytest.mark.parametrize(
    "file",
    [
        "settings.py",
        "agents/weather/settings.py",
        "prompts/planner.py",
        "agents/news/prompt.py",
        "agents/news/sample.py",
        "agents/news/sample_data.py",
    ],
)
def test_settings_prompts_and_sample_data_may_hold_values(plant: Plant, file: str) -> None:
    package = plant({file: 'URL = "https://api.example.com"\ntimeout_seconds = 30\n'}, "app")
    assert not list(HardCodedValues().faults(package))
