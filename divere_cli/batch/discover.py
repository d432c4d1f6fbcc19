"""Find the scans in INPUT.

Covers the walk through INPUT: suffixes and globs, links, loops, entries that are not
files, folders that cannot be listed, output folders inside INPUT, and a stable order.
No scan is opened here.

Links to folders are not followed, so that the walk ends and nothing outside INPUT is
read. A link to a file below the same INPUT is that file under another name; any other
link to a file is reported as a failed scan and not silently left out.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Mapping

from divere_cli.batch import missing, pairs
from divere_cli.batch.journal.state import NAME as JOURNAL
from divere_cli.batch.request import Inputs
from divere_cli.batch.walked import Scan, WalkResult
from divere_cli.errors import Unreadable, Unsupported
from divere_cli.files import stamp
from divere_cli.image import header

SUFFIXES = frozenset(header.EXPECTED)
_MOST_NAMED = 8
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
}


def find(inputs: Inputs, output: str) -> WalkResult:
    """Walk every INPUT.

    Parameters
    ----------
    inputs : Inputs
    output : str
        OUTPUT; left out if it is inside an INPUT. It need not exist.

    Raises
    ------
    InputMissing
        An INPUT does not exist or cannot be read.
    """
    result = WalkResult()
    for path in inputs.paths:
        try:
            status = os.stat(path)
        except OSError as problem:
            raise missing.error(path, output, problem) from problem
        if stat.S_ISDIR(status.st_mode):
            _Walk(inputs, path, identity(output), result).run()
        else:
            result.scans.append(_scan(os.path.basename(path), path, status))
    if len(inputs.paths) > 1:
        result.scans = _once(result.scans)
    if inputs.only is not None:
        result.scans = [scan for scan in result.scans if _asked_for(scan, inputs.only)]
    pairs.settle(result, both=inputs.pairs == "both")
    if not result.scans and inputs.only is None:
        result.warnings.append(_nothing(inputs, result) + _swapped(output))
    elif inputs.only is None:
        result.warnings += _unmatched(inputs, result)
    return result


def _asked_for(scan: Scan, only: Mapping[str, tuple[int, int]]) -> bool:
    """Return whether a scan is one of the chosen files, and unchanged since it was chosen."""
    chosen = only.get(os.path.abspath(scan.path))
    if chosen is None:
        return False
    return scan.problem is not None or (scan.stamp.size, scan.stamp.mtime_ns) == chosen


def _unmatched(inputs: Inputs, result: WalkResult) -> list[str]:
    """Return a warning for each glob that matches nothing, if scans were left out."""
    left_out = sum(result.unselected[suffix] for suffix in SUFFIXES)
    if not left_out:
        return []
    return [
        f"--include '{glob}' matches nothing; left out: {_kinds(result)}"
        for glob in inputs.include
        if glob not in result.matched
    ]


def _kinds(result: WalkResult) -> str:
    """Return the files that were not selected: counts by suffix."""
    kinds = ", ".join(
        f"{count} {suffix}" for suffix, count in result.unselected.most_common(_MOST_NAMED)
    )
    more = len(result.unselected) - _MOST_NAMED
    return f"{kinds} and {more} more kinds" if more > 0 else kinds


def _passed_over(result: WalkResult) -> str:
    """Return what was not looked at, with its reason; empty if there was nothing else."""
    counts = (
        (result.excluded, "by --exclude"),
        (result.hidden, "hidden"),
        (result.not_entered, "by --no-recursive (sub-folders)"),
    )
    parts = [f"{count} {reason}" for count, reason in counts if count]
    return f"; left out: {', '.join(parts)}" if parts else ""


def _nothing(inputs: Inputs, result: WalkResult) -> str:
    """Return a warning that no scan was selected: the folders, the files left out, and why."""
    folders = ", ".join(f"'{path}'" for path in inputs.paths)
    if not result.unselected:
        other = "other " if (rest := _passed_over(result)) else ""
        return f"no scan was selected: there is no {other}file in {folders}{rest}"
    kinds = _kinds(result)
    if inputs.include:
        globs = " or ".join(f"'{glob}'" for glob in inputs.include)
        return f"no scan was selected: nothing in {folders} matches {globs}; left out: {kinds}"
    return (
        f"no scan was selected in {folders}; left out: {kinds}, which are not suffixes of scans "
        "(--include GLOB selects them)"
    )


def _swapped(output: str) -> str:
    """Return a warning if OUTPUT holds scans, as if INPUT and OUTPUT were swapped."""
    count = missing.holds_scans(output) if output else 0
    if not count:
        return ""
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return f"; OUTPUT '{output}' holds {pictures}: INPUT comes first and OUTPUT last"


def _once(scans: list[Scan]) -> list[Scan]:
    """Remove duplicates of a scan that was given both as a file and in its folder."""
    first: dict[tuple[str, int, int | str], Scan] = {}
    once = []
    for scan in scans:
        if first.setdefault(_identity_of(scan), scan) is scan:
            once.append(scan)
    return once


def _identity_of(scan: Scan) -> tuple[str, int, int | str]:
    return scan.name, scan.stamp.dev, scan.stamp.ino or scan.path


def identity(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file that a path leads to; None if there is none.

    Parameters
    ----------
    path : str
        Path of the file.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Walk:
    """The walk through one INPUT folder; with ``only``, along the paths of the chosen files."""

    def __init__(
        self, inputs: Inputs, root: str, left_out: tuple[int, int] | None, result: WalkResult
    ) -> None:
        self._inputs = inputs
        self._root = root
        self._real = os.path.realpath(root)
        self._left_out = left_out
        self._result = result
        self._chosen = None if inputs.only is None else _below(root, inputs.only)

    def run(self) -> None:
        try:
            entries = self._entries(self._root, "")
        except OSError as problem:
            raise missing.error(self._root, "", problem) from problem
        # a stack, because folders may be nested deeper than the recursion limit; entries are
        # taken off, because each keeps its status, half a kilobyte
        folders = [("", entries[::-1])]
        del entries
        while folders:
            prefix, remaining = folders[-1]
            if not remaining:
                folders.pop()
                continue
            entry = remaining.pop()
            name = prefix + entry.name
            if entry.name.startswith("."):
                self._result.hidden += 1
                continue
            if self._excluded(name):
                self._result.excluded += 1
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append((name + "/", self._inner(name, entry)[::-1]))
            elif entry.is_symlink():
                self._link(name, entry)
            elif self._selected(name):
                self._file(name, entry)
            else:
                suffix = os.path.splitext(entry.name)[1].lower()
                self._result.unselected[suffix or "no suffix"] += 1

    def _entries(self, path: str, prefix: str) -> list[Entry]:
        """Return the entries of a folder in a stable order."""
        if self._chosen is None:
            return _entries(path)
        names = self._chosen.get(prefix, set()) | {JOURNAL}
        named = (_Named(path, name) for name in sorted(names, key=os.fsencode))
        return [entry for entry in named if entry.exists()]

    def _inner(self, name: str, entry: Entry) -> list[Entry]:
        """Return the entries of a sub-folder; empty if it is left out or cannot be listed."""
        try:
            status = _status(entry)
            if (status.st_dev, status.st_ino) == self._left_out:
                return []
            if not self._inputs.recursive:
                self._result.not_entered += 1
                return []
            entries = self._entries(entry.path, name + "/")
        except OSError as problem:
            error = Unreadable(f"the folder cannot be listed: {problem.strerror}")
            self._result.scans.append(Scan(name + "/", entry.path, problem=error))
            return []
        if any(inner.name == JOURNAL for inner in entries):
            self._result.warnings.append(
                f"'{name}' holds the positives of another run and was left out; "
                "name it as an INPUT to grade them again"
            )
            return []
        return entries

    def _file(self, name: str, entry: Entry) -> None:
        try:
            status = _status(entry)
        except OSError as problem:
            error = Unreadable(f"vanished, or cannot be read: {problem.strerror}")
            self._result.scans.append(Scan(name, entry.path, problem=error))
            return
        self._result.scans.append(_scan(name, entry.path, status))

    def _link(self, name: str, entry: Entry) -> None:
        try:
            status = os.stat(entry.path)
        except OSError as problem:
            if self._selected(name):
                error = Unreadable(f"a link that leads nowhere: {problem.strerror}")
                self._result.scans.append(Scan(name, entry.path, problem=error))
            return
        if stat.S_ISDIR(status.st_mode):
            if not self._inside(entry.path):
                self._result.warnings.append(
                    f"'{name}' is a link to a folder outside INPUT and was not followed; "
                    "name its target as an INPUT to grade it"
                )
        elif self._selected(name):
            self._result.scans.append(self._linked_file(name, entry.path, status))

    def _linked_file(self, name: str, path: str, status: os.stat_result) -> Scan:
        if self._inside(path):
            return _scan(name, path, status)
        error = Unsupported(
            "a link to a file outside INPUT, which is not followed",
            hint="name the file itself as an INPUT",
        )
        return Scan(name, path, problem=error)

    def _inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real == self._real or real.startswith(self._real.rstrip(os.sep) + os.sep)

    def _excluded(self, name: str) -> bool:
        return _matches(name, self._inputs.exclude)

    def _selected(self, name: str) -> bool:
        if self._inputs.include:
            matching = [glob for glob in self._inputs.include if _matches(name, (glob,))]
            self._result.matched.update(matching)
            return bool(matching)
        return os.path.splitext(name)[1].lower() in SUFFIXES


def _below(root: str, paths: Iterable[str]) -> dict[str, set[str]]:
    """Return, by folder below a root, the names that lead to the files that are chosen."""
    names: dict[str, set[str]] = {}
    top = os.path.join(os.path.abspath(root), "")
    for path in paths:
        if not path.startswith(top):
            continue
        prefix = ""
        for part in path[len(top) :].split(os.sep):
            names.setdefault(prefix, set()).add(part)
            prefix += part + "/"
    return names


class _Named:
    """A name in a folder that is not listed; answers what the walk asks of ``os.DirEntry``."""

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self.path = os.path.join(folder, name)

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return os.path.isdir(self.path) and not (os.path.islink(self.path) and not follow_symlinks)

    def is_symlink(self) -> bool:
        return os.path.islink(self.path)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return os.stat(self.path, follow_symlinks=follow_symlinks)


Entry = os.DirEntry[str] | _Named


def _entries(path: str) -> list[Entry]:
    with os.scandir(path) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _status(entry: Entry) -> os.stat_result:
    """Return the status of an entry; on Windows the listed one may be old and lacks the inode."""
    status = entry.stat(follow_symlinks=False)
    return status if status.st_ino else os.lstat(entry.path)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    last = name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, g) or fnmatch.fnmatchcase(last, g) for g in globs)


def _scan(name: str, path: str, status: os.stat_result) -> Scan:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        kind_name = _KINDS.get(kind, "no regular file")
        return Scan(name, path, problem=Unsupported(f"{kind_name}, not a file", hint=""))
    return Scan(name, path, stamp.of_status(status))
