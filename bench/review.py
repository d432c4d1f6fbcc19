"""The review: a slider to its picture, from scan to scan, and what the service holds."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench import roll
from bench.timing import DIVERE, Row

SIZE = 1600
CHANGES = 100
SWITCHES = 8
SCANS = 100


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Rows of the table, in the order of the issue's targets."""
    megapixels = 1.0 if quick else 24.0
    scans, changes = (12, 20) if quick else (SCANS, CHANGES)
    folder = _entries(roll.negatives(scratch, SWITCHES, megapixels), scratch / "large")
    with _service(folder) as (ask, _):
        slider = _slider(ask, "00.tif", changes)
        yield Row(
            f"review: a slider to its picture at {SIZE} pixels, 95 of 100",
            "at most 100 ms",
            f"{slider[1] * 1e3:.0f} ms",
            slider[1] <= 0.1,
            f"median {slider[0] * 1e3:.0f} ms; one request after the other, over HTTP",
        )
        there, back = _switches(ask)
        yield Row(
            f"review: to the next scan of {megapixels:g} megapixels",
            "at most 1 s",
            f"{there:.2f} s",
            there <= 1.0,
            "uncompressed; a new worker, decoded, shown",
        )
        yield Row(
            "review: to one of the last two scans",
            "at most 150 ms",
            f"{back * 1e3:.0f} ms",
            back <= 0.15,
        )
    small = _entries(roll.negatives(scratch, scans, 1.0 if quick else 6.0), scratch / "many")
    with _service(small) as (ask, service):
        grown, held, left = _many(ask, service, sorted(p.name for p in small.glob("*.tif")))
        yield Row(
            f"review: {scans} scans in a row, what the service grew by",
            "at most 20 MB",
            f"{grown / 1e6:+.1f} MB",
            grown <= 20e6,
            f"workers at most {held / 1e6:.0f} MB together; {left} left after the service",
        )


def _entries(source: Path, folder: Path) -> Path:
    """The scans with a preset each, so that nothing is measured meanwhile."""
    folder.mkdir()
    entry = {"version": 3, "base": roll.PROFILE, "metadata": {"film_type": "color_negative_c41"}}
    for path in source.glob("*.tif"):
        os.link(path, folder / path.name)
    named = {path.name: entry for path in folder.glob("*.tif")}
    (folder / "divere_presets.json").write_text(json.dumps(named))
    return folder


@contextmanager
def _service(folder: Path) -> Iterator[tuple[Any, psutil.Process]]:
    process = subprocess.Popen(
        [DIVERE, "review", str(folder), "--no-browser"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    base, _, token = process.stdout.readline().strip().partition("/?token=")

    def ask(path: str, body: Any = None) -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(base + path, data, headers)) as got:
                return bytes(got.read())
        except urllib.error.HTTPError as problem:
            with problem:
                raise RuntimeError(problem.read().decode()) from None

    try:
        yield ask, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _slider(ask: Any, name: str, changes: int) -> tuple[float, float]:
    preset = json.loads(ask(f"/api/frame?name={name}"))["entry"]
    taken = []
    for number in range(changes + 5):
        grade = preset.get("cc_params", {}) | {"rgb_gains": [0.002 * number, -0.3, -0.5]}
        wanted = {"name": name, "size": SIZE, "preset": preset | {"cc_params": grade}}
        begin = time.perf_counter()
        ask("/api/render", wanted)
        taken.append(time.perf_counter() - begin)
    taken = sorted(taken[5:])
    return statistics.median(taken), taken[int(len(taken) * 0.95)]


def _switches(ask: Any) -> tuple[float, float]:
    there, back = [], []
    for number in range(1, SWITCHES):
        there.append(_shown(ask, f"{number:02}.tif"))
        back.append(_shown(ask, "00.tif"))  # shown before this one: of the last two
    return statistics.median(there), statistics.median(back)


def _shown(ask: Any, name: str) -> float:
    begin = time.perf_counter()
    ask("/api/render", {"name": name, "size": SIZE})
    return time.perf_counter() - begin


def _many(ask: Any, service: psutil.Process, names: list[str]) -> tuple[int, int, int]:
    for name in names[:5]:
        _shown(ask, name)
    before, held = service.memory_info().rss, 0
    for name in names[5:]:
        _shown(ask, name)
        ask("/api/render", {"name": name, "size": 256})
        held = max(held, sum(_private(p) for p in service.children(recursive=True)))
    grown = service.memory_info().rss - before
    workers = service.children(recursive=True)
    service.terminate()
    _, alive = psutil.wait_procs(workers, 10.0)
    return grown, held, len(alive)


def _private(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def main() -> None:
    """This section alone."""
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), quick="--quick" in sys.argv):
            print(row, flush=True)


if __name__ == "__main__":
    main()
