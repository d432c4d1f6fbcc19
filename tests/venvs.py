"""A venv of its own for a program whose workers are to be watched: without a seam in them.

Its Python is this one, all that is installed here is found in it, and a ``.pth`` file
imports more modules at the start of each of its processes.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def make(folder: Path, modules: dict[str, str], first: str) -> Path:
    """The Python of a new venv in ``folder`` with ``modules`` (texts by name), ``first`` imported.

    ``first`` is imported by every process, workers too.
    """
    packages = folder / "lib" / VERSION / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    real = os.path.realpath(sys.executable)
    python = folder / "bin" / "python"
    python.symlink_to(real)
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(real)}\n")
    for name, text in modules.items():
        (packages / f"{name}.py").write_text(text)
    installed = sysconfig.get_paths()["purelib"]
    lines = f"import site; site.addsitedir({installed!r})\nimport {first}\n"
    (packages / "watched.pth").write_text(lines)
    return python
