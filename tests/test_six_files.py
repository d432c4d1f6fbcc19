"""Six files, three good: text named .tif, a scan cut in half, one whose worker is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

DIVERE = str(Path(sys.executable).with_name("divere"))
WORDS = ("-p", "c41-endura-premier", "--isolation", "always", "--retries", "0")
GOOD = ("1-good.tif", "3-good.tif", "6-good.tif")


def scans(folder: Path) -> Path:
    folder.mkdir()
    random = np.random.default_rng(5)
    for name in (*GOOD, "4-half.tif"):
        picture = random.integers(2000, 40000, (300, 400, 3)).astype(np.uint16)
        tifffile.imwrite(folder / name, picture, photometric="rgb")
    half = folder / "4-half.tif"
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    (folder / "2-text.tif").write_text("Dear diary, today I scanned a roll.\n")
    tall = tifffile.memmap(  # sparse: long in work, next to nothing on disk
        folder / "5-killed.tif", shape=(30000, 12000, 3), dtype=np.uint16, photometric="rgb"
    )
    del tall
    return folder


def reads(pid: int, entry: Path) -> bool:
    """Whether a descriptor can be read: one that is only a place (O_PATH) is the sandbox's.

    A worker that is killed while it confines itself has not begun, and is started again.
    """
    info = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
    return not int(info.split("flags:")[1].split()[0], 8) & os.O_PATH


def worker_on(parent: psutil.Process, path: Path) -> psutil.Process | None:
    """The worker that has ``path`` open for reading."""
    for child in parent.children(recursive=True):
        try:
            folder = Path(f"/proc/{child.pid}/fd")
            for entry in folder.iterdir():
                if os.readlink(entry) == str(path) and reads(child.pid, entry):
                    return child
        except OSError:
            continue
    return None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the worker by Linux's /proc")
def test_three_positives_three_clear_errors_exit_3(tmp_path: Path) -> None:
    source, out = scans(tmp_path / "in"), tmp_path / "out"
    running = subprocess.Popen(
        [DIVERE, "batch", str(source), str(out), *WORDS], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 200
    while (victim := worker_on(psutil.Process(running.pid), source / "5-killed.tif")) is None:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    victim.kill()
    _, stderr = running.communicate(timeout=250)
    assert running.returncode == 3
    assert "'2-text.tif': unsupported: " in stderr
    assert "'4-half.tif': corrupt_input: " in stderr
    assert "'5-killed.tif': crashed: " in stderr
    assert "SIGKILL" in stderr
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("divere: 3 ok, 3 failed; ")
    assert sorted(path.name for path in out.glob("*.tif")) == sorted(GOOD)
    assert list(out.glob(".divere-tmp-*")) == []
    summary = json.loads((out / "divere-report.json").read_text())["summary"]
    assert (summary["ok"], summary["failed"]) == (3, 3)
    alone = tmp_path / "alone"
    words = [str(source / name) for name in GOOD]
    subprocess.run([DIVERE, "batch", *words, str(alone), *WORDS], check=True, capture_output=True)
    for name in GOOD:
        assert (out / name).read_bytes() == (alone / name).read_bytes()
