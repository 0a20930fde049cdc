"""The command line: `serve`, `ask`, `decide`, `agents`, `keys`, `retention`, `feedback` and `settings`."""

from .command import main

__all__ = ["main"]
