"""The optional parts of divere: what each needs, and a command that adds it here.

The one place that tells anybody how to install something. divere is in no package index,
so a hint never names it: it names the library that is missing, by a command for the way in
which this Python was set up (pip, pipx or uv).
"""

from __future__ import annotations

import os
import sys

# As in pyproject.toml; a test compares them.
EXTRAS: dict[str, tuple[str, ...]] = {
    "raw": ("rawpy>=0.24",),
    "dask": ("distributed>=2025.1",),
    "dx": ("zxing-cpp>=3.0",),
    "review": ("starlette>=0.40", "uvicorn>=0.30"),
    "watch": ("prometheus-client>=0.21",),
    "metrics": ("prometheus-client>=0.21",),
}


def how_to_add(extra: str) -> str:
    """Return a command that adds an extra to the Python that runs this, or why none can.

    Parameters
    ----------
    extra : str
        One of :data:`EXTRAS`.
    """
    wanted = " ".join(f"'{requirement}'" for requirement in EXTRAS[extra])
    if getattr(sys, "frozen", False):
        return f"this program was built without {wanted}: build it with them, or install divere"
    prefix = sys.prefix.replace("\\", "/")
    if "/pipx/venvs/" in prefix:
        return f"pipx inject {prefix.rpartition('/')[2]} {wanted}"
    if os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")):
        return f"uv pip install --python {_quoted(sys.executable)} {wanted}"
    return f"{_quoted(sys.executable)} -m pip install {wanted}"


def _quoted(path: str) -> str:
    plain = path and all(character.isalnum() or character in "/._-+:\\" for character in path)
    return path if plain else f"'{path}'"
