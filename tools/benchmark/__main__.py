"""``python -m tools.benchmark``: a generated project beside the bare floors; prints Markdown with ratios.

Generates a project with the default answers, installs it, and drives it and the floors in turns with wrk. Takes about
20 minutes on two cores, ``--quick`` about 2, and the installation. It fails when a contender does not answer,
never because of a figure. Linux only: CPU time and memory are read from /proc.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.benchmark import profiles, report
from tools.benchmark.contenders import FLOOR, SERVICE_SQLITE, Contenders, Project, databases
from tools.benchmark.load import Load, LoadToolError, find_wrk
from tools.benchmark.measure import FULL, QUICK, Effort, Measurements
from tools.benchmark.server import ServerError
from tools.demo import DemoError, generate, install
from tools.questions import ROOT


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def install_megabytes(project: Project) -> float:
    """What the service alone takes on a disk, without byte code."""
    with tempfile.TemporaryDirectory() as folder:
        sync = ("sync", "--quiet", "--frozen", "--no-dev", "--no-install-project", "--link-mode", "copy")
        environment = os.environ | {"UV_PROJECT_ENVIRONMENT": folder, "UV_PYTHON": str(project.python)}
        subprocess.run([sys.executable, "-m", "uv", *sync], cwd=project.folder, env=environment, check=True)
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6


def measure(project: Project, scratch: Path, effort: Effort) -> report.Results:
    with databases(project) as addresses:
        if not addresses:
            tell("PostgreSQL is not installed: its rows are left out.")
        contenders = Contenders(project, scratch, addresses)
        measurements = Measurements(contenders, Load(scratch), effort, tell)
        speed = measurements.speed()
        starts, memory, turns = measurements.starts(), measurements.memory(), measurements.turns()
        shares = []
        for name in (FLOOR, SERVICE_SQLITE):
            profile = scratch / f"{name.partition(',')[0]}.pstats"
            measurements.profile(name, profile)
            shares.append(profiles.by_package(profile))
    tell("size of an installation")
    megabytes = install_megabytes(project)
    return report.Results(speed, starts, memory, turns, megabytes, profiles.rows(*shares))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmark", description="The generated service beside the bare floors.")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the time: to see that all works, and a first figure"
    )
    parser.add_argument("--project", type=Path, help="an installed project to measure; none: one is generated")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where it is generated, made anew")
    chosen = parser.parse_args(arguments)
    try:
        find_wrk()
        if not sys.platform.startswith("linux"):
            raise LoadToolError("The benchmark reads /proc: it runs on Linux only.")
        folder = chosen.project.resolve() if chosen.project else generate(chosen.folder)
        project = Project(folder, folder / ".venv" / "bin" / "python" if chosen.project else install(folder))
        with tempfile.TemporaryDirectory() as scratch:
            results = measure(project, Path(scratch), QUICK if chosen.quick else FULL)
    except (DemoError, LoadToolError, ServerError, subprocess.CalledProcessError) as failure:
        tell(str(failure))
        return 1
    print("\n".join(report.lines(results, project)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
