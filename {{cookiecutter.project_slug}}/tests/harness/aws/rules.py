"""What we ask of the templates beyond what AWS's linters know."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.harness.aws.templates import Resource, Templates, flat, parts

LONGEST_SLUG: Final = "a" * 30 + "-" + "9" * 29
SHORTEST_SLUG: Final = "a"


@cache
def _table(name: str) -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


class Rights:
    """Roles name exact actions and resources, and trust one service of this account."""

    WITHOUT_RESOURCE: ClassVar = {"ecr:GetAuthorizationToken"}
    SEEN: ClassVar = {"AWS::IAM::Role", "AWS::IAM::RolePolicy"}
    """What `statements` reads; other ways to give rights are not used."""

    ARN: ClassVar = re.compile(r"arn:[^:]*:([a-z0-9-]+):")

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        expected = _table("rights")["roles"]
        for role in templates.resources("AWS::IAM::Role"):
            if role.place not in expected:
                yield f"{role.place}: rights.toml does not say what it is for"
            yield from self._trust(role)
            if role.properties.get("ManagedPolicyArns"):
                yield f"{role.place}: managed policies change without us"
        for place, statement in self.statements(templates):
            yield from self._statement(place, statement)
        yield from (f"{template}: {text}" for template in templates.bodies for text in self._spelt(templates, template))

    def _spelt(self, templates: Templates, template: str) -> Iterator[str]:
        """Rights on what is no resource of the stacks and no parameter, without a reason in rights.toml."""
        reasons = _table("rights")["spelt"]
        resources = templates.bodies[template]["Resources"]
        yield from (
            f"{it['Type']} is not held to rights.toml" for it in resources.values() if self._is_unseen(it["Type"])
        )
        for statement in (it for it in parts(resources) if isinstance(it, dict) and "Resource" in it):
            for text in parts(statement["Resource"]):
                if not isinstance(text, str) or not ("*" in text or text.startswith("arn:")):
                    continue
                if text not in reasons:
                    yield f"rights.toml does not say why on {text}"
                elif reasons[text].get("condition", "") not in str(statement.get("Condition")):
                    yield f"{text} without {reasons[text]['condition']}"

    def _is_unseen(self, kind: str) -> bool:
        return kind.startswith("AWS::IAM::") and kind not in self.SEEN

    @staticmethod
    def statements(templates: Templates) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every statement of a policy, with the place of its role."""
        for role in templates.resources("AWS::IAM::Role"):
            for policy in flat(role.properties.get("Policies", [])):
                for it in flat(policy["PolicyDocument"]["Statement"]):
                    yield role.place, it
        for policy in templates.resources("AWS::IAM::RolePolicy"):
            role_name = policy.properties["RoleName"].rpartition(":")[2]
            for it in flat(policy.properties["PolicyDocument"]["Statement"]):
                yield f"{policy.template}.{role_name}", it

    @staticmethod
    def _trust(role: Resource) -> Iterator[str]:
        for it in role.properties["AssumeRolePolicyDocument"]["Statement"]:
            principal = it["Principal"]
            if not isinstance(principal, dict) or principal.keys() != {"Service"} or "*" in str(principal):
                yield f"{role.place}: trusts {principal}"
            elif "aws:SourceAccount" not in it.get("Condition", {}).get("StringEquals", {}):
                yield f"{role.place}: trusts {principal['Service']} on behalf of any account"

    def _statement(self, place: str, statement: Mapping[str, Any]) -> Iterator[str]:
        actions, resources = flat([statement["Action"]]), flat([statement["Resource"]])
        for action in actions:
            if "*" in action:
                yield f"{place}: {action} is no exact action"
        if resources == ["*"] and set(actions) <= self.WITHOUT_RESOURCE:
            return
        services = {action.partition(":")[0] for action in actions}
        for resource in resources:
            found = self.ARN.search(resource)
            if not found or {found[1]} != services:
                yield f"{place}: {', '.join(actions)} on {resource}"
        if "iam:PassRole" in actions and "iam:PassedToService" not in str(statement.get("Condition")):
            yield f"{place}: iam:PassRole to any service"


