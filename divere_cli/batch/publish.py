"""Publish positives: at every instant one is absent, old and complete, or new and complete.

Covers the temporary files of an attempt, the check of the files a worker reports,
and the order of the calls: check, mode, sync, journal entry before, rename, sync the
folder, journal entry after. It does not decide which files may be replaced
(:mod:`divere_cli.batch.ownership`).
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from divere_cli.batch.journal.record import Done, OutputStamp
from divere_cli.batch.journal.writer import Journal
from divere_cli.errors import (
    DivereError,
    JournalFailed,
    NoSpaceLeft,
    OutputError,
    OutputExists,
    ScanError,
)
from divere_cli.files import directory, durable
from divere_cli.files.directory import Directory
from divere_cli.files.lock import NAME as LOCK_NAME
from divere_cli.files.output_folder import Folder, split
from divere_cli.image import header
from divere_cli.records.job import Target
from divere_cli.records.outcome import Written

log = logging.getLogger(__name__)

_ANY_SIZE = 1 << 62
# formats that the header reader may report for each suffix; a DNG is a TIFF
_KINDS = {
    ".tif": ("tiff",),
    ".png": ("png",),
    ".jpg": ("jpeg",),
    ".jxl": ("jxl",),
    ".dng": ("raw", "tiff"),
}


class Replaced(OutputError):
    """A temporary file was replaced by another file, perhaps by another worker."""


@dataclass(slots=True)
class Temp:
    """One temporary file; its descriptor stays open here, so that errors at sync are seen."""

    target: Target
    fd: int
    sha256: str = ""  # as reported by the worker

    @property
    def file(self) -> str:
        """Name of the temporary file in its folder."""
        return os.path.basename(self.target.temp)

    @property
    def final(self) -> str:
        """The output's name in the same folder."""
        return split(self.target.name)[1]

    def close(self) -> None:
        """Close the descriptor; harmless if it is closed."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)


@dataclass(slots=True)
class Staged:
    """The temporary files of one attempt, all in one folder."""

    place: Directory
    temps: tuple[Temp, ...] = ()


class Publisher:
    """Makes, publishes and removes the files of one run."""

    def __init__(self, folder: Folder, journal: Journal, run_id: str) -> None:
        self._folder = folder
        self._journal = journal
        self._run_id = run_id
        self._count = 0
        self._mode = durable.usual_mode()

    def stage(self, outputs: tuple[str, ...]) -> Staged:
        """Make an empty temporary file beside each output.

        Raises
        ------
        OutputError, NoSpaceLeft, JournalFailed
        """
        self._journal.begin()
        subfolder = split(outputs[0])[0] if outputs else ""
        try:
            with self._folder.sub(subfolder, create=True) as place:
                staged = Staged(place.again())
        except OSError as problem:
            raise self._failure(problem, outputs[0]) from problem
        try:
            for output in outputs:
                staged.temps = (*staged.temps, self._temp(output, staged.place))
        except OSError as problem:
            self.discard(staged)
            raise self._failure(problem, output) from problem
        return staged

    def discard(self, staged: Staged) -> None:
        """Close and remove the temporary files of an attempt."""
        for temp in staged.temps:
            temp.close()
            _remove(temp.file, staged.place)
        staged.place.close()
        staged.temps = ()

    def check(self, staged: Staged, written: tuple[Written, ...]) -> None:
        """Raise ``OutputError`` unless every file matches the report of the worker."""
        reported = {item.name: item for item in written}
        if len(reported) != len(written) or set(reported) != {t.target.name for t in staged.temps}:
            raise OutputError("the worker wrote other files than requested")
        for temp in staged.temps:
            temp.sha256 = reported[temp.target.name].sha256
            try:
                self._check_one(temp, reported[temp.target.name], staged.place)
            except OSError as problem:
                raise self._failure(problem, temp.target.name) from problem

    def publish(
        self,
        staged: Staged,
        scan: str,
        may_replace: Callable[[str], bool],
        done: Callable[[tuple[OutputStamp, ...]], Done],
    ) -> None:
        """Give every temporary file its final name, durably, and record it in the journal.

        Parameters
        ----------
        staged : Staged
            Already checked; the caller discards it afterwards, also after an error.
        scan : str
        may_replace : callable
            Returns whether an existing file with an output's name may be replaced.
        done : callable
            Makes the journal's record from the outputs' stamps.

        Raises
        ------
        OutputExists, OutputError
            This scan fails.
        NoSpaceLeft, JournalFailed
            The run ends.
        """
        stamps = tuple(self._finish(temp) for temp in staged.temps)
        replace = [may_replace(temp.target.name) for temp in staged.temps]
        for temp, over in zip(staged.temps, replace, strict=True):
            if not over and self._folder.look(temp.target.name) is not None:
                raise _came_under_way(temp)
        self._journal.publish(scan, stamps)
        for temp, over in zip(staged.temps, replace, strict=True):
            self._rename(temp, staged.place, replace=over)
        try:
            durable.sync_folder(staged.place)
        except OSError as problem:
            raise JournalFailed(
                f"the output device fails: {problem.strerror}",
                hint="check the device; the next run goes on where this one stopped",
            ) from problem
        self._journal.done(done(stamps))

    def adopt(self, staged: Staged) -> None:
        """Open the files that another machine wrote under the temporary names.

        Raises
        ------
        OutputError, NoSpaceLeft, JournalFailed
        """
        for temp in staged.temps:
            try:
                fd = staged.place.open(temp.file, os.O_RDWR)
            except OSError as problem:
                raise self._failure(problem, temp.target.name) from problem
            temp.close()
            temp.fd = fd

    def sweep(self, *, deep: bool = True) -> None:
        """Remove temporary files of a dead run from OUTPUT and, if ``deep``, from below it."""
        try:
            for name, place in _walk(self._folder, deep=deep):
                if name.startswith(durable.TEMP_PREFIX):
                    _remove(name, place)
        except OSError as problem:
            log.warning("OUTPUT cannot be searched for leftover files: %s", problem.strerror)

    def _temp(self, output: str, place: Directory) -> Temp:
        self._count += 1
        file = f"{durable.TEMP_PREFIX}{self._run_id}-{self._count}"
        folder = os.path.join(os.path.abspath(self._folder.path), split(output)[0])
        path = os.path.join(os.path.abspath(self._folder.path), output)
        fd = durable.create(file, place)
        status = os.fstat(fd)
        inode = (status.st_dev, status.st_ino)
        return Temp(Target(output, path, os.path.join(folder, file), inode), fd)

    def _check_one(self, temp: Temp, written: Written, place: Directory) -> None:
        status = os.fstat(temp.fd)
        named_status = place.stat(temp.file)
        if (status.st_dev, status.st_ino) != (named_status.st_dev, named_status.st_ino):
            raise Replaced("something replaced the file that the worker had to write")
        if not stat.S_ISREG(status.st_mode) or status.st_size != written.bytes or not written.bytes:
            raise OutputError(
                f"'{written.name}' has {status.st_size} bytes; the worker reported {written.bytes}"
            )
        try:
            head = header.read(temp.target.temp, _ANY_SIZE)
        except ScanError as problem:
            raise OutputError(
                f"'{written.name}' cannot be read back: {problem.message}"
            ) from problem
        kinds = _KINDS[os.path.splitext(written.name)[1]]
        same_size = (head.width, head.height) == (written.width, written.height)
        if head.format not in kinds or not same_size:
            raise OutputError(
                f"'{written.name}' is {head.format}, {head.width} x {head.height}; "
                f"the worker reported {kinds[0]}, {written.width} x {written.height}"
            )

    def _finish(self, temp: Temp) -> OutputStamp:
        try:
            try:
                directory.set_mode(temp.fd, self._mode)
            except PermissionError as problem:  # a file system without modes
                log.debug("mode of '%s' stays: %s", temp.target.name, problem)
            durable.sync(temp.fd)
            status = os.fstat(temp.fd)
        except OSError as problem:
            raise self._failure(problem, temp.target.name) from problem
        return OutputStamp(temp.target.name, status.st_size, status.st_mtime_ns, temp.sha256)

    def _rename(self, temp: Temp, place: Directory, *, replace: bool) -> None:
        if not place.frees_names:
            temp.close()
        try:
            durable.rename(temp.file, temp.final, place, replace=replace)
        except FileExistsError as problem:
            raise _came_under_way(temp) from problem
        except OSError as problem:
            raise self._failure(problem, temp.target.name) from problem

    def _failure(self, problem: OSError, output: str) -> DivereError:
        reason = problem.strerror or str(problem)
        if problem.errno in durable.NO_SPACE:
            return NoSpaceLeft(f"no space left for '{output}': {reason}")
        if not self._folder.is_there():
            return output_gone(self._folder)
        hint = ""
        if problem.errno == errno.ENAMETOOLONG:
            hint = "use a shorter --name or OUTPUT"
        return OutputError(f"'{output}' cannot be written: {reason}", hint=hint)


def _remove(name: str, place: Directory) -> None:
    try:
        place.unlink(name)
    except FileNotFoundError:
        log.debug("'%s' was published, or its folder is gone", name)
    except OSError as problem:
        log.warning("'%s' stays in OUTPUT: %s", name, problem.strerror)


def _came_under_way(temp: Temp) -> OutputExists:
    return OutputExists(f"'{temp.target.name}' appeared in OUTPUT while the scan was graded")


def output_gone(folder: Folder) -> JournalFailed:
    """Return the error for an OUTPUT that was removed or unmounted during the run.

    Parameters
    ----------
    folder : Folder
        The output folder, held open.
    """
    return JournalFailed(
        f"OUTPUT '{folder.path}' is gone", hint="mount it again and run the same command"
    )


def _walk(folder: Folder, *, deep: bool) -> Iterator[tuple[str, Directory]]:
    """Yield the name of every file below OUTPUT with its folder.

    Links are not followed; a folder that is the OUTPUT of another run is skipped.
    """
    for top, folders, files, place in folder.handle.walk():
        if not top and LOCK_NAME in files:
            folders.clear()
            continue
        if not deep:
            folders.clear()
        for name in files:
            yield name, place
