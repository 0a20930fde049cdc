"""The templates of deploy/aws, read and resolved as far as can be without AWS."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "deploy" / "aws"


class _Loader(yaml.SafeLoader):
    """Reads `!Ref x` and its like as `{"Ref": "x"}`."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("CloudFormation knows no YAML aliases")
        return super().compose_node(parent, index)

    def intrinsic(self, suffix: str, node: yaml.Node) -> Any:
        """One short form as the long one."""
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value = self.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        if isinstance(node, yaml.SequenceNode):
            return {name: self.construct_sequence(node, deep=True)}
        return {name: self.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _Loader.intrinsic)


@cache
def _parsed(text: str) -> Any:
    return yaml.load(text, _Loader)  # a SafeLoader


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    template: str
    name: str
    kind: str
    properties: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.template}.{self.name}"


@dataclass(frozen=True)
class Templates:
    """All of them with the values of their parameters."""

    texts: Mapping[str, str]
    """Name -> YAML."""

    given: Mapping[str, str]
    """What the owner's file of parameters says."""

    PSEUDO: ClassVar = {
        "AWS::Partition": "aws",
        "AWS::Region": "eu-west-1",
        "AWS::AccountId": "123456789012",
        "AWS::NoValue": None,
    }

    NAMED: ClassVar = {"AWS::DynamoDB::Table": "TableName"}
    """Kinds to which `Ref` is a name that is given."""

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Self:
        """Those that ship, with the owner's values for production."""
        texts = {it.stem: it.read_text(encoding="utf-8") for it in folder.glob("templates/*.yaml")}
        file = (folder / "parameters" / "production.json").read_text(encoding="utf-8")
        return cls(dict(sorted(texts.items())), json.loads(file)["Parameters"])

    def changed(self, template: str, before: str, after: str) -> Self:
        """The same with a change; raises ValueError where there is nothing to change."""
        text = self.texts[template]
        if before not in text:
            raise ValueError(f"{template} has no {before}")
        return replace(self, texts={**self.texts, template: text.replace(before, after, 1)})

    def named(self, name: str) -> Self:
        """The same for a service of another name."""
        return replace(self, given={**self.given, "Name": name})

    @cached_property
    def bodies(self) -> Mapping[str, Any]:
        """Name -> what the YAML says."""
        return {name: _parsed(text) for name, text in self.texts.items()}

    @cached_property
    def _exports(self) -> Mapping[str, tuple[str, Any]]:
        return {
            str(self.resolved(name, output["Export"]["Name"])): (name, output["Value"])
            for name, body in self.bodies.items()
            for output in body.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, *kinds: str) -> Iterator[Resource]:
        """Every resource, or those of some kinds, its properties resolved."""
        for template, body in self.bodies.items():
            for name, it in body["Resources"].items():
                if not kinds or it["Type"] in kinds:
                    yield Resource(template, name, it["Type"], self.resolved(template, it.get("Properties", {})))

    def resolved(self, template: str, value: Any) -> Any:
        """`value` without intrinsics: of a condition both ways in a list, of a resource an ARN with its name.

        Raises:
            KeyError: It refers to something that is not there.
        """
        if isinstance(value, list):
            return [it for it in (self.resolved(template, one) for one in value) if it is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (name := next(iter(value))).startswith(("Ref", "Fn::")):
            return self._intrinsic(template, name, value[name])
        return {name: self.resolved(template, it) for name, it in value.items()}

    def _intrinsic(self, template: str, name: str, inner: Any) -> Any:
        match name, inner:
            case "Ref", _:
                return self._reference(template, inner)
            case "Fn::GetAtt", [resource, attribute]:
                return self._reference(template, resource, attribute)
            case "Fn::Sub", _:
                text, extra = inner if isinstance(inner, list) else (inner, {})
                return self._substituted(
                    template, text, {key: self.resolved(template, it) for key, it in extra.items()}
                )
            case "Fn::ImportValue", _:
                return self.resolved(*self._exports[self.resolved(template, inner)])
            case "Fn::If", [_, *ways]:
                return self.resolved(template, ways)
            case "Fn::Split", [separator, text]:
                return str(self.resolved(template, text)).split(separator)
            case "Fn::Select", [index, parts]:
                return self.resolved(template, parts)[int(index)]
        self.resolved(template, inner)  # looked through for references, and not computed
        return name

    def _reference(self, template: str, name: str, attribute: str = "") -> Any:
        if name in self.PSEUDO:
            return self.PSEUDO[name]
        body = self.bodies[template]
        if name in body.get("Parameters", {}):
            parameter = body["Parameters"][name]
            default = parameter.get("Default", "")
            return self.given.get(name, default) or parameter.get("AllowedPattern", "")  # which shows the kind of ARN
        kind: str = body["Resources"][name]["Type"]
        if not attribute and kind in self.NAMED:
            return self.resolved(template, body["Resources"][name]["Properties"][self.NAMED[kind]])
        is_arn = not attribute or attribute.endswith("Arn")
        return (
            f"arn:aws:{kind.split('::')[1].lower()}:eu-west-1:123456789012:{name}" if is_arn else f"{name}-{attribute}"
        )

    def _substituted(self, template: str, text: str, own: Mapping[str, Any]) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            return str(own[name] if name in own else self._reference(template, *name.split(".", 1)))

        return re.sub(r"\$\{([\w:.]+)\}", value, text)


def flat(value: Any) -> Sequence[Any]:
    """A value, or all of a list and of the lists in it."""
    return [part for it in value for part in flat(it)] if isinstance(value, list) else [value]


def parts(value: Any) -> Iterator[Any]:
    """A value, and all that is in it."""
    yield value
    for it in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(it)
