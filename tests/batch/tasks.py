"""Tasks for jobs under test: they write small whole TIFFs, or misbehave, by the scan's name.

``copy`` writes what :func:`tiff` makes of the scan's bytes and the recipe, so
that equal scans give equal positives and nothing heavy is imported.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from divere_cli.errors import CorruptInput, NoSpace, OutputError, Unreadable
from divere_cli.isolation.runner import Progress
from divere_cli.records.job import Frame, Job, Target
from divere_cli.records.outcome import TaskResult, Written
from tests.batch.tiffs import tiff

COPY = "tests.batch.tasks:copy"
MISBEHAVE = "tests.batch.tasks:misbehave"
MEASURE = "tests.batch.tasks:measure"


def positive(scan: bytes, recipe: str, crop_name: str = "") -> bytes:
    """What ``copy`` writes for a scan's bytes."""
    seed = hashlib.sha256(scan + recipe.encode() + crop_name.encode()).digest()
    return tiff(12, 10, seed[0] * 256 + seed[1])


def write(target: Target, data: bytes) -> Written:
    """Write and sync a target as workers do; never through a link."""
    try:
        fd = os.open(target.temp, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
        try:
            os.write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as problem:
        error = NoSpace if problem.errno in (errno.ENOSPC, errno.EDQUOT) else OutputError
        raise error(f"'{target.name}' cannot be written: {problem.strerror}") from problem
    return Written(target.name, len(data), 12, 10, 3, sha256=hashlib.sha256(data).hexdigest())


def copy(job: Job, progress: Progress) -> TaskResult:
    """Write each frame's positive."""
    try:
        scan = Path(job.input).read_bytes()
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from problem
    with progress.stage("write"):
        written = [_frame(scan, frame) for frame in job.frames]
        if job.sidecar is not None:
            written.append(write(job.sidecar, positive(scan, "infrared")))
    digest = hashlib.sha256(scan).hexdigest()
    return TaskResult(8, 6, tuple(written), input_sha256=digest)


def _frame(scan: bytes, frame: Frame) -> Written:
    return write(frame.target, positive(scan, frame.recipe.sha256, frame.crop_name))


def misbehave(job: Job, progress: Progress) -> TaskResult:
    """Do what the scan's name says; ``copy`` where it says nothing."""
    word = Path(job.name).stem.split("-")[0]
    action = ACTIONS.get(word)
    return copy(job, progress) if action is None else action(job, progress)


def _killed(job: Job, progress: Progress) -> TaskResult:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("survived")


def _hangs(job: Job, progress: Progress) -> TaskResult:
    Path(job.input).with_suffix(".began").touch()
    while True:
        time.sleep(0.05)
        progress.advance(0.5)


def _deaf(job: Job, progress: Progress) -> TaskResult:
    """Hold the interpreter's lock for an hour: no thread of the worker can end it."""
    sys.setswitchinterval(3600)
    libc = ctypes.PyDLL(None)  # gives the lock to nobody, from the file's appearance on
    libc.creat(os.fsencode(Path(job.input).with_suffix(".began")), 0o600)
    libc.sleep(3600)
    return copy(job, progress)


def _lies(job: Job, progress: Progress) -> TaskResult:
    return TaskResult(8, 6, (Written(job.frames[0].target.name, 99, 12, 10, 3),))


def _silent(job: Job, progress: Progress) -> TaskResult:
    return TaskResult(8, 6)


def _short(job: Job, progress: Progress) -> TaskResult:
    data = positive(b"", "")[:-20]
    return TaskResult(8, 6, (write(job.frames[0].target, data),))


def _longer(job: Job, progress: Progress) -> TaskResult:
    result = copy(job, progress)
    with open(job.frames[0].target.temp, "ab") as file:
        file.write(b"more")
    return result


def _text(job: Job, progress: Progress) -> TaskResult:
    return TaskResult(8, 6, (write(job.frames[0].target, b"no picture at all, text"),))


def _link(job: Job, progress: Progress) -> TaskResult:
    result = copy(job, progress)
    temp = Path(job.frames[0].target.temp)
    temp.rename(temp.with_name(".moved"))
    temp.symlink_to(".moved")
    return result


def _corrupt(job: Job, progress: Progress) -> TaskResult:
    raise CorruptInput("strip 3 ends after the end of the file")


def _device(job: Job, progress: Progress) -> TaskResult:
    raise OutputError("Input/output error")


def _fat(job: Job, progress: Progress) -> TaskResult:
    """Take 250 MB: ``fat-a`` until ``fat-b`` was ended beside it, ``fat-b`` until it is ended."""
    mark = Path(job.input).with_name("b.began")
    if job.name == "fat-b.tif":
        again = mark.exists()
        mark.write_text(str(os.getpid()))
    weight = bytearray(250 << 20)
    weight[::4096] = b"x" * len(weight[::4096])
    end = time.monotonic() + 200.0
    while (_runs(mark) if job.name == "fat-a.tif" else not again) and time.monotonic() < end:
        time.sleep(0.05)
        progress.advance(0.5)
    return copy(job, progress)


def _runs(mark: Path) -> bool:
    """Whether the worker whose pid is in a file runs, or has not begun."""
    try:
        os.kill(int(mark.read_text()), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):  # not there, or not written yet
        return True
    return True


ACTIONS = {
    "fat": _fat,
    "killed": _killed,
    "hangs": _hangs,
    "deaf": _deaf,
    "lies": _lies,
    "silent": _silent,
    "short": _short,
    "longer": _longer,
    "textual": _text,
    "linking": _link,
    "corrupt": _corrupt,
    "device": _device,
}


def measure(job: Job, progress: Progress) -> TaskResult:
    """A measurement of nothing but the scan's name."""
    if Path(job.name).stem.startswith("unmeasurable"):
        raise CorruptInput("no film here")
    return TaskResult(8, 6, measurement=json.dumps({"name": job.name}))
