"""The secrets of compose.yaml, in a folder that git and the image never see: `python -m tools.compose_secrets make`.

`key NAME [SCOPES]` and `revoke ID` change who may call the service that compose.yaml runs.
"""

import json
import secrets
import sys
from pathlib import Path

from . import ROOT
from .containers import Failed, Service, Source, ask


def make(folder: Path) -> list[str]:
    """Write those that are missing, by chance (256 bits); their names. What is there stays."""
    # Only its owner may enter it. Its files are readable: each is mounted for a user of the container, unknown here.
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    files = [folder / "postgres_password", folder / "redis_password"]
    database, redis = (it.read_text() if it.exists() else secrets.token_urlsafe(32) for it in files)
    wanted = {
        "postgres_password": database,
        # pragma: allowlist nextline secret
        "database_url": f"postgresql://service:{database}@postgres:5432/service",
        "redis_password": redis,
        "redis.conf": f"requirepass {redis}\n",
        "redis_url": f"redis://:{redis}@redis:6379/0",
        **({"grafana_admin_password": secrets.token_urlsafe(32)} if (ROOT / "monitoring").is_dir() else {}),
        "llm_api_key": "",
        "api-keys.jsonl": "",
    }
    missing = [name for name in wanted if not (folder / name).exists()]
    for name in missing:
        (folder / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        (folder / name).chmod(0o644)
    return missing


def add_key(folder: Path, name: str, scopes: str) -> str:
    """Let the image that runs, or else that of these files, make an API key; what it says, the key in it."""
    service, keys = Service(folder), folder / "secrets" / "api-keys.jsonl"
    image = service.running() or f"{service.image}:{Source.of(folder).tag}"
    if not service.has(image):
        raise Failed(f"there is no image {image} yet: run `make image` first")
    safe = ("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL")
    wanted = [word for scope in scopes.split(",") if scope for word in ("--scope", scope)]
    told = ask(service.engine, *safe, image, "keys", "new", "--name", name, *wanted).splitlines()
    key, line = (text.partition(": ")[2] for text in told[-2:])
    # Written in place: a container sees the file that it was started with.
    with keys.open("a", encoding="utf-8", newline="\n") as kept:
        kept.write(f"{line}\n")
    return key


def revoke(keys: Path, key_id: str) -> None:
    """Take the key of this id away."""
    lines = keys.read_text(encoding="utf-8").splitlines()
    ids = {line: json.loads(line)["id"] for line in lines if line.startswith("{")}
    if key_id not in ids.values():
        raise Failed(f"there is no key {key_id}, only {', '.join(ids.values()) or 'none'}")
    left = "".join(f"{line}\n" for line in lines if ids.get(line) != key_id)
    keys.write_text(left, encoding="utf-8", newline="\n")


def main(command: str = "", name: str = "", scopes: str = "", *, folder: Path = ROOT) -> None:
    """Run `make`, `key` or `revoke`."""
    keys = folder / "secrets" / "api-keys.jsonl"
    if command == "make":
        made = make(keys.parent)
        print(f"Made {', '.join(made)} in secrets/" if made else "All secrets are there")
    elif command not in ("key", "revoke") or not name:
        raise Failed("say make, key NAME [SCOPES], or revoke ID")
    elif not keys.exists():
        raise Failed("there are no secrets yet: run `make secrets` first, once")
    elif command == "key":
        print(f"Key of {name}, shown this once: {add_key(folder, name, scopes)}")
    else:
        revoke(keys, name)
        print(f"{name} revoked: the service sees it at its next request")


if __name__ == "__main__":
    main(*sys.argv[1:4])
