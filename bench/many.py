"""Thousands of small scans: a run that finds all of them up to date, and the parent's share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import tifffile

from bench import roll
from bench.timing import DIVERE, Row

ARCHIVE = 100_000


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Rows of the table."""
    yield from _up_to_date(scratch, 200 if quick else 5000)
    yield _parent(scratch, 40 if quick else 400)


def _folder(scratch: Path, count: int) -> Path:
    """Make a folder of tiny scans."""
    folder = scratch / f"tiny-{count}"
    folder.mkdir()
    tifffile.imwrite(folder / "0.tif", roll.sample(scratch)[:40, :60], photometric="rgb")
    for number in range(1, count):
        shutil.copyfile(folder / "0.tif", folder / f"{number}.tif")
    return folder


def _used(command: list[str], out: Path) -> tuple[float, int]:
    """Run a batch; return CPU seconds and peak memory in bytes of its process alone."""
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    report = json.loads((out / "divere-report.json").read_text())  # ru_maxrss is also ours
    return used.ru_utime + used.ru_stime, report["parent"]["peak_rss_bytes"]


def _up_to_date(scratch: Path, count: int) -> Iterator[Row]:
    """Compare a large and a small folder: what a scan costs, beside the start of the run."""
    sizes = (count // 10, count)
    found = []
    for size in sizes:
        source, out = _folder(scratch, size), scratch / "up-to-date"
        command = [DIVERE, "batch", str(source), str(out), "--auto", "off", "-q"]
        subprocess.run(command, check=True)
        found.append(min(_used(command, out) for _ in range(3)))
        shutil.rmtree(source)
        shutil.rmtree(out)
    (few_cpu, few_memory), (cpu, memory) = found
    each, each_memory = (
        (after - before) / (sizes[1] - sizes[0])
        for before, after in ((few_cpu, cpu), (few_memory, memory))
    )
    seconds, peak = cpu + each * (ARCHIVE - count), memory + each_memory * (ARCHIVE - count)
    yield Row(
        f"a run over {ARCHIVE:,} scans that are up to date, CPU, by {sizes[0]:,} and {count:,}",
        "at most 8 s",
        f"{seconds:.1f} s ({each * 1e6:.0f} us a scan)",
        seconds <= 8.0,
        "`--auto off`; the larger folder beside the smaller one, and on from there",
    )
    yield Row(
        "its memory",
        "at most 250 MB",
        f"{peak / 1e6:.0f} MB ({each_memory / 1e3:.1f} kB a scan)",
        peak <= 250e6,
    )


def _parent(scratch: Path, count: int) -> Row:
    source, out = _folder(scratch, count), scratch / "ready"
    root = str(Path(__file__).parents[1])
    command = [sys.executable, "-m", "bench.parent", str(source), str(out)]
    environment = os.environ | {"PYTHONPATH": root}
    used = []
    for _ in range(3):
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        used.append(float(done.stdout) / count)
        shutil.rmtree(out)
    shutil.rmtree(source)
    each = min(used)
    return Row(
        f"the parent's CPU for a small scan, {count} scans, workers that write a ready file",
        "at most 1 ms",
        f"{each * 1e3:.2f} ms: {1 / each:.0f} scans a second by one parent",
        each <= 1e-3,
        "plan, start of the forkserver and report included",
    )
