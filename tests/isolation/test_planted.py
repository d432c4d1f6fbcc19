"""No process of divere executes modules beside the scans."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.tiffs import tiff
from tests.isolation.conftest import METHODS

NAMES = """
import sys
import divere_cli.cli.app, divere_cli.batch.run
import divere_cli.cluster.station, divere_cli.isolation.task
import importlib
for name in divere_cli.isolation.task.WARM:
    importlib.import_module(name)
import exiv2, PIL.Image, multiprocessing.resource_tracker
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
PLANTED = "open({mark!r}, 'a').write(__name__ + chr(10))\nraise ImportError('planted')\n"


@functools.cache
def imported() -> frozenset[str]:
    """Names of the modules that a worker imports."""
    done = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=True)
    return frozenset(name for name in done.stdout.split() if not name.startswith("__"))


def plant(folder: Path) -> tuple[Path, frozenset[str]]:
    """A module of each name that a worker imports; where one that runs leaves its name."""
    names = imported()
    mark = folder.parent / "planted.txt"
    for name in names | {"sitecustomize", "usercustomize", "rawpy", "tifffile"}:
        (folder / f"{name}.py").write_text(PLANTED.format(mark=str(mark)))
    return mark, names


def scans(folder: Path) -> Path:
    made = folder / "scans"
    made.mkdir()
    for name in ("a.tif", "b.tif"):
        (made / name).write_bytes(tiff(64, 48))
    return made


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_imports_nothing_that_lies_beside_the_scans(tmp_path: Path, method: str) -> None:
    made = scans(tmp_path)
    mark, names = plant(made)
    assert {"exiv2", "numpy", "imagecodecs", "PyOpenColorIO", "json"} <= names
    divere = Path(sys.executable).with_name("divere")
    done = subprocess.run(
        [divere, "batch", ".", tmp_path / "out", "-p", "c41-endura-premier",
         "--isolation", "always", "--start-method", method],
        cwd=made, capture_output=True, text=True, timeout=250,
        env={n: v for n, v in os.environ.items() if n != "PYTHONSAFEPATH"},
    )  # fmt: skip
    assert not mark.exists(), mark.read_text()
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "divere-report.json").read_text())
    assert report["summary"]["ok"] == 2


def test_a_station_of_a_cluster_imports_nothing_beside_the_scans(tmp_path: Path) -> None:
    made = scans(tmp_path)
    mark, _ = plant(made)
    program = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from divere_cli.cluster.machine import Station\n"
        "from divere_cli.isolation.runner import IsolationRequest\n"
        f"os.chdir({str(made)!r}); sys.path.insert(0, '')\n"
        "station = Station(IsolationRequest('always'))\n"
        "print(station.info.start_method, station.info.sandbox)\n"
        "station.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=250
    )
    assert not mark.exists(), mark.read_text()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("forkserver ")
