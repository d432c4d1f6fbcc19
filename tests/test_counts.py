"""What work costs in counts that do not depend on the machine: a guard for speed without a clock.

A frame twice as high must cost twice the bands and twice the bytes, no more than
its own size each way, and the same memory. Where a change reads a file twice
more, copies a frame or starts a process too many, a count here says so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.batch import run
from divere_cli.batch.request import BatchRequest, Bounds, Inputs, Isolation, Outputs
from divere_cli.profile import library
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.select import Selector
from divere_cli.records.events import ScanStarted
from divere_cli.records.job import Encoding
from divere_cli.records.report import RunReport

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/io").exists(), reason="counts come from Linux's /proc"
)

PROFILE = "c41-endura-premier"
WIDTH = 3000
DIVERE = str(Path(sys.executable).with_name("divere"))


def roll(folder: Path, heights: list[int]) -> Path:
    folder.mkdir()
    for number, height in enumerate(heights):
        picture = np.full((height, WIDTH, 3), 9000 + number, np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", picture, photometric="rgb", metadata=None)
    return folder


def graded(source: Path, out: Path, task: str, isolation: str = "always") -> tuple[RunReport, int]:
    """A batch of one job at a time; its report and how many workers it started."""
    space = library.output_space("KodakEnduraPremier_gamma_2_2")
    pids = set()

    def emit(event: object) -> None:
        if isinstance(event, ScanStarted):
            pids.add(event.pid)

    request = BatchRequest(
        inputs=Inputs((str(source),)),
        outputs=Outputs(str(out), Encoding("tiff", 16, space)),
        chooser=Selector(PROFILE, Settings()),
        bounds=Bounds(jobs=1),
        isolation=Isolation(requested=isolation, sandbox="never"),  # type: ignore[arg-type]
        task=task,
    )
    return run.run(request, emit), len(pids)


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, int]]:
    """Counts of a frame of 6 megapixels and of one twice as high."""
    folder = tmp_path_factory.mktemp("counts")
    source = roll(folder / "in", [2000, 4000])
    report, workers = graded(source, folder / "out", "tests.counted:work")
    assert report.exit_code == 0, report.files
    assert workers == 2
    return [json.loads(entry.notes[-1]) for entry in report.files]


def test_the_input_is_read_once_for_its_pixels_and_once_for_its_digest(
    counts: list[dict[str, int]],
) -> None:
    for found, height in zip(counts, (2000, 4000), strict=True):
        size = height * WIDTH * 6
        assert found["rchar"] <= 2.02 * size
        assert size <= found["wchar"] <= 1.01 * size


def test_twice_the_frame_is_twice_the_bands_and_calls(counts: list[dict[str, int]]) -> None:
    small, large = counts
    assert small["bands"] >= 2
    for key in ("bands", "syscr", "syscw"):
        assert large[key] <= 2.2 * small[key], key


def test_twice_the_frame_is_the_same_memory(counts: list[dict[str, int]]) -> None:
    small, large = counts
    assert large["peak"] <= 1.02 * small["peak"]
    assert large["peak"] < 40_000_000  # the frame itself has 72 MB


@pytest.mark.parametrize(("isolation", "workers"), [("always", 5), ("never", 1)])
def test_one_process_for_each_scan_and_none_more(
    isolation: str, workers: int, tmp_path: Path
) -> None:
    source = roll(tmp_path / "in", [40] * 5)
    report, started = graded(source, tmp_path / "out", "divere_cli.develop.scan:develop", isolation)
    assert report.exit_code == 0
    assert started == workers


def large_allocations(trace: Path) -> int:
    """How often more than 1 MB of fresh memory was asked of the system."""
    lengths = re.findall(r"mmap\(NULL, (\d+), [A-Z_|]+, [A-Z_|]*MAP_ANONYMOUS", trace.read_text())
    return sum(1 for length in lengths if int(length) > 1_000_000)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_twice_the_frame_asks_for_no_more_fresh_memory(tmp_path: Path) -> None:
    """Buffers are reused: page faults of fresh arrays cost more than reading does."""
    found = []
    for height in (2000, 4000):
        source = roll(tmp_path / f"in{height}", [height])
        trace = tmp_path / f"trace{height}"
        strace = ["strace", "-f", "-o", str(trace), "-e", "trace=mmap"]
        out = str(tmp_path / f"out{height}")
        words = [DIVERE, "batch", str(source), out, "-p", PROFILE, "-q", "--jobs", "1"]
        subprocess.run([*strace, *words], check=True, capture_output=True)
        found.append(large_allocations(trace))
    assert found[0] > 0
    assert found[1] <= found[0] + 4


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_system_calls_of_a_run_that_has_nothing_to_do(tmp_path: Path) -> None:
    """An up-to-date folder opens no scan, starts no process, syncs next to nothing."""
    source, out = roll(tmp_path / "in", [40] * 40), tmp_path / "out"
    words = [DIVERE, "batch", str(source), str(out), "-p", PROFILE, "-q"]
    subprocess.run(words, check=True, capture_output=True)
    trace = tmp_path / "trace"
    strace = [
        "strace",
        "-f",
        "-o",
        str(trace),
        "-e",
        "trace=openat,clone,vfork,fork,fsync,fdatasync",
    ]
    subprocess.run([*strace, *words], check=True, capture_output=True)
    lines = trace.read_text().splitlines()
    assert not [line for line in lines if "/in/" in line and ".tif" in line]
    assert len([line for line in lines if "sync(" in line]) <= 8
    assert not [line for line in lines if "CLONE_VFORK" in line or "vfork(" in line]
