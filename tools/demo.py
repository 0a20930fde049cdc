"""``make demo``: a project of the default answers is generated, installed, started and asked for two things at once.

No key and no network are needed for the answer (the index of packages is, for the installation). On a terminal the
service keeps running until Ctrl-C; elsewhere it is stopped and the exit code tells whether it answered.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.download import download_bytes
from tools.installed import install_project, interpreter
from tools.questions import ROOT

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
QUESTION = "What is the weather in Bogotá, and what is the dollar worth?"
# Longer than any cold start seen (a few seconds); a guess for slow disks.
START_SECONDS = 90
ANSWER_SECONDS = 60
# What the demo runs with, whatever keys and settings the user's shell holds.
SETTINGS = {"LLM_MODEL": "embedded", "USE_FAKE_DATA": "true", "ENVIRONMENT": "development"}


class DemoError(Exception):
    """The demo could not go on; the text says what happened and what to do."""


def free_port(wanted: int) -> int:
    """``wanted`` if nothing listens there, any free one for 0; raises DemoError for a busy one."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise DemoError(
                f"Port {wanted} of {HOST} is taken ({error.strerror}). Choose another: PORT={wanted + 1} make demo"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def generate(into: Path) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--default-config"]
    done = subprocess.run([*command, "--output-dir", str(into)], stdout=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError("The project could not be generated; the reason is above.")
    return next(path for path in into.iterdir() if path.is_dir())


def install(project: Path) -> Path:
    """The interpreter of the project's new environment."""
    # The Python below this environment: the project makes its own from it, as it does for its user.
    done = install_project(project)
    if done.returncode:
        raise DemoError(f"The project could not be installed:\n{done.stdout}")
    return interpreter(project)


@contextmanager
def serving(project: Path, python: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The service, ready to be asked; stopped on the way out. Its log goes to ``serve.log`` beside the project."""
    command = [str(python), "-m", "app", "serve", "--host", HOST, "--port", str(port)]
    with (project.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=project, env=os.environ | SETTINGS, stdout=log, stderr=log)
        try:
            wait_until_ready(server, port, Path(log.name))
            yield server
        finally:
            server.terminate()
            try:
                server.wait(timeout=15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise DemoError(f"The service stopped with exit code {server.returncode}:\n{_end_of(log)}")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5):
                return
        except OSError:  # refused until it listens, 503 until it is ready
            time.sleep(0.2)
    raise DemoError(f"The service was not ready after {START_SECONDS} s:\n{_end_of(log)}")


def ask(port: int, question: str) -> dict[str, Any]:
    """The service's answer to one question, as its API gives it."""
    request = urllib.request.Request(
        f"http://{HOST}:{port}/v1/chat",
        data=json.dumps({"message": question}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise DemoError(f"The service answered {error.code}: {error.read().decode(errors='replace')}") from error
    if len(answer.get("agents", [])) < 2 or not answer.get("answer"):
        raise DemoError(f"Two agents should have answered, this came: {json.dumps(answer, ensure_ascii=False)}")
    return answer


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


def megabytes(project: Path, *groups: str) -> str:
    size = download_bytes(project, *groups)
    return "size unknown" if size is None else f"{size / 1e6:.0f} MB"


def demo(port: int, folder: Path) -> None:
    started = time.monotonic()
    port = free_port(port)
    print("1/4 Generating a project with the default answers", flush=True)
    project = generate(folder)
    print("2/4 Installing it (its own environment, its own locked versions)", flush=True)
    python = install(project)
    print(f"3/4 Starting it on {HOST}:{port}", flush=True)
    with serving(project, python, port) as server:
        print("4/4 Asking it", flush=True)
        answer = ask(port, QUESTION)
        took = time.monotonic() - started
        service, everything = megabytes(project, "--no-dev"), megabytes(project)
        print(f"\nReady after {took:.0f} s; a new machine downloads {everything} (the service alone: {service}).")
        print(f"The project is in {project}\n")
        print(f"> {QUESTION}\n{answer['answer']}\n")
        print(f"http://{HOST}:{port}", flush=True)
        if sys.stdout.isatty():
            print("Ctrl-C stops it.", file=sys.stderr)
            server.wait()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="demo", description="Generates, installs, starts and asks a project.")
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    parser.add_argument("--port", type=int, default=port, help="port on 127.0.0.1; 0 takes a free one (PORT)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="made anew at each run")
    chosen = parser.parse_args(arguments)
    try:
        demo(chosen.port, chosen.folder)
    except DemoError as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
