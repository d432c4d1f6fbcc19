"""A disk that is full at any size, without names left, or read-only (needs a user namespace)."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from tests.batch import processes
from tests.batch.lab import Lab

UNSHARE = shutil.which("unshare")


def may_mount() -> bool:
    if UNSHARE is None:
        return False
    trial = [UNSHARE, "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_mount(), reason="needs unshare and user namespaces"),
]


@pytest.mark.parametrize(
    "option", [*(f"size={4 * n}k" for n in range(1, 9)), *(f"nr_inodes={n}" for n in range(2, 9))]
)
def test_a_disk_that_is_full_at_any_size_stops_in_order(lab: Lab, option: str) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    made = {k: hashlib.sha256(v).hexdigest() for k, v in processes.undisturbed(lab).items()}
    lab.outputs.mkdir()
    inside = [sys.executable, "-m", "tests.batch.small_disk", str(lab.inputs), str(lab.outputs)]
    done = subprocess.run(
        [str(UNSHARE), "-Urm", *inside, option],
        cwd=processes.ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    found = json.loads(done.stdout)
    assert found["first"] in (12, 13, 0), found
    assert found["first"] == 13 or found["seen"] == made or not found["seen"]
    assert found["seen"].items() <= made.items()
    assert found["second"] == 0
    assert found["after"] == made


def test_an_output_that_is_read_only_ends_with_12(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.outputs.mkdir()
    script = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'
    words = [str(UNSHARE), "-Urm", "sh", "-c", script, str(lab.outputs), *processes.command(lab)]
    done = subprocess.run(
        words, cwd=processes.ROOT, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 12, done.stderr
    assert "cannot be written" in done.stderr
