"""Reads the command line and starts what it names."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, Final

from ..auth.principal import Scope
from ..errors import ConfigurationError, ServiceError
from ..project import Project

USAGE_ERROR = 2
"""Exit code for what the operator must mend; `argparse` uses the same."""


class CommandLine:
    """The commands and their options. Each is imported when it runs: `--help` waits for none of them."""

    FORMATS: Final = ("table", "env", "markdown")

    def __init__(self) -> None:
        project = Project.load()
        self._parser = ArgumentParser(prog=project.name, description=project.description)
        self._parser.add_argument(
            "--version", action="version", version=f"{project.name} {project.version}"
        )
        self._commands = self._parser.add_subparsers(required=True, metavar="COMMAND")
        self._add_serve()
        self._add_ask()
        self._add_decide()
        self._add(
            "agents",
            "list the agents and questions to try",
            lambda _: self._class("agents", "AgentList")().run(),
        )
        self._add_keys()
        self._add_retention()
        self._add_feedback()
        self._add_settings()

    def run(self, arguments: Sequence[str] | None) -> int:
        """The exit code: 0 done, 1 refused, 2 misconfigured (the problems are on stderr)."""
        options = self._parser.parse_args(arguments)
        try:
            exit_code: int = options.run(options)
        except ConfigurationError as refused:
            for problem in refused.problems:
                print(problem, file=sys.stderr)
            return USAGE_ERROR
        except ServiceError as refused:
            print(refused.detail, file=sys.stderr)
            return 1
        return exit_code

    @staticmethod
    def _class(module: str, name: str) -> Any:
        return getattr(import_module(f".{module}", __package__), name)

    def _add(self, name: str, about: str, run: Callable[[Namespace], int]) -> ArgumentParser:
        command = self._commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        return command

    def _add_serve(self) -> None:
        command = self._add(
            "serve",
            "answer over HTTP",
            lambda it: self._class("serve", "Serve")(it.host, it.port, it.workers).run(
                reload=it.reload
            ),
        )
        command.add_argument("--host", help="address to listen on, instead of HOST")
        command.add_argument("--port", type=int, help="TCP port, instead of PORT")
        command.add_argument("--workers", type=int, help="processes, instead of WORKERS")
        command.add_argument("--reload", action="store_true", help="start again on a code change")

    def _add_ask(self) -> None:
        command = self._add(
            "ask",
            "ask one question here, or a service that runs elsewhere",
            lambda it: self._class("ask", "Ask")(it.thread, it.url, it.key).run(it.question),
        )
        command.add_argument("question")
        command.add_argument("--thread", help="conversation to go on with")
        self._add_address(command)

    def _add_decide(self) -> None:
        command = self._add(
            "decide",
            "approve or reject a call that waits, as `ask` showed it",
            lambda it: self._class("ask", "Ask")(it.thread, it.url, it.key).decide(
                {"id": it.id, "verdict": it.verdict}
            ),
        )
        command.add_argument("id", help="the call")
        command.add_argument("verdict", choices=["approve", "reject"])
        command.add_argument("--thread", required=True, help="conversation in which it waits")
        self._add_address(command)

    @staticmethod
    def _add_address(command: ArgumentParser) -> None:
        command.add_argument("--url", help="address of a running service; without it: right here")
        command.add_argument("--key", help="API key or access token for it, instead of API_KEY")

    def _add_keys(self) -> None:
        command = self._add("keys", "make, list and revoke API keys", lambda _: 0)

        def keys() -> Any:
            return self._class("keys", "Keys")()

        actions = command.add_subparsers(required=True, metavar="ACTION")
        new = actions.add_parser("new", help="print a new key, once, and its line for the file")
        new.add_argument(
            "--name", required=True, help="whose key it is; two of one name share threads"
        )
        new.add_argument(
            "--scope",
            action="append",
            choices=[*Scope],
            help="what it may do (chat, threads); approve must be named",
        )
        new.add_argument("--days", type=int, help="days until it expires; without it, never")
        new.add_argument("--append", action="store_true", help="add the line to API_KEYS_FILE")
        new.set_defaults(run=lambda it: keys().new(it.name, it.scope, it.days, append=it.append))
        shown = actions.add_parser("list", help="show the keys in API_KEYS_FILE")
        shown.set_defaults(run=lambda _: keys().list())
        revoked = actions.add_parser("revoke", help="take a key out of API_KEYS_FILE")
        revoked.add_argument("id", help="the key's id, as `keys list` shows it")
        revoked.set_defaults(run=lambda it: keys().revoke(it.id))

    def _add_retention(self) -> None:
        command = self._add(
            "retention",
            "delete the threads whose last turn is too long ago",
            lambda it: self._class("retention", "Retention")(it.days).run(),
        )
        command.add_argument("--days", type=int, help="days to keep, instead of RETENTION_DAYS")

    def _add_feedback(self) -> None:
        command = self._add(
            "feedback",
            "print the ratings of answers as JSON lines",
            lambda it: self._class("feedback", "FeedbackExport")(it.since).run(),
        )
        command.add_argument(
            "--since", type=datetime.fromisoformat, help="day or moment, ISO 8601; without it, all"
        )

    def _add_settings(self) -> None:
        command = self._add(
            "settings",
            "show every setting, its value and where the value comes from",
            lambda it: self._class("show", "Show")(it.format).run(),
        )
        command.add_argument(
            "--format",
            choices=self.FORMATS,
            default="table",
            help="env: the text of .env.example; markdown: the text of docs/configuration.md",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    return CommandLine().run(arguments)
