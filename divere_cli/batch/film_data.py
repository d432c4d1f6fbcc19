"""``--film-data``: a table of what was written down about the film, row by row to scans.

Covers tables as people and their programs write them: commas, semicolons or tabs, with
or without a byte order mark, columns by their usual names, lines before the table that
say something of the whole roll. A row belongs to scans by its file (a name or a glob), by
its frames (``12``, ``1-12``), or by both; later rows add to earlier ones. Not covered:
where the notes go in a positive (``image.metadata.film_data``).
"""

from __future__ import annotations

import csv
import fnmatch
import functools
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.batch import film_values
from divere_cli.errors import UsageError
from divere_cli.files import regular
from divere_cli.films import names
from divere_cli.records.film import FilmNotes

# Column names as they are compared: small letters and digits only.
ALIASES = {
    "file": "file filename sourcefile image imagefile scan scanfile name",
    "film": "film filmstock stock filmname filmtype emulsion filmused",
    "iso": "iso ei asa speed filmspeed boxspeed exposureindex isospeed ratediso",
    "camera": "camera cameramodel model body camerabody",
    "lens": "lens lensmodel objective lensused",
    "aperture": "aperture fnumber fstop f av",
    "shutter": "shutter shutterspeed exposuretime exposure tv",
    "date": "date datetime datetimeoriginal datetaken taken dateandtime timestamp",
    "roll": "roll rollid rollname rollnumber filmroll rollno",
    "frame": "frame framenumber framecount frameno exposurenumber shot no nr number",
    "lab": "lab laboratory labname processedby",
    "developer": "developer dev chemistry developedin developed",
    "notes": "notes note comment comments description remarks remark caption memo",
    "photographer": "photographer artist author creator by byline",
    "copyright": "copyright rights copyrightnotice",
}
_COLUMNS = {alias: column for column, words in ALIASES.items() for alias in words.split()}
_READ: dict[str, Callable[[str], Any]] = {
    "aperture": film_values.aperture,
    "shutter": film_values.shutter,
    "iso": film_values.iso,
    "date": film_values.date,
}
_MOST_BYTES = 16 << 20
_MOST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, which scans it means, and what it says of them."""

    line: int
    file: str
    frames: frozenset[int] | None
    cells: tuple[tuple[str, Any], ...]

    @property
    def words(self) -> str:
        """The row as a message names it."""
        said = dict(self.cells).get("frame", "")
        return f"line {self.line} ({self.file or f'frame {said}'})"


@dataclass(frozen=True, slots=True)
class FilmLog:
    """A whole table; ``unread`` are columns that mean nothing here."""

    path: str
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()

    def of(self, scan: str) -> FilmNotes | None:
        """Return what is known of a scan, by its name below INPUT; None for nothing."""
        found: dict[str, Any] = {}
        number = frame_of(scan)
        for row in self.rows:
            if _fits(row, scan, number):
                found |= {name: value for name, value in row.cells if value not in ("", None)}
                if row.frames is not None and len(row.frames) > 1:
                    found["frame"] = str(number)
        return _completed(found) if found else None

    def without_scan(self, scans: Iterable[str]) -> tuple[Row, ...]:
        """Return the rows that fit none of these scans."""
        numbered = [(scan, frame_of(scan)) for scan in scans]
        return tuple(
            row
            for row in self.rows
            if not any(_fits(row, scan, number) for scan, number in numbered)
        )

    def warnings(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Say what of the table was not used."""
        said = [f"{self.path}: {row.words} fits no scan" for row in self.without_scan(scans)]
        if self.unread:
            said.append(f"{self.path}: columns that are not used: {', '.join(self.unread)}")
        return tuple(said)


def read(path: str) -> FilmLog:
    """Read a table.

    Raises
    ------
    UsageError
        It cannot be read, has no column that says which scans are meant, or a cell cannot
        be understood; names the line, the column and how to write it.
    """
    lines, delimiter = _lines(path)
    whole, start = _preamble(path, lines, delimiter)
    table = csv.reader(io.StringIO("\n".join(lines[start:])), delimiter=delimiter)
    head = next(table, [])
    columns = [_COLUMNS.get(_folded(name)) for name in head]
    unread = tuple(
        name.strip()
        for name, column in zip(head, columns, strict=True)
        if column is None and name.strip()
    )
    rows = []
    try:
        for cells in table:
            if any(cell.strip() for cell in cells):
                rows.append(_row(path, start + table.line_num, columns, cells, whole))
    except csv.Error as error:
        raise UsageError(f"{path}: line {start + table.line_num}: {error}") from error
    if not rows:
        raise UsageError(f"{path}: has no rows below its columns")
    return FilmLog(path, tuple(rows), unread)


