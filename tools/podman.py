"""A container engine and a base image for the tests, also where no registry is reached and no service runs.

Where Docker or podman works and the project's own base image can be had, that is all. Else, as root on Debian or
Ubuntu: podman from the distribution's packages, with a storage of its own in the folder for temporary files, and a base
image made by debootstrap from apt's own mirror. Nothing of the machine's configuration is written anywhere.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.questions import PROJECT_FOLDER, ROOT

PACKAGES = ("podman", "buildah", "runc", "netavark", "catatonit", "uidmap", "debootstrap")
INCLUDED = ("python3", "python3-venv", "ca-certificates")
# crun and the default limits fail inside of some virtual machines; seen.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
# What pip needs to know to reach an index from inside of a build as it does here, wherever it was told so.
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "default-timeout", "timeout")
PIP_CONF = "/etc/pip.conf"
UV_TOML = "/etc/uv/uv.toml"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


class MissingError(Exception):
    """No engine works here; the text says why."""


def install_packages(*packages: str) -> None:
    """Installs what is missing of Debian's packages; a server among them is not started.

    Raises:
        MissingError: apt-get failed.
    """
    asked = ("dpkg-query", "-W", "-f", "${Status}")
    states = {name: subprocess.run([*asked, name], capture_output=True, text=True).stdout for name in packages}
    missing = [name for name, state in states.items() if not state.endswith(" installed")]
    if not missing:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise MissingError(f"apt-get {command[0]} failed: {done.stderr.strip()}")


class Podman:
    """Finds or makes what the project's tests of its image need, as environment variables for them."""

    def __init__(self) -> None:
        release = self._facts("/etc/os-release")
        self._codename = release.get("VERSION_CODENAME", "")
        # What is mounted leaves a mark in the layers that are kept.
        recipe = repr((self._codename, INCLUDED, CONTAINERS_CONF, PIP_CONF, UV_TOML, AUTHORITIES))
        self._key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
        self._folder = Path(tempfile.gettempdir()) / f"template-containers-{self._key}"

    def settings(self) -> Mapping[str, str]:
        """What the tests read.

        Raises:
            MissingError: Neither way works here.
        """
        if self._has_registry():
            return {}
        if not shutil.which("apt-get") or os.geteuid() != 0:
            raise MissingError("no container engine that reaches a registry; only root on Debian can make one")
        install_packages(*PACKAGES)
        self._folder.mkdir(exist_ok=True)
        (self._folder / "containers.conf").write_text(CONTAINERS_CONF, encoding="utf-8")
        storage = STORAGE_CONF.format(folder=self._folder)
        (self._folder / "storage.conf").write_text(storage, encoding="utf-8")
        mounts = [f"-v {self._pip_settings()}:{PIP_CONF}:ro"]
        mounts += [f"-v {self._uv_settings()}:{UV_TOML}:ro"]
        mounts += [f"-v {AUTHORITIES}:{AUTHORITIES}:ro"] if Path(AUTHORITIES).exists() else []
        settings = {
            "CONTAINERS_CONF": str(self._folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self._folder / "storage.conf"),
            "CONTAINER_ENGINE": "podman",
            "BASE_IMAGE": f"localhost/python-base:{self._key}",
            "BUILD_OPTIONS": " ".join(["--network host", *mounts]),
            "RUN_OPTIONS": "--network host",
        }
        self._make_base(settings)
        return settings

    @staticmethod
    def _facts(file: str) -> dict[str, str]:
        path = Path(file)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}

    @staticmethod
    def _has_registry() -> bool:
        text = (ROOT / PROJECT_FOLDER / "Dockerfile").read_text(encoding="utf-8")
        base = text.partition("ARG BASE_IMAGE=")[2].split()[0]
        return any(
            shutil.which(engine) and subprocess.run([engine, "pull", base], capture_output=True).returncode == 0
            for engine in ("docker", "podman")
        )

    def _pip_settings(self) -> Path:
        """A configuration of pip that says what its configurations and variables say here."""
        told = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
        )
        found = {"cert": AUTHORITIES} if Path(AUTHORITIES).exists() else {}
        for line in told.stdout.splitlines():
            name, _, value = line.partition("=")
            option = name.rpartition(".")[2]
            # What lies on this machine's disk is not in the container.
            kept = " ".join(word for word in value.strip("'").split() if not word.startswith("file:"))
            if option in PIP_OPTIONS and kept:
                found[option] = AUTHORITIES if option == "cert" else kept
        file = self._folder / "pip.conf"
        file.write_text(
            "[global]\n" + "".join(f"{name} = {value}\n" for name, value in found.items()), encoding="utf-8"
        )
        return file

    def _uv_settings(self) -> Path:
        """A configuration of uv that says where this machine's uv gets packages from."""
        file = self._folder / "uv.toml"
        lines = ["system-certs = true"]
        if index := os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
            lines.append(f'[[index]]\nurl = "{index}"\ndefault = true')
        own = Path.home() / ".config" / "uv" / "uv.toml"
        text = own.read_text(encoding="utf-8") if own.exists() else "\n".join(lines)
        file.write_text(f"{text}\n", encoding="utf-8")
        return file

    def _make_base(self, settings: Mapping[str, str]) -> None:
        environment = os.environ | settings
        name = settings["BASE_IMAGE"]
        if subprocess.run(["podman", "image", "exists", name], env=environment).returncode == 0:
            return
        with tempfile.TemporaryDirectory() as scratch:
            tree, packed = Path(scratch) / "tree", Path(scratch) / "base.tar"
            options = ("--variant=minbase", f"--include={','.join(INCLUDED)}")
            self._do("debootstrap", *options, self._codename, str(tree), self._mirror(), env=environment)
            for leftover in ("var/cache/apt", "var/lib/apt/lists", "var/log", "etc/apt/sources.list"):
                path = tree / leftover
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self._do("tar", "-C", str(tree), "-cf", str(packed), ".", env=environment)
            self._do("podman", "import", "--quiet", str(packed), name, env=environment)

    def _mirror(self) -> str:
        """Where apt gets this release from."""
        form = "$(CODENAME) $(COMPONENT) $(SITE)"
        told = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Identifier: Packages"], capture_output=True, text=True
        )
        for line in told.stdout.splitlines():
            codename, component, site = line.split(maxsplit=2)
            if (codename, component) == (self._codename, "main"):
                return site
        raise MissingError(f"apt knows no mirror of {self._codename}")

    @staticmethod
    def _do(*command: str, env: Mapping[str, str]) -> None:
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            last: Sequence[str] = (done.stdout + done.stderr).strip().splitlines()[-3:]
            raise MissingError(f"{command[0]} failed: {' '.join(last)}")
