"""``python -m floors.postgres NAME ...`` in a project's folder: a private PostgreSQL, one empty database a name.

Prints one address a line and runs until it is terminated. The server is the one that the project's own tests start,
without fsync.
"""

import signal
import sys
import threading

from tests.support.servers import Missing, Postgres


def main(names: list[str]) -> int:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        server = Postgres()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    with server.running():
        for name in names:
            print(server.make_database(name), flush=True)
        ended.wait()
    return 0


sys.exit(main(sys.argv[1:]))
