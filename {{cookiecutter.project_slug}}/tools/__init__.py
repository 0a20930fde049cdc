"""What is run by name: `python -m tools.NAME`, as make and nox do."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

OWN_UV = ROOT / ".nox/uv" / ("Scripts" if sys.platform == "win32" else "bin") / "uv"
UV: Final = os.environ.get("UV") or shutil.which("uv") or str(OWN_UV)
"""The uv that runs this, the machine's own, or the one that `make install` has brought."""
