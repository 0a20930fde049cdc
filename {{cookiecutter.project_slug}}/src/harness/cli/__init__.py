"""The command line: `serve`, `ask`, `decide`, `agents`, `keys`, `threads`, `retention`, `feedback` and `settings`."""

from .start import main

__all__ = ["main"]
