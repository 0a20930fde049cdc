"""INT-3. Earned by SDKs that sent an exception's text to the caller, and kept what the conversation had masked."""

import ast
from collections.abc import Iterator

import pytest

from .conftest import Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("INT-3")


class PastTheGateway:
    """Finds endpoints that reach conversations otherwise than by `Gateway`, or tell what is for the log alone.

    Endpoints are the modules of `endpoints/`, and those of `http/` that have routes. What surrounds them (start,
    health, errors) is no endpoint.
    """

    ROUTES = ("chat", "memory")
    PARTS = frozenset({"store", "threads", "ratings", "saver", "memories", "records"})
    """What `AppState` and `Service` hold; `gateway.records(...)` and `.memories(...)` are calls of the gateway's."""
    RUNS = frozenset({"ask", "stream", "decide"})

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every such place."""
        for module in package:
            if module.is_in("endpoints") or (
                module.is_in("http") and module.parts[1:] in {(it,) for it in self.ROUTES}
            ):
                yield from self._in(module)

    def _in(self, module: Module) -> Iterator[Fault]:
        called = {id(node.func) for node in module.nodes if isinstance(node, ast.Call)}
        for node in module.nodes:
            match node:
                case ast.Attribute(attr=part, value=holder) if part in self.PARTS and id(node) not in called:
                    if ast.unparse(holder).rpartition(".")[2] in ("running", "state", "service", "store"):
                        yield module.fault(node, f"`{part}` is reached past the gateway", self.REMEDY)
                case ast.Attribute(attr=run, value=ast.Attribute(attr="service")) if run in self.RUNS:
                    yield module.fault(node, f"`{run}` is reached past the gateway", self.REMEDY)
                case ast.Call(func=ast.Name(id="str" | "repr" | "format" as say), args=[ast.Name(id=name)]):
                    if name in ("error", "exception", "failure", "refusal", "exc", "e"):
                        yield module.fault(node, f"`{say}({name})` is for the log alone", "tell `Failure.text`")

    REMEDY = "use `running.gateway(name)`, and grant it in its access.toml"


def test_endpoints_reach_conversations_by_the_gateway_alone(package: Package) -> None:
    faults = [str(fault) for fault in PastTheGateway().faults(package)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("await running.service.ask(message, thread)", "`ask` is reached past the gateway"),
        ("self._running.service.stream(message, thread)", "`stream` is reached past the gateway"),
        ("await running.threads.read(thread)", "`threads` is reached past the gateway"),
        ("await request.app.state.running.store.saver.aget(config)", "`saver` is reached past the gateway"),
        ("return str(error)", "`str(error)` is for the log alone"),
    ],
)
def test_a_way_past_it_is_named_with_its_line(plant: Plant, line: str, problem: str) -> None:
    text = f"async def f(self, running, request):\n    {line}\n"
    faults = list(PastTheGateway().faults(plant({"endpoints/mcp/endpoint.py": text, "service.py": text})))
    assert {fault.place for fault in faults} == {"src/harness/endpoints/mcp/endpoint.py:2"}
    assert problem in {fault.problem for fault in faults}


def test_what_the_gateway_gives_is_welcome(plant: Plant) -> None:
    text = """
        async def f(self, running, caller):
            gateway = running.gateway("a2a")
            await gateway.records(caller).save(record)
            names = [agent.name for agent in running.service.agents]
            return str(names)
        """
    assert not list(PastTheGateway().faults(plant({"endpoints/a2a/endpoint.py": text})))
