"""What the cluster costs a scan: tiny scans, local and on loopback; fills docs/cluster.md's table.

`python -m bench.cluster`. Tiny scans, so that what is left is the overhead.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from bench.timing import divere, medians

PAGE = Path(__file__).parents[1] / "docs" / "cluster.md"
COUNT = 300
DASK = str(Path(sys.executable).with_name("dask"))


def scans(folder: Path) -> Path:
    """``COUNT`` scans of 5 kilopixels."""
    folder.mkdir()
    picture = np.random.default_rng(4).integers(2000, 40000, (60, 80, 3)).astype(np.uint16)
    for number in range(COUNT):
        tifffile.imwrite(folder / f"{number:03}.tif", picture, photometric="rgb")
    return folder


def start(*words: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen([DASK, *words], stdout=quiet, stderr=quiet, start_new_session=True)


def main() -> None:
    """Measure and write the table between the page's marks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source, file = scans(folder / "in"), str(folder / "scheduler.json")
        processes = [
            start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                  "--scheduler-file", file)
        ]  # fmt: skip
        try:
            while not Path(file).exists():
                time.sleep(0.1)
            words = ("--scheduler-file", file, "--nthreads", "2", "--no-dashboard", "--no-nanny")
            processes.append(start("worker", *words))
            far = ("--engine", "dask", "--scheduler", file)
            numbers = iter(range(100))
            common = ("batch", source, "-q", "-p", "c41-endura-premier")

            def run(*more: str) -> None:
                divere(common[0], common[1], folder / f"out{next(numbers)}", *common[2:], *more)

            run(*far)
            taken = medians({"local": run, "dask": lambda: run(*far)}, 3)
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    write(taken["local"] / COUNT * 1000, taken["dask"] / COUNT * 1000)


def write(local: float, dask: float) -> None:
    """Put the figures and the sums made of them into the page."""
    extra = max(0.0, dask - local)
    hours = 1_000_000 * dask / 1000 / 3600
    table = f"""| what | measured |
|---|---|
| a scan of 5 kilopixels, local, two at once | {local:.1f} ms |
| the same through one Dask worker with two threads, on loopback | {dask:.1f} ms |
| what the cluster adds to a scan | {extra:.1f} ms |
| so 1,000,000 such scans on this one machine, everything on it | {hours:.1f} hours |
"""
    page = PAGE.read_text(encoding="utf-8")
    marked = re.sub(
        r"(<!-- measured -->\n).*(<!-- end -->)", rf"\g<1>{table}\g<2>", page, flags=re.DOTALL
    )
    PAGE.write_text(marked, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
