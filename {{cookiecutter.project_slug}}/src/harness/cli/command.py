"""Reads the command line and starts what it names."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, Final

from ..auth.principal import Scope
from ..errors import ConfigurationError, ServiceError
from ..project import Project

USAGE_ERROR = 2
"""Exit code for what the operator must mend; `argparse` uses the same."""

Run = Callable[[Namespace], int]
Options = Mapping[str, Mapping[str, Any]]


class CommandLine:
    """The commands and their options. Each is imported when it runs: `--help` waits for none of them."""

    ADDRESS: Final[Options] = {
        "--url": {"help": "address of a running service; without it: right here"},
        "--key": {"help": "API key or access token for it, instead of API_KEY"},
    }

    def __init__(self) -> None:
        project = Project.load()
        self._parser = ArgumentParser(prog=project.name, description=project.description)
        version = f"{project.name} {project.version}"
        self._parser.add_argument("--version", action="version", version=version)
        self._commands = self._parser.add_subparsers(required=True, metavar="COMMAND")
        self._add_running()
        self._add_asking()
        self._add_keys()
        self._add_data()

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

    @staticmethod
    def _add(
        commands: Any, name: str, about: str, run: Run, options: Options | None = None
    ) -> None:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        for option, how in (options or {}).items():
            command.add_argument(option, **how)

    def _add_running(self) -> None:
        self._add(
            self._commands,
            "serve",
            "answer over HTTP",
            lambda it: self._class("serve", "Serve")(it.host, it.port, it.workers).run(
                reload=it.reload
            ),
            {
                "--host": {"help": "address to listen on, instead of HOST"},
                "--port": {"type": int, "help": "TCP port, instead of PORT"},
                "--workers": {"type": int, "help": "processes, instead of WORKERS"},
                "--reload": {"action": "store_true", "help": "start again on a code change"},
            },
        )
        pages = "env: the text of .env.example; markdown: the text of docs/configuration.md"
        formats = ("table", "env", "markdown")
        self._add(
            self._commands,
            "settings",
            "show every setting, its value and where the value comes from",
            lambda it: self._class("show", "Show")(it.format).run(),
            {"--format": {"choices": formats, "default": "table", "help": pages}},
        )

    def _add_asking(self) -> None:
        self._add(
            self._commands,
            "agents",
            "list the agents and questions to try",
            lambda _: self._class("agents", "AgentList")().run(),
        )
        self._add(
            self._commands,
            "ask",
            "ask one question here, or a service that runs elsewhere",
            lambda it: self._class("ask", "Ask")(it.thread, it.url, it.key).run(it.question),
            {"question": {}, "--thread": {"help": "conversation to go on with"}, **self.ADDRESS},
        )
        self._add(
            self._commands,
            "decide",
            "approve or reject a call that waits, as `ask` showed it",
            lambda it: self._class("ask", "Ask")(it.thread, it.url, it.key).decide(
                {"id": it.id, "verdict": it.verdict}
            ),
            {
                "id": {"help": "the call"},
                "verdict": {"choices": ["approve", "reject"]},
                "--thread": {"required": True, "help": "conversation in which it waits"},
                **self.ADDRESS,
            },
        )

    def _add_keys(self) -> None:
        about = "make, list and revoke API keys"
        command = self._commands.add_parser("keys", help=about, description=about)
        actions = command.add_subparsers(required=True, metavar="ACTION")

        def keys() -> Any:
            return self._class("keys", "Keys")()

        scopes = "what it may do (chat, threads); approve must be named"
        self._add(
            actions,
            "new",
            "print a new key, once, and its line for the file",
            lambda it: keys().new(it.name, it.scope, it.days, append=it.append),
            {
                "--name": {
                    "required": True,
                    "help": "whose key it is; two of one name share threads",
                },
                "--scope": {"action": "append", "choices": [*Scope], "help": scopes},
                "--days": {"type": int, "help": "days until it expires; without it, never"},
                "--append": {"action": "store_true", "help": "add the line to API_KEYS_FILE"},
            },
        )
        self._add(actions, "list", "show the keys in API_KEYS_FILE", lambda _: keys().list())
        self._add(
            actions,
            "revoke",
            "take a key out of API_KEYS_FILE",
            lambda it: keys().revoke(it.id),
            {"id": {"help": "the key's id, as `keys list` shows it"}},
        )

    def _add_data(self) -> None:
        self._add(
            self._commands,
            "retention",
            "delete the threads whose last turn is too long ago",
            lambda it: self._class("retention", "Retention")(it.days).run(),
            {"--days": {"type": int, "help": "days to keep, instead of RETENTION_DAYS"}},
        )
        since = "day or moment, ISO 8601; without it, all"
        self._add(
            self._commands,
            "feedback",
            "print the ratings of answers as JSON lines",
            lambda it: self._class("feedback", "FeedbackExport")(it.since).run(),
            {"--since": {"type": datetime.fromisoformat, "help": since}},
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    return CommandLine().run(arguments)
