"""One look at the INPUT folders: lists every scan with its stamp.

Covers names, one ``stat`` for each file, and the presets beside the scans. Not covered: which
scans a batch grades (:mod:`divere_cli.batch.discover`), and opening files. A rewrite in place does
not change the mtime of its folder, so each file needs its own ``stat``. A file at rest is
represented by a number, its mark, and is only counted: a service that has graded 100,000 scans
keeps 100,000 numbers, no names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from divere_cli.batch import missing
from divere_cli.image import header

Stamp = tuple[int, int, int, int]
"""Size in bytes, mtime in nanoseconds, inode, ctime in nanoseconds: compared for equality only."""

SUFFIXES = frozenset(header.EXPECTED)
UNFINISHED = (".part", ".tmp", ".crdownload", "~")
PRESETS = "divere_presets.json"
_BY_DESCRIPTOR = os.scandir in os.supports_fd  # a stat beside an open folder walks no path
_OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# the last four letters of nearly every scan, as cameras and scanners write them
_PLAIN = frozenset(e for s in SUFFIXES if len(s) == 4 for e in (s, s.upper()))


@dataclass(slots=True)
class Look:
    """The stamps of scans by path, and of presets files by folder.

    ``resting`` files are at rest and not among ``scans``; ``marks`` are theirs, where they
    were asked for.
    """

    scans: dict[str, Stamp] = field(default_factory=dict)
    presets: dict[str, Stamp] = field(default_factory=dict)
    resting: int = 0
    marks: set[int] | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which files a look is about.

    ``recursive``: sub-folders are looked at, too. ``any_suffix``: every file counts, because
    ``--include`` chooses by name. ``rest`` are the marks of files at rest; with ``collect``
    those that were seen are returned.
    """

    recursive: bool = True
    any_suffix: bool = False
    rest: Set[int] = frozenset()
    collect: bool = False


def mark(path: str, stamp: Stamp, presets: Stamp | None) -> int:
    """Return a number that stands for a file as it is, with the presets beside it.

    It is of 64 bits, so that two files have the same one in less than one of 10^9 folders
    of 100,000 files.

    Parameters
    ----------
    path : str
        Path of the file.
    stamp : Stamp
        Its stamp.
    presets : Stamp or None
        Stamp of the presets file in its folder, if there is one.
    """
    folder, name = os.path.split(path)
    return hash((hash((folder, presets)), name, *stamp))  # as in _entries


def look(inputs: Iterable[str], output: str, chosen: Chosen = Chosen()) -> Look:
    """Look at every INPUT.

    Parameters
    ----------
    inputs : iterable of str
        Folders and files.
    output : str
        This folder is skipped if it is inside an INPUT.
    chosen : Chosen
        Which files.

    Returns
    -------
    Look

    Raises
    ------
    InputMissing
        An INPUT is missing, for example because its share is not mounted.
    """
    listing = Look(marks=set() if chosen.collect else None)
    left_out = _identity(output)
    folders: set[str] = set()  # each is looked at once, though one INPUT may lie in another
    for path in sorted(inputs, key=os.path.isfile):
        if os.path.isdir(path):
            _tree(os.path.abspath(path), listing, left_out, chosen, folders)
            continue
        try:
            stamp = _stamp(os.stat(path))
        except OSError as problem:
            raise missing.error(path, output, problem) from problem
        folder, name = os.path.split(os.path.abspath(path))
        if folder not in folders or not _listed(name, chosen.any_suffix):
            listing.scans[os.path.abspath(path)] = stamp
    return listing


def _tree(
    top: str, listing: Look, left_out: tuple[int, int] | None, chosen: Chosen, folders: set[str]
) -> None:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if folder in folders:
            continue
        folders.add(folder)
        try:
            below = _folder(folder, listing, chosen)
        except OSError as problem:
            if folder == top:
                raise missing.error(top, "", problem) from problem
            continue  # it was removed, or the batch reports that it cannot be listed
        if chosen.recursive:
            waiting += [path for path in below if _identity(path) != left_out]


def _folder(folder: str, listing: Look, chosen: Chosen) -> list[str]:
    """Look at one folder; return the folders in it."""
    descriptor = os.open(folder, _OPEN) if _BY_DESCRIPTOR else -1
    try:
        presets = _presets(folder, descriptor)
        if presets is not None:
            listing.presets[folder] = presets
        with os.scandir(descriptor if _BY_DESCRIPTOR else folder) as entries:
            return _entries(folder, hash((folder, presets)), entries, listing, chosen)
    finally:
        if _BY_DESCRIPTOR:
            os.close(descriptor)


def _entries(
    folder: str, begin: int, entries: Iterable[os.DirEntry[str]], listing: Look, chosen: Chosen
) -> list[str]:
    """Look at the entries of a folder, with few steps for a file at rest; return folders."""
    below: list[str] = []
    rest, marks, resting = chosen.rest, listing.marks, 0
    now: os.stat_result | None
    for entry in entries:
        name = entry.name
        try:
            if name[-4:] in _PLAIN or _may_be_scan(name, chosen.any_suffix):
                now = entry.stat()
                number = hash(
                    (begin, name, now.st_size, now.st_mtime_ns, now.st_ino, now.st_ctime_ns)
                )
                if number in rest:
                    resting += 1
                    if marks is not None:
                        marks.add(number)
                    continue
            else:
                now = None
            if not _complete(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(os.path.join(folder, name))
            elif now is not None:
                listing.scans[os.path.join(folder, name)] = _stamp(now)
        except OSError:  # gone since the listing
            continue
    listing.resting += resting
    return below


def _complete(name: str) -> bool:
    return name[0] != "." and not name.endswith(UNFINISHED)


def _listed(name: str, any_suffix: bool) -> bool:
    return _complete(name) and _may_be_scan(name, any_suffix)


def _may_be_scan(name: str, any_suffix: bool) -> bool:
    if any_suffix:
        return name != PRESETS
    return name[name.rfind(".") :].lower() in SUFFIXES


def _presets(folder: str, descriptor: int) -> Stamp | None:
    try:
        if _BY_DESCRIPTOR:
            return _stamp(os.stat(PRESETS, dir_fd=descriptor))
        return _stamp(os.stat(os.path.join(folder, PRESETS)))
    except OSError:
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