class Containers:
    """They run with no right at all, from an image that cannot change, and hold no secret in the open."""

    SECRET: ClassVar = re.compile(r"KEY$|SECRET|PASSWORD|TOKEN")
    DIGEST: ClassVar = "@sha256:[0-9a-f]{64}"
    SIZES: ClassVar = {"512": (1, 4), "1024": (2, 8), "2048": (4, 16)}
    """Processor -> least and most memory, GB; docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"""

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        yield from self._of_parameters(templates)
        for task in templates.resources("AWS::ECS::TaskDefinition"):
            for container in flat(task.properties["ContainerDefinitions"]):
                yield from self._container(task.place, container)
        for runtime in templates.resources("AWS::BedrockAgentCore::Runtime"):
            yield from self._in_the_open(runtime.place, runtime.properties["EnvironmentVariables"])
        for service in templates.resources("AWS::ECS::Service"):
            breaker = service.properties["DeploymentConfiguration"].get("DeploymentCircuitBreaker")
            if breaker != {"Enable": True, "Rollback": True}:
                yield f"{service.place}: a release that does not start does not go back"

    def _of_parameters(self, templates: Templates) -> Iterator[str]:
        for name, body in templates.bodies.items():
            parameters = body.get("Parameters", {})
            if "Image" in parameters and not parameters["Image"]["AllowedPattern"].endswith(self.DIGEST):
                yield f"{name}: takes an image without a digest"
            for processor, it in body.get("Mappings", {}).get("Size", {}).items():
                least, most = self.SIZES[processor]
                if not least * 1024 <= int(it["Memory"]) <= most * 1024:
                    yield f"{name}: {it['Memory']} MB with {processor} of a processor"

    def _container(self, place: str, container: Mapping[str, Any]) -> Iterator[str]:
        if container.get("ReadonlyRootFilesystem") is not True:
            yield f"{place}: {container['Name']} may write its root"
        if container["LinuxParameters"]["Capabilities"] != {"Drop": ["ALL"]} or container.get("Privileged"):
            yield f"{place}: {container['Name']} keeps capabilities"
        if container.get("User") != "10001:10001":
            yield f"{place}: {container['Name']} runs as {container.get('User')}"
        yield from self._in_the_open(place, [it["Name"] for it in flat(container.get("Environment", []))])

    def _in_the_open(self, place: str, names: Sequence[str] | Mapping[str, Any]) -> Iterator[str]:
        yield from (f"{place}: {name} stands in the open" for name in names if self.SECRET.search(name))


class Names:
    """Legal for every slug, not only for this project's."""

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        patterns = _table("names")
        for slug in (templates.given["Name"], SHORTEST_SLUG, LONGEST_SLUG):
            for it in templates.named(slug).resources(*patterns):
                for name, pattern in patterns[it.kind].items():
                    if not re.fullmatch(pattern, it.properties[name]):
                        yield f"{it.place}: {it.properties[name]} is no {name}"


class Held:
    """What held.toml says of a kind of resource, or of one: each value as it must be, by its path."""

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        table = _table("held")
        places = {place for it in templates.resources() for place in (it.kind, it.place)}
        yield from (f"held.toml: there is no {name}" for name in table.keys() - places)
        for it in templates.resources():
            for path, pattern in {**table.get(it.kind, {}), **table.get(it.place, {})}.items():
                value: Any = it.properties
                for name in path.split("/"):
                    value = value.get(name, "") if isinstance(value, Mapping) else ""
                if not re.fullmatch(pattern, str(value), re.DOTALL):
                    yield f"{it.place}: {path} is {value}"


class Parameters:
    """What the owner's file says fits, and says everything that has no default."""

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        known = {name: it for body in templates.bodies.values() for name, it in body.get("Parameters", {}).items()}
        for name in templates.given.keys() - known.keys():
            yield f"parameters: no template takes {name}"
        for template, body in templates.bodies.items():
            for name, it in body.get("Parameters", {}).items():
                value = templates.given.get(name, it.get("Default"))
                if value is None:
                    yield f"{template}: {name} is not given"
                elif not self._fits(it, str(value)):
                    yield f"{template}: {value} is no {name}"

    @staticmethod
    def _fits(parameter: Mapping[str, Any], value: str) -> bool:
        choices = [str(it) for it in parameter.get("AllowedValues", [value])]
        return value in choices and bool(re.fullmatch(parameter.get("AllowedPattern", ".*"), value))


class Keeping:
    """Logs end, and what holds conversations does not go with its stack."""

    LASTING: ClassVar = {"AWS::DynamoDB::Table", "AWS::RDS::DBInstance", "AWS::SecretsManager::Secret"}

    def problems(self, templates: Templates) -> Iterator[str]:
        """One sentence each."""
        for group in templates.resources("AWS::Logs::LogGroup"):
            if "RetentionInDays" not in group.properties:
                yield f"{group.place}: is kept for ever"
        for template, body in templates.bodies.items():
            for name, it in body["Resources"].items():
                if it["Type"] in self.LASTING and it.get("DeletionPolicy") not in ("RetainExceptOnCreate", "Snapshot"):
                    yield f"{template}.{name}: goes with its stack"
                if it.get("DeletionPolicy") == "Retain":
                    yield f"{template}.{name}: stays where a first deploy fails, in the way of the next"


def problems(templates: Templates) -> list[str]:
    """Everything that is wrong; something that refers to nothing is one problem."""
    try:
        rules = (Rights(), Containers(), Names(), Held(), Parameters(), Keeping())
        return [problem for rule in rules for problem in rule.problems(templates)]
    except KeyError as missing:
        return [f"{missing} is not there"]
