"""`python -m tools.containers`: image, up, down, secrets, key, revoke."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .answer import Answer
from .compose import Compose
from .engine import Engine, Failed, Missing
from .image import Image, Source
from .secrets import Secrets

ROOT = Path(__file__).resolve().parents[2]


class Commands:
    """What the command line names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def image(self, version: str | None) -> None:
        """Build the image of the files as they are, or of a release."""
        image = Image(Engine.find(), self._folder)
        if version is None:
            name = image.build(Source.of(self._folder))
        else:
            with Source.at(self._folder, f"v{version}") as source:
                name = image.build(source)
        print(f"Built {name}")

    def up(self, version: str | None) -> None:
        """Start it, with its stores, and wait for its answer."""
        engine = Engine.find()
        compose, image = Compose(engine, self._folder), Image(engine, self._folder)
        if version is None:
            source = Source.of(self._folder)
            tag, version = source.tag, source.version
            if not (source.is_release and engine.has_image(image.named(tag))):
                image.build(source)
        else:
            tag = version
            image.provide(tag)
        compose.up(tag)
        commit = Answer(compose.port).wait_for(version)
        print(f"Version {version}, commit {commit}, answers on http://{Answer.HOST}:{compose.port}")

    def down(self) -> None:
        """Stop it; what it keeps stays."""
        Compose(Engine.find(), self._folder).down()

    def secrets(self) -> None:
        """Make the secrets that are missing."""
        made = Secrets(self._folder).make()
        print(f"Made {', '.join(made)} in {Compose.SECRETS}/" if made else "All secrets are there")

    def key(self, name: str, scopes: Sequence[str]) -> None:
        """Make an API key, with the image that runs or else with that of these files."""
        engine = Engine.find()
        full = Compose(engine, self._folder).running_image()
        full = full or Image(engine, self._folder).named(Source.of(self._folder).tag)
        if not engine.has_image(full):
            raise Failed(f"there is no image {full} yet: run `make image` first")
        made = Secrets(self._folder).add_key(engine, full, name, scopes)
        print(f"Key of {name}, shown this once: {made}")

    def revoke(self, key_id: str) -> None:
        """Take an API key away."""
        Secrets(self._folder).revoke(key_id)
        print(f"{key_id} revoked: the service sees it at its next request")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    commands = Commands(ROOT)
    parser = argparse.ArgumentParser(prog="python -m tools.containers", description=__doc__)
    names = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (commands.image, commands.up):
        command = names.add_parser(run.__name__, help=run.__doc__)
        command.add_argument("--version", help="a release, from its tag; without it: these files")
        command.set_defaults(run=lambda it, run=run: run(it.version or None))
    for plain in (commands.down, commands.secrets):
        command = names.add_parser(plain.__name__, help=plain.__doc__)
        command.set_defaults(run=lambda _, plain=plain: plain())
    command = names.add_parser("key", help=commands.key.__doc__)
    command.add_argument("name", help="whose key it is")
    command.add_argument("--scopes", default="", help="what it may do: chat,threads,approve")
    command.set_defaults(
        run=lambda it: commands.key(it.name, it.scopes.split(",") if it.scopes else [])
    )
    command = names.add_parser("revoke", help=commands.revoke.__doc__)
    command.add_argument("id", help="of ak_3f9c_...: 3f9c")
    command.set_defaults(run=lambda it: commands.revoke(it.id))
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (Failed, Missing) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
