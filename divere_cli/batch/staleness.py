"""What need not be done again.

Covers the key of what is done to a scan and the look at whether it was done.
What it does not: times of day; nothing is judged by "newer than".
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Sequence
from typing import Literal

from divere_cli import __version__
from divere_cli.batch.journal.state import Done
from divere_cli.files.output_folder import Folder
from divere_cli.records.job import Encoding, Stamp
from divere_cli.records.serialize import to_plain

Cut = tuple[str, tuple[float, float, float, float], int, str]  # name, crop, turn, recipe sha256


def key(cuts: Sequence[Cut], sidecar: str, encoding: Encoding) -> str:
    """SHA-256 of everything that decides an output but for the scan itself.

    Parameters
    ----------
    cuts : sequence of (output name, crop, orientation, recipe sha256)
    sidecar : str
        Name of the infrared sidecar, or empty.
    encoding : Encoding
    """
    scan = json.dumps([cuts, sidecar], separators=(",", ":"))
    text = f"[{_same_for_all(__version__, encoding)},{scan[1:]}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@functools.lru_cache(maxsize=4)
def _same_for_all(version: str, encoding: Encoding) -> str:
    said = [version, to_plain(encoding)]
    return json.dumps(said, sort_keys=True, separators=(",", ":"))[1:-1]


def basis(roll: str, scans: Sequence[tuple[str, Stamp, str]]) -> str:
    """SHA-256 of all that a decision for many scans is made from.

    The same scans under the same options are decided alike, so that nothing
    need be measured again to know that all are up to date.

    Parameters
    ----------
    roll : str
        What was asked for, in words that are the same each time.
    scans : sequence of (name, stamp, what of its preset is used)
    """
    said = [roll, [[name, stamp.size, stamp.mtime_ns, key] for name, stamp, key in scans]]
    text = json.dumps(said, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sha256(path: str) -> str:
    """SHA-256 of a file, read in pieces."""
    with open(path, "rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def same_stamp(a: Stamp, b: Stamp) -> bool:
    """Same size and time of change: the scan is taken for the same without a look at its bytes."""
    return (a.size, a.mtime_ns) == (b.size, b.mtime_ns)


def outputs_as_recorded(done: Done, folder: Folder) -> bool:
    """Whether every output is there as it was published."""
    for output in done.outputs:
        found = folder.look(output.name)
        if found is None or (found.st_size, found.st_mtime_ns) != (output.size, output.mtime_ns):
            return False
    return True


def judge(
    done: Done | None, path: str, stamp: Stamp, wanted: str, folder: Folder
) -> Literal["no", "yes", "moved"]:
    """Whether a scan is up to date; ``moved`` is yes, with a stamp to be recorded anew.

    Raises
    ------
    OSError
        The scan had to be read and could not be.
    """
    if done is None or done.key != wanted or not outputs_as_recorded(done, folder):
        return "no"
    if same_stamp(done.stamp, stamp):
        return "yes"
    if not done.sha256 or done.stamp.size != stamp.size:
        return "no"
    return "moved" if sha256(path) == done.sha256 else "no"


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp that a stat result stands for; equal times are one number in memory."""
    mtime, ctime = found.st_mtime_ns, found.st_ctime_ns
    return Stamp(
        size=found.st_size,
        mtime_ns=mtime,
        ctime_ns=mtime if ctime == mtime else ctime,
        dev=_same(found.st_dev),
        ino=found.st_ino,
    )


@functools.lru_cache(maxsize=4)
def _same(device: int) -> int:
    return device
