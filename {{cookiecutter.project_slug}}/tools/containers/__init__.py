"""The image and what runs of it on one machine: `python -m tools.containers image`, `up`, `down`, `key`, `secrets`.

Needs Docker or podman and nothing of the environment: plain Python, so that a machine which only
runs the service installs no development tools.
"""

from .compose import Compose
from .engine import Engine, Failed, Missing
from .image import Image, Source

__all__ = ["Compose", "Engine", "Failed", "Image", "Missing", "Source"]
