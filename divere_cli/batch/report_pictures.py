"""The pictures of a report page, in a folder beside it.

Covers the pictures that are shown for each scan: those made in this run, or for scans that
are up to date those of an earlier run, if the SHA-256 of the positives is the same. Pictures
that belong to no scan are removed, but only files that are in the list and are named like
pictures of divere. The page itself is rendered in ``report``.

Pictures are not synced: the list has their sizes, and a picture of another size (after a
power cut) is not shown. 20,000 synced files took minutes, unsynced ones take seconds.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable

from divere_cli.files import directory, durable
from divere_cli.files.directory import Directory
from divere_cli.records.outcome import ScanResult, Thumbnail
from divere_cli.records.pictures import SCHEMA, Album, PictureFile, PictureList, ScanPictures
from divere_cli.records.report import RunReport
from divere_cli.records.serialize import from_text, to_text
from divere_cli.text import quote

log = logging.getLogger(__name__)

SUFFIX = "-files"
LIST = "divere-pictures.json"
_NAME = re.compile(r"[0-9a-f]{32}\.jfif")  # .jpg would be a scan if this folder is an INPUT
_LARGEST = 1 << 28

_Key = tuple[str, int]


class Beside:
    """The folder of a report's pictures, created if it is missing. A context manager.

    Parameters
    ----------
    path : str
        Path of the page; the folder is named like it, with ``-files`` instead of the suffix.

    Raises
    ------
    OSError
    """

    def __init__(self, path: str) -> None:
        above, name = os.path.split(path)
        self.folder = os.path.splitext(name)[0] + SUFFIX
        self._mode = durable.usual_mode()
        outer = directory.hold(above or ".")
        try:
            with contextlib.suppress(FileExistsError):
                outer.mkdir(self.folder)
            self._place = outer.inner(self.folder)
        except OSError as error:
            reason = f"{error.strerror}: its pictures' folder {quote(self.folder)}"
            raise OSError(error.errno, reason) from error
        finally:
            outer.close()
        self._now: dict[_Key, ScanPictures] = {}
        self._before: dict[_Key, ScanPictures] = {}

    def __enter__(self) -> Beside:
        self._before = {(each.input, each.page): each for each in _read(self._place).scans}
        return self

    def __exit__(self, *error: object) -> None:
        self._place.close()

    def keep(self, report: RunReport) -> Album:
        """Write the pictures of ``report``; return those that its page shows.

        The list has old and new pictures until :meth:`sweep`, so that the existing page
        stays complete.

        Raises
        ------
        OSError
        """
        by_index: dict[int, tuple[PictureFile, ...]] = {}
        for index, file in enumerate(report.files):
            entry = self._of(file)
            if entry is None:
                continue
            self._now[entry.input, entry.page] = entry
            pictures = tuple(each for each in true_of(file, entry) if self._is_there(each))
            if pictures:
                by_index[index] = pictures
        self._save((*self._before.values(), *self._now.values()))
        return Album(self.folder, by_index)

    def sweep(self, report: RunReport, *, remove: bool) -> None:
        """Save the current list; with ``remove``, remove pictures that belong to no scan."""
        entries = dict(self._now)
        for key, entry in self._before.items():
            if key not in entries and (not remove or _has_positives(entry, report.output)):
                entries[key] = entry
        self._save(entries.values())
        if remove:
            self._remove_others(entries)

    def _remove_others(self, entries: dict[_Key, ScanPictures]) -> None:
        """Remove pictures that were listed before and belong to no kept scan."""
        named = {picture.file for entry in entries.values() for picture in entry.pictures}
        before = {picture.file for entry in self._before.values() for picture in entry.pictures}
        for name in before - named:
            with contextlib.suppress(FileNotFoundError):
                self._place.unlink(name)

    def _of(self, file: ScanResult) -> ScanPictures | None:
        page = page_of(file)
        if not file.thumbnails:
            return self._before.get((file.input, page))
        pictures = tuple(
            self._put(file.input, page, each, data)
            for each in file.thumbnails
            if (data := _data(each))
        )
        return ScanPictures(file.input, page, positives_of(file), pictures)

    def _put(self, scan: str, page: int, thumbnail: Thumbnail, data: bytes) -> PictureFile:
        whose = json.dumps([scan, page, thumbnail.of]).encode("ascii")
        name = hashlib.sha256(whose + data).hexdigest()[:32] + ".jfif"
        picture = PictureFile(thumbnail.of, thumbnail.width, thumbnail.height, name, len(data))
        if not self._is_there(picture):
            durable.write_atomic_in(
                self._place, name, [data], replace=True, mode=self._mode, synced=False
            )
        return picture

    def _is_there(self, picture: PictureFile) -> bool:
        try:
            status = self._place.stat(picture.file)
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == picture.bytes

    def _save(self, entries: Iterable[ScanPictures]) -> None:
        text = to_text(PictureList(tuple(entries)))
        durable.write_atomic_in(
            self._place, LIST, [text.encode("ascii")], replace=True, mode=self._mode
        )


def write(
    path: str,
    report: RunReport,
    render: Callable[[RunReport, Album], str],
    save: Callable[[str, str], None],
    *,
    remove: bool,
) -> None:
    """Write a page and the pictures beside it.

    Parameters
    ----------
    path : str
    report : RunReport
    render : callable
        Returns the text of the page, with the pictures beside it.
    save : callable
        Writes the text to ``path``.
    remove : bool
        Whether pictures that belong to no scan are removed.

    Raises
    ------
    OSError
    """
    with Beside(path) as beside:
        album = beside.keep(report)
        save(path, render(report, album))
        beside.sweep(report, remove=remove)


def true_of(file: ScanResult, entry: ScanPictures) -> tuple[PictureFile, ...]:
    """Return the pictures that still show a scan as the report has it.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    entry : ScanPictures
        The pictures that are known of the scan.
    """
    if file.thumbnails or (file.status == "up_to_date" and positives_of(file) == entry.positives):
        return entry.pictures
    if file.status == "kept":  # the positive was changed by hand since
        return tuple(each for each in entry.pictures if not each.of)
    return ()


def page_of(file: ScanResult) -> int:
    """Return which picture of a file with several this is, from 1; else 0.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    return file.pages.picture if file.pages else 0


