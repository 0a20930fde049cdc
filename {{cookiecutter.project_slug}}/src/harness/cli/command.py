"""Reads the command line and starts what it names."""

import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from ..auth.principal import Scope
from ..errors import ConfigurationError, ServiceError
from ..project import Extra, Project

USAGE_ERROR = 2
"""Exit code for what the operator must mend; `argparse` uses the same."""


class CommandLine:
    """The commands and their options: each is a class here that takes its options and has a `run`.

    It is imported when it runs: `--help` waits for none of them.
    """

    ENDPOINTS: ClassVar = Path(__file__).parents[1] / "endpoints"
    OWN: ClassVar = Path(__file__).with_name("commands.toml")

    def __init__(self) -> None:
        project = Project.load()
        self._parser = ArgumentParser(prog=project.name, description=project.description)
        version = f"{project.name} {project.version}"
        self._parser.add_argument("--version", action="version", version=version)
        commands = self._parser.add_subparsers(required=True, metavar="COMMAND")
        self._add_running(commands)
        self._add_asking(commands)
        self._add_keys(commands)
        self._add_data(commands)
        self._add_endpoints(commands)

    def run(self, arguments: Sequence[str] | None) -> int:
        """The exit code: 0 done, 1 refused, 2 misconfigured (the problems are on stderr)."""
        options = vars(self._parser.parse_args(arguments))
        module, _, name = options.pop("command").rpartition(".")
        takes = options.pop("takes", options.keys())  # not what a command takes above this one
        options = {name: options[name] for name in takes}
        try:
            command = getattr(self._module(module), name)
            return command(**options).run() or 0
        except ConfigurationError as refusal:
            print(*refusal.problems, sep="\n", file=sys.stderr)
            return USAGE_ERROR
        except ServiceError as refusal:
            print(refusal.detail, file=sys.stderr)
            return 1

    @staticmethod
    def _module(name: str) -> ModuleType:
        """The module of a command, here or in the package of an endpoint, whose extra may be missing."""
        if "." not in name:
            return import_module(f".{name}", __package__)
        try:
            return import_module(f"..{name}", __package__)
        except ModuleNotFoundError as missing:
            extra = name.split(".")[1]
            if extra not in Extra.PACKAGES or (missing.name or "").startswith("harness"):
                raise
            raise ConfigurationError([Extra.remedy(extra)]) from None

    @staticmethod
    def _add(commands: Any, name: str, about: str, command: str) -> ArgumentParser:
        parser: ArgumentParser = commands.add_parser(name, help=about, description=about)
        parser.set_defaults(command=command)
        return parser

    def _add_running(self, commands: Any) -> None:
        serve = self._add(commands, "serve", "answer over HTTP", "serve.Serve")
        serve.add_argument("--host", help="address to listen on, instead of HOST")
        serve.add_argument("--port", type=int, help="TCP port, instead of PORT")
        serve.add_argument("--workers", type=int, help="processes, instead of WORKERS")
        serve.add_argument("--reload", action="store_true", help="start again on a code change")
        about = "show every setting, its value and where the value comes from"
        settings = self._add(commands, "settings", about, "settings_reference.ShowSettings")
        pages = "env: the text of .env.example; markdown: the text of docs/configuration.md"
        formats = ("table", "env", "markdown")
        settings.add_argument("--format", choices=formats, default="table", help=pages)

    def _add_asking(self, commands: Any) -> None:
        self._add(commands, "agents", "list the agents and questions to try", "ask.ListAgents")
        about = "ask one question here, or a service that runs elsewhere"
        ask = self._add(commands, "ask", about, "ask.Ask")
        ask.add_argument("question")
        ask.add_argument("--thread", help="conversation to go on with")
        about = "approve or reject a call that waits, as `ask` showed it"
        decide = self._add(commands, "decide", about, "ask.Decide")
        decide.add_argument("id", help="the call")
        decide.add_argument("verdict", choices=["approve", "reject"])
        decide.add_argument("--thread", required=True, help="conversation in which it waits")
        for command in (ask, decide):
            command.add_argument("--url", help="address of a running service; without it: right here")
            command.add_argument("--key", help="API key or access token for it, instead of API_KEY")

    def _add_keys(self, commands: Any) -> None:
        about = "make, list and revoke API keys"
        keys = commands.add_parser("keys", help=about, description=about)
        actions = keys.add_subparsers(required=True, metavar="ACTION")
        about = "print a new key, once, and its line for the file"
        new = self._add(actions, "new", about, "keys.MakeKey")
        name = "whose key it is; two of one name share threads"
        new.add_argument("--name", required=True, help=name)
        scopes = "what it may do (chat, threads); approve must be named"
        new.add_argument("--scope", action="append", choices=[*Scope], help=scopes)
        new.add_argument("--days", type=int, help="days until it expires; without it, never")
        new.add_argument("--append", action="store_true", help="add the line to API_KEYS_FILE")
        self._add(actions, "list", "show the keys in API_KEYS_FILE", "keys.ListKeys")
        revoke = self._add(actions, "revoke", "take a key out of API_KEYS_FILE", "keys.RevokeKey")
        revoke.add_argument("id", help="the key's id, as `keys list` shows it")

    def _add_endpoints(self, commands: Any) -> None:
        """What `commands.toml` of each endpoint names, and that of this package: `[mcp]`, and `["mcp pin"]` below it.

        `run` is module and class in its package, `arguments` a list of what `add_argument` takes. It is data, so
        that no endpoint is imported before its command runs. A first word that is no command itself wants another.
        """
        parsers: dict[str, ArgumentParser] = {}
        actions: dict[str, Any] = {"": commands}
        for file in [*sorted(self.ENDPOINTS.glob("*/commands.toml")), self.OWN]:
            package = "" if file == self.OWN else f"endpoints.{file.parent.name}."
            for words, command in tomllib.loads(file.read_text(encoding="utf-8")).items():
                before, _, word = words.rpartition(" ")
                if before not in actions:
                    is_group = before not in parsers
                    group = parsers.get(before) or commands.add_parser(before, help=command["about"])
                    actions[before] = group.add_subparsers(metavar="ACTION", required=is_group)
                parsers[words] = self._add(actions[before], word, command["about"], package + command["run"])
                takes = [self._argument(parsers[words], it) for it in command.get("arguments", [])]
                parsers[words].set_defaults(takes=takes)

    @staticmethod
    def _argument(parser: ArgumentParser, given: dict[str, Any]) -> str:
        """Add one, of the type of its default; the name of its value."""
        default = given.get("default")
        if isinstance(default, int | float):
            given["type"] = type(default)
        return parser.add_argument(given.pop("name"), **given).dest

    def _add_data(self, commands: Any) -> None:
        about = "delete the threads whose last turn is too long ago"
        retention = self._add(commands, "retention", about, "store.Retention")
        retention.add_argument("--days", type=int, help="days to keep, instead of RETENTION_DAYS")
        about = "print the ratings of answers as JSON lines"
        feedback = self._add(commands, "feedback", about, "store.ExportFeedback")
        since = "day or moment, ISO 8601; without it, all"
        feedback.add_argument("--since", type=datetime.fromisoformat, help=since)
