"""One look at the INPUT folders: every scan's stamp, for the cost of a listing.

Covers names, one ``stat`` for each file, and the presets beside the scans. Not covered: which
of them a batch takes (:mod:`divere_cli.batch.discover`), and opening any. A rewrite in place
leaves the mtime of its folder alone, so each file has to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from divere_cli.batch import missing
from divere_cli.image import header

Stamp = tuple[int, int, int, int]
"""Size in bytes, mtime in nanoseconds, inode, ctime in nanoseconds: compared for equality only."""

SUFFIXES = frozenset(header.EXPECTED)
UNFINISHED = (".part", ".tmp", ".crdownload", "~")
PRESETS = "divere_presets.json"


@dataclass(slots=True)
class Look:
    """The stamps of scans by path, and of presets files by folder."""

    scans: dict[str, Stamp] = field(default_factory=dict)
    presets: dict[str, Stamp] = field(default_factory=dict)


def look(
    inputs: Iterable[str], output: str, *, recursive: bool = True, any_suffix: bool = False
) -> Look:
    """Look at every INPUT.

    Parameters
    ----------
    inputs : iterable of str
        Folders and files.
    output : str
        This folder is left out where it lies inside an INPUT.
    recursive : bool
        Whether sub-folders are looked at, too.
    any_suffix : bool
        Whether every file counts, because ``--include`` chooses by name.

    Returns
    -------
    Look

    Raises
    ------
    InputMissing
        An INPUT is gone: a share that is not mounted, for one.
    """
    listing = Look()
    left_out = _identity(output)
    for path in inputs:
        if os.path.isdir(path):
            _folder(os.path.abspath(path), listing, left_out, recursive, any_suffix)
        else:
            try:
                listing.scans[os.path.abspath(path)] = _stamp(os.stat(path))
            except OSError as problem:
                raise missing.error(path, output, problem) from problem
    return listing


def _folder(
    top: str, listing: Look, left_out: tuple[int, int] | None, recursive: bool, any_suffix: bool
) -> None:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            entries = os.scandir(folder)
        except OSError as problem:
            if folder == top:
                raise missing.error(top, "", problem) from problem
            continue  # it went away, or the batch reports that it cannot be listed
        with entries:
            for entry in entries:
                name = entry.name
                if name[0] == "." or name.endswith(UNFINISHED):
                    continue
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if recursive and _identity(entry.path) != left_out:
                            waiting.append(entry.path)
                    elif name == PRESETS:
                        listing.presets[folder] = _stamp(entry.stat())
                    elif any_suffix or name[name.rfind(".") :].lower() in SUFFIXES:
                        listing.scans[entry.path] = _stamp(entry.stat())
                except OSError:  # gone since the listing
                    continue


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