def positives_of(file: ScanResult) -> tuple[tuple[str, str], ...]:
    """Return path and SHA-256 of each positive of a scan.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    return tuple((each.path, each.sha256) for each in file.positives)


def _has_positives(entry: ScanPictures, output: str) -> bool:
    """Return whether the scan may merely have been left out of this run."""
    return any(os.path.lexists(os.path.join(output, path)) for path, _ in entry.positives)


def _data(thumbnail: Thumbnail) -> bytes:
    """Return the JPEG; empty if it is not valid base64."""
    try:
        return base64.b64decode(thumbnail.jpeg, validate=True)
    except ValueError:
        return b""


def _read(place: Directory) -> PictureList:
    """Return the list of an earlier run; empty if it is unreadable or not from divere."""
    try:
        fd = directory.open_regular(place, LIST, os.O_RDONLY)
    except FileNotFoundError:
        return PictureList()
    except OSError as error:
        log.warning("the pictures of earlier runs are not shown: %s", error.strerror)
        return PictureList()
    try:
        with open(fd, "rb") as stream:
            picture_list = from_text(PictureList, stream.read(_LARGEST))
        if picture_list.schema != SCHEMA:
            raise ValueError(f"its schema is no {SCHEMA}")
        return PictureList(tuple(each for each in picture_list.scans if _is_ours(each)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning(
            "%s is not a list of pictures; those of earlier runs are not shown: %s", LIST, error
        )
        return PictureList()


def _is_ours(entry: ScanPictures) -> bool:
    return all(_NAME.fullmatch(each.file) for each in entry.pictures)
