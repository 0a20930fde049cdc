"""Time to generate a project, against what cookiecutter itself costs: prints a ratio, times nothing alone.

The bound: twice ``cookiecutter --version`` plus 4 ms a file (docs/decisions/0003). Runs alternate, so that a busy
machine slows both sides; the medians are compared.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.scratch import scratch_template

RUNS = 7
SECONDS_PER_FILE = 0.004


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        template = scratch_template(Path(scratch) / "template", "v0.0.1")
        starts, generations, files = [], [], 0
        for number in range(RUNS):
            into = Path(scratch) / f"made-{number}"
            starts.append(seconds("cookiecutter", "--version"))
            generations.append(seconds("cookiecutter", str(template), "--no-input", "--output-dir", str(into)))
            files = sum(path.is_file() for path in into.rglob("*"))
    start, generation = statistics.median(starts), statistics.median(generations)
    bound = 2 * start + SECONDS_PER_FILE * files
    print(f"cookiecutter --version {start:.2f} s, generation of {files} files {generation:.2f} s")
    print(f"ratio to the bound (2 x --version + 4 ms a file = {bound:.2f} s): {generation / bound:.2f}")
    return 0 if generation <= bound else 1


if __name__ == "__main__":
    sys.exit(main())
