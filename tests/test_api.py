"""The public API: the examples of its page run, and it does not change the process."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from divere_cli import api
from divere_cli.errors import OutputExists, UsageError
from tests.cli.program import divere

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
_GET_SUBREAPER = 37


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "negatives"
    done = divere("samples", folder, "--count", "2", "--megapixels", "0.02")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_examples_of_the_page_run(scans: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 5
    done = subprocess.run(
        [sys.executable, "-c", "if __name__ == '__main__':\n" + _indented("\n".join(examples))],
        cwd=scans.parent,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert "(4, 6, 3) uint8" in done.stdout
    assert (scans.parent / "one.tif").stat().st_size > 1000


def _indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


def _state() -> tuple[object, ...]:
    reaper = ctypes.c_int(-1)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_GET_SUBREAPER, ctypes.byref(reaper), 0, 0, 0)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = tuple(signal.getsignal(number) for number in numbers)
    return handlers, dict(os.environ), os.getcwd(), reaper.value, signal.set_wakeup_fd(-1)


def test_a_run_leaves_the_process_as_it_was(scans: Path) -> None:
    before, during = _state(), []

    def look(event: api.Event) -> None:
        if isinstance(event, api.ScanStarted):
            during.append(_state())

    report = api.run_batch([scans], scans.parent / "out", on_event=look)
    assert report.exit_code == 0
    assert len(during) == 2
    assert all(state == before for state in [*during, _state()])


def test_an_event_that_is_set_ends_the_run_in_order(scans: Path) -> None:
    stop = threading.Event()
    stop.set()
    report = api.run_batch([scans], scans.parent / "out", stop=stop)
    assert {file.status for file in report.files} == {"interrupted"} or not report.files
    assert "asked it to stop" in report.stopped


def test_a_failed_scan_is_in_the_result(tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"no picture")
    result = api.grade_file(tmp_path / "bad.tif", tmp_path / "positive.tif")
    assert result.status == "failed"
    assert result.error is not None
    assert not (tmp_path / "positive.tif").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bad.tif"]


def test_a_file_is_never_replaced_unasked(scans: Path) -> None:
    target = scans.parent / "mine.tif"
    target.write_bytes(b"mine")
    with pytest.raises(OutputExists):
        api.grade_file(scans / "frame-01.tif", target)
    assert target.read_bytes() == b"mine"
    done = api.grade_file(scans / "frame-01.tif", target, api.BatchOptions(overwrite=True))
    assert (done.status, done.outputs) == ("ok", (str(target),))
    assert target.stat().st_size > 1000


def test_an_array_is_graded_as_a_file_is(scans: Path) -> None:
    import tifffile

    options = api.BatchOptions(profile="c41-portra-endura", color_space="sRGB", bit_depth=16)
    options = api.BatchOptions(**{**_fields(options), "auto": "off"})
    api.grade_file(scans / "frame-01.tif", scans.parent / "one.tif", options)
    pixels = tifffile.imread(scans / "frame-01.tif")
    graded = api.grade_array(pixels, "c41-portra-endura", color_space="sRGB", bit_depth=16)
    assert np.array_equal(graded, tifffile.imread(scans.parent / "one.tif"))


def _fields(options: api.BatchOptions) -> dict[str, object]:
    return {name: getattr(options, name) for name in options.given()}


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (4, 4, 3, 1)])
def test_an_array_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="rows, columns"):
        api.grade_array(np.zeros(shape, np.uint16), "c41-portra-endura")


def test_what_is_no_report_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(UsageError):
        api.read_report(tmp_path / "r.json")
