"""What the code calls at AWS, found in its source, and what each role may do: the same, and not one action more."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

from tests.harness.aws.rules import Rights
from tests.harness.aws.templates import PROJECT, Templates

TABLE: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("rights.toml").read_text(encoding="utf-8"))


@cache
def operations(service: str) -> Mapping[str, str]:
    """Method of the service's client -> operation, by botocore's own model."""
    model = botocore.session.Session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


class Calls:
    """The operations that a source calls through clients of boto3."""

    CLIENT = re.compile(r"""\b(?:client|resource)\(\s*["']([a-z][a-z0-9-]+)["']""")

    @classmethod
    def of(cls, source: str, services: set[str] | None = None) -> Iterator[tuple[str, str]]:
        """Service and method of each; the services are those whose clients the source makes."""
        made = services if services is not None else set(cls.CLIENT.findall(source)) if "boto" in source else set()
        nodes = [*ast.walk(ast.parse(source))] if made else []
        named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        paginated = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for service in made:
            for method in operations(service):
                if method in named or (method in paginated and {"get_paginator", "get_waiter"} & named):
                    yield service, method

    @classmethod
    def of_project(cls, folder: Path = PROJECT / "src") -> Mapping[str, set[str]]:
        """Service -> methods that the code in `folder` calls, and the libraries that call for it."""
        found: dict[str, set[str]] = defaultdict(set)
        for file in sorted(folder.rglob("*.py")):
            for service, method in cls.of(file.read_text(encoding="utf-8")):
                found[service].add(method)
        for module, about in TABLE["libraries"].items():
            spec = find_spec(module)
            if spec and spec.origin and cls._is_used(folder, about):
                source = Path(spec.origin).read_text(encoding="utf-8")
                for service, method in cls.of(source, {about["service"]}):
                    if method not in about.get("never", {}):
                        found[service].add(method)
        return found

    @staticmethod
    def _is_used(folder: Path, about: Mapping[str, Any]) -> bool:
        """True where the code names what tells that the library is in use; always where nothing does."""
        sign = about.get("sign", "")
        return any(sign in file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))


def action(service: str, method: str) -> str:
    """What IAM asks for a call: the operation's own name unless the table says another."""
    own: str = TABLE["actions"].get(service, {}).get(method, f"{service}:{operations(service).get(method, method)}")
    return own


def problems(templates: Templates) -> Iterator[str]:
    """Roles with more or less than they need, one sentence each."""
    calls = Calls.of_project()
    absent = {name for name, sign in TABLE["parts"].items() if not [*(PROJECT / "src" / "harness").glob(sign)]}
    granted: dict[str, set[str]] = defaultdict(set)
    for place, statement in Rights.statements(templates):
        granted[place] |= {*([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
    for place, about in TABLE["roles"].items():
        needed = {*about.get("platform", {})}
        for service in about.get("services", ()):
            needed |= {action(service, method) for method in calls[service]}
        idle = {it for it in granted[place] - needed if it.partition(":")[0] not in absent}
        yield from (f"{place} may {it}, which nothing calls" for it in sorted(idle))
        yield from (f"{place} may not {it}, which is called" for it in sorted(needed - granted[place]))
    reached = {service for about in TABLE["roles"].values() for service in about.get("services", ())}
    yield from (f"no role is for {service}, which the code calls" for service in sorted(calls.keys() - reached))
