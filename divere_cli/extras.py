"""The optional parts of divere: the libraries of each, and a command that installs them.

All installation hints come from here. divere is not on a package index, so a hint never names it:
it names the missing library, in a command for the way this Python was installed (pip, pipx or uv).
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
    """Return a command that adds an extra to this Python, or the reason why none can.

    Parameters
    ----------
    extra : str
        One of :data:`EXTRAS`.
    """
    libraries = " ".join(f"'{requirement}'" for requirement in EXTRAS[extra])
    if getattr(sys, "frozen", False):
        return f"this program was built without {libraries}: build it with them, or install divere"
    prefix = sys.prefix.replace("\\", "/")
    if "/pipx/venvs/" in prefix:
        return f"pipx inject {prefix.rpartition('/')[2]} {libraries}"
    if os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")):
        return f"uv pip install --python {_quoted(sys.executable)} {libraries}"
    return f"{_quoted(sys.executable)} -m pip install {libraries}"


def _quoted(path: str) -> str:
    plain = path and all(character.isalnum() or character in "/._-+:\\" for character in path)
    return path if plain else f"'{path}'"
