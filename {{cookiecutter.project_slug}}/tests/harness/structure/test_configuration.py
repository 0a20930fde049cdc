"""CODE-3. Earned by feature flags that nobody read: they were documented, set in production, and did nothing."""

import ast
import re
from collections.abc import Iterator

import pytest

from .conftest import Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("CODE-3")


READ_BY_A_RULE = {"environment": "`production` changes what the settings accept, and nothing else"}
"""Settings of the service that only its own validators read, and why that is their whole use."""


class EnvironmentReads:
    """Finds code that asks the environment past the settings."""

    REMEDY = "read a setting instead: add a field to a class of settings/"

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every use of `os.environ`, `os.getenv` and dotenv outside of a settings module.

        What a library alone reads may be set for it.
        """
        for module in package:
            told = {id(part) for node in module.nodes if self._is_told(node) for part in ast.walk(node)}
            for node in () if module.is_settings else module.nodes:
                if id(node) not in told and (name := self._read(node)):
                    yield module.fault(node, f"`{name}` goes past the settings", self.REMEDY)

    @staticmethod
    def _is_told(node: ast.AST) -> bool:
        """True for `os.environ.setdefault("NAME", "value")`, whose result nobody reads."""
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="setdefault"), args=[ast.Constant(), ast.Constant()])):
                return True
        return False

    @staticmethod
    def _read(node: ast.AST) -> str:
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" as name):
                return f"os.{name}"
            case ast.ImportFrom(module="os", names=names):
                read = [it.name for it in names if it.name in {"environ", "environb", "getenv"}]
                return f"os.{read[0]}" if read else ""
            case ast.ImportFrom(module="dotenv") | ast.Import(names=[ast.alias(name="dotenv")]):
                return "dotenv"
        return ""


class SettingsFields:
    """Finds settings that nobody reads and settings that say nothing about themselves."""

    def unread(self, package: Package) -> Iterator[Fault]:
        """Every field that no module reads: `settings.field` or `getattr(settings, f"..._{x}")`."""
        for module in filter(lambda it: it.is_settings, package):
            readers = [other for other in package if other is not module and self._may_read(other, module)]
            for owner in self._classes(module):
                read = self._reads(owner, readers)
                for field, name in self._fields(owner):
                    if module.is_in("settings") and name in READ_BY_A_RULE:
                        continue
                    if not any(re.fullmatch(pattern, name) for pattern in read):
                        problem = f"nothing reads the setting `{name}`"
                        yield module.fault(field, problem, "use it or delete it")

    def undescribed(self, package: Package) -> Iterator[Fault]:
        """Every field without a string under it, from which the pages are made."""
        for module in filter(lambda it: it.is_settings, package):
            for owner in self._classes(module):
                following = dict(zip(owner.body, owner.body[1:], strict=False))
                for field, name in self._fields(owner):
                    match following.get(field):
                        case ast.Expr(value=ast.Constant(value=str(text))) if text.strip():
                            continue
                    problem = f"the setting `{name}` has no description"
                    yield module.fault(field, problem, "write a string under it, with its unit")

    @staticmethod
    def _may_read(reader: Module, module: Module) -> bool:
        """An agent's or endpoint's settings are its own; the service's are everybody's."""
        folder = () if module.is_in("settings") else module.parts[:-1]
        return reader.parts[: len(folder)] == folder

    @staticmethod
    def _classes(module: Module) -> list[ast.ClassDef]:
        return [node for node in module.tree.body if isinstance(node, ast.ClassDef)]

    @staticmethod
    def _fields(owner: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
        for node in owner.body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    if "ClassVar" not in ast.unparse(annotation) and name != "model_config":
                        yield node, name

    def _reads(self, owner: ast.ClassDef, readers: list[Module]) -> set[str]:
        """Patterns of the names that are read off something called settings."""
        read = {pattern for reader in readers for node in reader.nodes for pattern in self._read(node)}
        read |= {name for reader in readers for name in self._named_in_a_table(reader)}
        for method in owner.body:  # what a method reads is read when the method is used
            if isinstance(method, ast.FunctionDef) and method.name in read:
                read |= {
                    node.attr
                    for node in ast.walk(method)
                    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
                }
        return read

    def _read(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Attribute(value=owner, attr=name, ctx=ast.Load()) if self._is_settings(owner):
                yield name
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                if self._is_settings(owner):
                    yield re.escape(name)
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.JoinedStr(values=parts), *_]):
                if self._is_settings(owner):
                    yield "".join(
                        re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in parts
                    )

    def _named_in_a_table(self, reader: Module) -> Iterator[str]:
        """The strings of a module that reads `getattr(settings, rule.setting)`: its rules name settings."""
        by_rule = any(
            self._is_settings(owner) for node in reader.nodes for owner in self._owner_of_a_computed_name(node)
        )
        for node in reader.nodes if by_rule else ():
            match node:
                case ast.Constant(value=str(name)) if name.isidentifier():
                    yield name

    @staticmethod
    def _owner_of_a_computed_name(node: ast.AST) -> Iterator[ast.expr]:
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Attribute(), *_]):
                yield owner

    @staticmethod
    def _is_settings(owner: ast.expr) -> bool:
        """True for `settings`, `self._settings`, `Settings()` and the like."""
        match owner:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)):
                return name.lower().endswith("settings")
        return False


def test_nothing_but_the_settings_reads_the_environment(package: Package) -> None:
    faults = [str(fault) for fault in EnvironmentReads().faults(package)]
    assert not faults, "\n".join(faults)


def test_every_setting_is_read_by_something(package: Package) -> None:
    faults = [str(fault) for fault in SettingsFields().unread(package)]
    assert not faults, "\n".join(faults)


def test_every_setting_says_what_it_is_for(package: Package) -> None:
    faults = [str(fault) for fault in SettingsFields().undescribed(package)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "line",
    [
        'key = os.environ["KEY"]',
        'key = os.environ.setdefault("KEY", "x")',
        'os.environ.setdefault("KEY", value)',
        'key = os.getenv("KEY")',
        "from os import getenv, path",
        "from dotenv import load_dotenv",
        "import dotenv",
    ],
)
def test_a_look_at_the_environment_is_named_with_its_line(plant: Plant, line: str) -> None:
    package = plant({"models/factory.py": f"import os\n{line}\n", "settings.py": f"{line}\n"})
    found = [str(fault) for fault in EnvironmentReads().faults(package)]
    assert len(found) == 1
    assert found[0].startswith("src/harness/models/factory.py:2: `")


def test_what_only_a_library_reads_may_be_set_for_it(plant: Plant) -> None:
    line = 'os.environ.setdefault("SDK_TRACING", "false")'
    assert not [*EnvironmentReads().faults(plant({"endpoints/a2a/endpoint.py": f"import os\n{line}\n"}))]


PLANTED = {
    "settings.py": """
        class Settings(Configuration):
            model_config = SettingsConfigDict()
            env_file: ClassVar[Path] = Path(".env")

            environment: str = "development"
            '''Read by a rule.'''

            port: int = 8000
            '''TCP port.'''

            timeout_seconds: float = 5
            dead_flag: bool = False
            '''Read only by its own check.'''

            llm_writer_model: str = ""
            '''Read by its role.'''

            quota_day: int = 5
            '''Read by a rule that names it.'''

            user: str = ""
            '''Read by a method that is used.'''

            password: str = ""
            '''Read by a method that nobody uses.'''

            @property
            def address(self): return self.user

            @property
            def secret(self): return self.password

            @model_validator(mode="after")
            def _check(self): return self.dead_flag
        """,
    "http/app.py": """
        def create_app(settings, other):
            run(Settings().port, other.dead_flag, self._settings.timeout_seconds)
            settings.dead_flag = True
            use(getattr(settings, f"llm_{role}_model"), settings.address)
        """,
    "limits/rules.py": """
        RULES = [Rule("quota_day"), Rule("no setting")]
        def limit(settings, rule): return getattr(settings, rule.setting)
        """,
    "agents/news/settings.py": "class NewsSettings(Configuration):\n    outlets: int = 3\n    '''Feeds.'''\n",
    "agents/weather/agent.py": "use(self.settings.outlets)\n",
}


def test_a_setting_that_nobody_reads_is_named_with_its_line(plant: Plant) -> None:
    found = [str(fault) for fault in SettingsFields().unread(plant(PLANTED, "app"))]
    assert found == [
        "src/app/agents/news/settings.py:2: nothing reads the setting `outlets`; use it or delete it",
        "src/app/settings.py:13: nothing reads the setting `dead_flag`; use it or delete it",
        "src/app/settings.py:25: nothing reads the setting `password`; use it or delete it",
    ]


def test_a_setting_without_a_description_is_named_with_its_line(plant: Plant) -> None:
    found = [str(fault) for fault in SettingsFields().undescribed(plant(PLANTED, "app"))]
    assert len(found) == 1
    assert found[0].startswith("src/app/settings.py:12: the setting `timeout_seconds` has no desc")
