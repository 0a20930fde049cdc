"""`python -m tools.servers`: PostgreSQL and Redis until Ctrl-C."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence

from . import INSTALLED, KINDS, Missing, Packages, Servers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the servers until Ctrl-C; the exit code."""
    parser = argparse.ArgumentParser(description="Run them until Ctrl-C.")
    parser.add_argument("--install", action="store_true", help="install missing packages (as root)")
    parser.add_argument("--only-install", action="store_true", help="install and end")
    options = parser.parse_args(arguments)
    try:
        if options.install or options.only_install:
            Packages.install(INSTALLED)
        if options.only_install:
            return 0
        with Servers.running(KINDS) as servers:
            for server in servers:
                print(server.url, flush=True)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            while True:
                time.sleep(3600)
    except Missing as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