def frame_of(scan: str) -> int | None:
    """Return the last number of a scan's name: 12 for ``roll7_012.tif``; None without one."""
    stem = scan.rpartition("/")[2].rpartition(".")[0] or scan
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1]) if numbers and len(numbers[-1]) < 10 else None


def _fits(row: Row, scan: str, number: int | None) -> bool:
    if row.file and not _named(row.file, scan):
        return False
    return row.frames is None or number in row.frames


def _named(pattern: str, scan: str) -> bool:
    whole, wanted = scan.casefold(), pattern.casefold().replace("\\", "/")
    last = whole.rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return any(name == wanted or fnmatch.fnmatchcase(name, wanted) for name in (whole, last, stem))


def _completed(found: dict[str, Any]) -> FilmNotes:
    """Add what the stock says: whole name, maker, process, and box speed for want of another."""
    fields = {name: value for name, value in found.items() if name != "file"}
    stock = names.find(fields.get("film", "")) if fields.get("film") else None
    if stock is not None:
        fields |= {"film": stock.name, "process": stock.process}
        fields.setdefault("iso", stock.speed)
    notes = FilmNotes(**fields)
    return replace(notes, maker=names.maker(notes.film))


def _row(
    path: str,
    line: int,
    columns: list[str | None],
    cells: list[str],
    whole: dict[str, str],
) -> Row:
    given = dict(whole)
    for column, cell in zip(columns, cells, strict=False):
        if column is not None and cell.strip().casefold() not in film_values.NOTHING:
            given[column] = cell.strip()[:_MOST_TEXT]
    values: dict[str, Any] = {}
    for column, cell in given.items():
        try:
            values[column] = _READ[column](cell) if column in _READ else cell
        except ValueError as error:
            raise UsageError(f"{path}: line {line}: {column} {cell!r}: {error}") from error
    file = given.get("file", "")
    frames = film_values.frames(given["frame"]) if given.get("frame") else None
    if not file and frames is None:
        raise UsageError(
            f"{path}: line {line}: says of no scan what it is about",
            hint="give a file (a name or a glob) or a frame (12, 1-12)",
        )
    if file and frames is not None and len(frames) == 1 and not set("*?[") & set(file):
        frames = None  # the file says which; the frame is what is written beside it
    return Row(line, file, frames, tuple(values.items()))


def _lines(path: str) -> tuple[list[str], str]:
    """The text's lines, and what parts its cells."""
    try:
        with open(path, "rb", opener=regular.opener) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--film-data {path}: cannot be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"--film-data {path}: is larger than any film log")
    lines = _decoded(data).splitlines()
    counts = {mark: sum(line.count(mark) for line in lines[:50]) for mark in ",;\t"}
    # commas are in numbers and in words, too: the others win where they are there
    delimiter = next((mark for mark in ("\t", ";") if counts[mark] >= max(1, len(lines) // 2)), ",")
    return lines, delimiter


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _preamble(path: str, lines: list[str], delimiter: str) -> tuple[dict[str, str], int]:
    """What stands above the table of the whole roll (``Camera: Nikon F3``), and where it begins."""
    whole: dict[str, str] = {}
    for number, line in enumerate(lines[:100]):
        cells = next(csv.reader([line], delimiter=delimiter), [])
        columns = {_COLUMNS.get(_folded(cell)) for cell in cells} - {None}
        if len(cells) > 1 and columns & {"file", "frame"}:
            return whole, number
        key, colon, value = line.strip(' ",;\t').partition(":")
        column = _COLUMNS.get(_folded(key))
        if colon and column is not None and value.strip():
            whole[column] = value.strip(' ",;\t')
    raise UsageError(
        f"--film-data {path}: no line has a column 'file' or 'frame'",
        hint=f"columns: {', '.join(ALIASES)}",
    )


@functools.cache
def _folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", name.casefold())
