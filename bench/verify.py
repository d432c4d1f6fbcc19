"""``divere verify`` beside reading alone and hashing alone, on all cores, the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.timing import DIVERE, Row
from divere_cli.archive import manifest
from divere_cli.system import cpus

NOTES = ".divere-verify.jsonl"
WAIT = 600.0


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Rows of the table."""
    count, size = (6, 4 << 20) if quick else (24, 96 << 20)
    folder = _archive(scratch / "archive", count, size)
    try:
        tries = [
            (_timed(folder, _plain(), _names(folder)), _hashed(count, size),
             _timed(folder, _verify(folder)))
            for _ in range(3)
        ]  # fmt: skip
        reading, hashing, ours = (min(each) for each in zip(*tries, strict=True))
        bound, total = max(reading, hashing), count * size / 1e6
        yield Row(
            "`divere verify` beside the slower of reading (`cat`) and hashing, on all cores",
            "at most 1.25 times",
            f"{ours / bound:.2f} times",
            ours <= 1.25 * bound,
            f"{total / 1e3:.1f} GB out of the file cache: {total / ours:.0f} MB/s; "
            f"cat {total / reading:.0f} MB/s, SHA-256 in memory {total / hashing:.0f} MB/s; "
            "the best of three each",
        )
        yield _resumed(folder, count, ours)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _archive(folder: Path, count: int, size: int) -> Path:
    folder.mkdir()
    entries = {}
    for number in range(count):
        data = os.urandom(1 << 20) * (size >> 20)
        path = folder / f"{number:03}.tif"
        path.write_bytes(data)
        entries[path.name] = hashlib.sha256(data).hexdigest()
    (folder / manifest.NAME).write_bytes(manifest.text(entries))
    return folder


def _plain() -> list[str]:
    return ["xargs", "-0", "-n", "1", "-P", str(cpus.usable()), "cat"]


def _names(folder: Path) -> bytes:
    return "\0".join(str(path) for path in sorted(folder.glob("*.tif"))).encode()


def _hashed(count: int, size: int) -> float:
    """Hash as many bytes from memory, by as many threads as verify has."""
    piece = os.urandom(1 << 20)

    def one(_number: int) -> None:
        digest = hashlib.sha256()
        for _ in range(size >> 20):
            digest.update(piece)

    begin = time.monotonic()
    with ThreadPoolExecutor(cpus.usable()) as pool:
        list(pool.map(one, range(count)))
    return time.monotonic() - begin


def _verify(folder: Path) -> list[str]:
    return [DIVERE, "verify", str(folder), "--no-progress"]


def _forget(folder: Path) -> None:
    """Have the files out of the cache, so that the disk is read."""
    for path in folder.glob("*.tif"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(folder: Path, command: list[str], fed: bytes = b"") -> float:
    _forget(folder)
    begin = time.monotonic()
    subprocess.run(command, input=fed, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def _resumed(folder: Path, count: int, whole: float) -> Row:
    """Interrupt a check in its middle; the next one reads the other half. The best of three."""
    known, rest = min((_interrupted(folder, count) for _ in range(3)), key=lambda each: each[1])
    share = 1 - known / count
    return Row(
        "`divere verify`: what is left after an interruption",
        "at most its share and 20 %",
        f"{rest / whole:.2f} of a whole check",
        rest <= (share + 0.20) * whole,
        f"interrupted after {known} of {count} files; {share:.2f} were left",
    )


def _interrupted(folder: Path, count: int) -> tuple[int, float]:
    """Return how many files a check had read when it was ended, and what the next one took."""
    _forget(folder)
    notes = folder / NOTES
    process = subprocess.Popen(
        _verify(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + WAIT
    while not notes.exists() or len(notes.read_bytes().splitlines()) < count // 2:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the check has ended, or does not read")
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    process.wait(WAIT)
    known = len(notes.read_bytes().splitlines())
    return known, _timed(folder, _verify(folder))
