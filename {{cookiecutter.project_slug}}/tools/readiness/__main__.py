"""`python -m tools.readiness [--out DIR] [pytest arguments]`: runs the tests, writes the report."""

import io
import sys
from pathlib import Path

from .session import Session

PROJECT = Path(__file__).resolve().parents[2]


if __name__ == "__main__":
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a reason may hold what an old console cannot show
        sys.stdout.reconfigure(errors="replace")
    sys.exit(Session(PROJECT).main(sys.argv[1:]))
