"""A report page with its pictures inside; pictures of the previous page are reused.

The last line of such a page is a comment with the list of its pictures in base64. A scan
that is up to date gets its pictures from the page that is replaced, by the same rule as
with pictures beside a page (:mod:`divere_cli.batch.report_pictures`). Pictures that the
previous page did not show are lost.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from divere_cli.batch.report_pictures import page_of, positives_of, true_of
from divere_cli.files import directory
from divere_cli.records.outcome import ScanResult, Thumbnail
from divere_cli.records.pictures import SCHEMA, PictureFile, PictureList, ScanPictures
from divere_cli.records.report import RunReport
from divere_cli.records.serialize import from_text, to_text

log = logging.getLogger(__name__)

_MARK = b"<!-- divere-pictures "
_PICTURE = re.compile(rb'src="data:image/jpeg;base64,([A-Za-z0-9+/]+={0,2})"')
_LONGEST = 1 << 28  # bytes of one line

_Before = dict[tuple[str, int], tuple[Thumbnail, ...]]


def page(path: str, report: RunReport, render: Callable[[RunReport], Iterable[str]]) -> str:
    """Return the page with the pictures of this run and those that the file has already.

    Parameters
    ----------
    path : str
        Path of the page.
    report : RunReport
        The report of a run.
    render : callable
        Makes the page of a report.
    """
    before = _read(path, {(file.input, page_of(file)): file for file in report.files})
    files = tuple(
        file if file.thumbnails else replace(file, thumbnails=before.get(_key(file), ()))
        for file in report.files
    )
    listed = PictureList(tuple(_entry(file) for file in files if file.thumbnails))
    text = to_text(listed).encode("ascii")
    mark = (_MARK + base64.b64encode(text) + b" -->").decode("ascii")
    html = "".join(render(replace(report, files=files)))
    return f"{html.rstrip()}\n{mark}\n"


def _key(file: ScanResult) -> tuple[str, int]:
    return file.input, page_of(file)


def _entry(file: ScanResult) -> ScanPictures:
    pictures = tuple(
        PictureFile(each.of, each.width, each.height, _hash(each.jpeg.encode()), len(each.jpeg))
        for each in file.thumbnails
    )
    return ScanPictures(file.input, page_of(file), positives_of(file), pictures)


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _read(path: str, files: dict[tuple[str, int], ScanResult]) -> _Before:
    """Return pictures of the previous page that are still valid; none if it is no such page."""
    try:
        valid = {
            (entry.input, entry.page): true_of(files[entry.input, entry.page], entry)
            for entry in _listed(path).scans
            if (entry.input, entry.page) in files
        }
        names = {picture.file for pictures in valid.values() for picture in pictures}
        texts = {}
        for line in _lines(path) if names else ():
            for match in _PICTURE.finditer(line):
                if (name := _hash(match[1])) in names:
                    texts[name] = match[1].decode("ascii")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("the pictures of the previous page cannot be reused: %s", error)
        return {}
    return {
        key: tuple(
            Thumbnail(each.of, each.width, each.height, texts[each.file])
            for each in pictures
            if each.file in texts
        )
        for key, pictures in valid.items()
    }


def _listed(path: str) -> PictureList:
    last = b""
    for line in _lines(path):
        if line.startswith(_MARK):
            last = line
    if not last:
        return PictureList()
    text = base64.b64decode(last.removeprefix(_MARK).split()[0], validate=True)
    picture_list = from_text(PictureList, text)
    if picture_list.schema != SCHEMA:
        raise ValueError(f"its schema is no {SCHEMA}")
    return picture_list


def _lines(path: str) -> Iterator[bytes]:
    folder, name = os.path.split(path)
    place = directory.hold(folder or ".")
    try:
        fd = directory.open_regular(place, name, os.O_RDONLY)
    finally:
        place.close()
    with open(fd, "rb") as stream:
        while line := stream.readline(_LONGEST):
            yield line
