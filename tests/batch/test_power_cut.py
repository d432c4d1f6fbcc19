"""The power goes right after the journal says that a scan is done (needs root and loop mounts).

``FS_IOC_SHUTDOWN`` makes ext4 forget everything that it has not yet written,
its own journal included.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from divere_cli.errors import JournalFailed
from tests.batch import processes
from tests.batch.lab import Lab

_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2


def may_mount() -> bool:
    tools = shutil.which("mkfs.ext4") is not None and Path("/dev/loop-control").exists()
    return os.geteuid() == 0 and tools


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_mount(), reason="needs root, mkfs.ext4 and loop devices"),
]


@contextlib.contextmanager
def disk(lab: Lab) -> Iterator[Path]:
    """OUTPUT on a small disk of its own; gives the image."""
    image = lab.root / "image"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    lab.outputs.mkdir(exist_ok=True)
    mount(image, lab)
    try:
        yield image
    finally:
        subprocess.run(["umount", str(lab.outputs)], check=True)


def mount(image: Path, lab: Lab) -> None:
    done = subprocess.run(
        ["mount", "-o", "loop", str(image), str(lab.outputs)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("loop mounts are not allowed here")


def cut_power(image: Path, lab: Lab) -> None:
    fd = os.open(lab.outputs, os.O_RDONLY)
    fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    os.close(fd)


def reboot(image: Path, lab: Lab) -> None:
    subprocess.run(["umount", str(lab.outputs)], check=True)
    mount(image, lab)


def run_until(lab: Lab, image: Path, count: int, *options: str) -> None:
    """Run, and cut the power when ``count`` scans have been told as done."""
    log = lab.root / "stderr"
    with processes.driver(lab, *options) as process:
        processes.until(
            lambda: log.read_text().count("ScanFinished") >= count or process.poll() is not None,
            "the scans were never done",
        )
        cut_power(image, lab)
        process.kill()
        process.wait()
    reboot(image, lab)


def survived(lab: Lab, count: int, expected: dict[str, bytes]) -> None:
    """What was told as done is on the disk, in the journal and whole."""
    done, found = lab.state().done, lab.positives()
    assert len(done) >= count
    assert {name: found.get(name) for name in done} == {name: expected[name] for name in done}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_what_the_journal_says_is_done_survives(lab: Lab, count: int) -> None:
    lab.scans("a.tif", "r/b.tif", "r/s/c.tif", "d.tif", "e.tif")
    expected = processes.undisturbed(lab)
    with disk(lab) as image:
        run_until(lab, image, count)
        survived(lab, count, expected)
        (lab.outputs / "lost+found").rmdir()
        processes.settled(lab, expected)


def test_the_cut_catches_a_missing_sync(lab: Lab) -> None:
    """The same check fails where nothing is synced: the cut is a real one."""
    lab.scans("a.tif", "b.tif", "c.tif")
    expected = processes.undisturbed(lab)
    with disk(lab) as image:
        run_until(lab, image, 3, "--variant", "nofsync")
        with pytest.raises((AssertionError, JournalFailed)):  # it may even be unreadable
            survived(lab, 3, expected)
