"""``--film-data``: read a film log, a table with rows for scans.

Covers tables as people and programs write them: commas, semicolons or tabs, with or without
a byte order mark, the usual names of columns, and lines above the table that apply to the
whole roll. A row applies to scans by its file (a name or a glob), by its frames (``12``,
``1-12``), or by both; later rows add to earlier ones. Writing the data into positives is in
``image.metadata.film_data``.
"""

from __future__ import annotations

import csv
import difflib
import fnmatch
import functools
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.batch import film_values
from divere_cli.errors import UsageError
from divere_cli.files import regular
from divere_cli.films import stocks
from divere_cli.records.film import FilmNotes

# Column names as they are compared: small letters and digits only.
ALIASES = {
    "file": "file filename sourcefile image imagefile scan scanfile name",
    "film": "film filmstock stock filmname filmtype emulsion filmused documentname "
    "spectralsensitivity",
    "iso": "iso ei asa speed filmspeed boxspeed exposureindex isospeed ratediso",
    "camera": "camera cameramodel model body camerabody cameraname",
    "lens": "lens lensmodel objective lensused lensname",
    "aperture": "aperture fnumber fstop f av",
    "shutter": "shutter shutterspeed exposuretime exposure tv",
    "date": "date datetime datetimeoriginal datetaken taken dateandtime timestamp",
    "roll": "roll rollid rollname rollnumber filmroll rollno reelname",
    "frame": "frame framenumber framecount frameno exposurenumber imagenumber shotnumber shot "
    "no nr number",
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
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NUMBERED = re.compile(r"(?:\./)?\d+\.")
_MOST_BYTES = 16 << 20
_MOST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, the scans that it applies to, and its film data.

    ``beside`` is the frame number in a row that has a file, too: for a scan with one picture
    it is only recorded, for a strip it selects the crop.
    """

    line: int
    file: str
    frames: frozenset[int] | None
    cells: tuple[tuple[str, Any], ...]
    beside: frozenset[int] | None = None

    @property
    def words(self) -> str:
        """Name of the row for messages."""
        frame = dict(self.cells).get("frame", "")
        return f"line {self.line} ({self.file or f'frame {frame}'})"


@dataclass(frozen=True, slots=True)
class FilmLog:
    """A table; ``unread`` has the names of columns that are not understood."""

    path: str
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()

    def of(self, scan: str, crop: str = "") -> FilmNotes | None:
        """Return the film data of a scan, by its name below INPUT; None if there is none.

        With ``crop``, the film data of this crop. Its frame number is the number in the
        crop's name, and the file of a row may be ``{stem}-{crop}``, too.
        """
        values: dict[str, Any] = {}
        number = _number(scan, crop)
        for row in self.rows:
            if _fits(row, scan, crop, number):
                values |= {name: value for name, value in row.cells if value not in ("", None)}
                if row.frames is not None and len(row.frames) > 1:
                    values["frame"] = str(number)
        return _completed(values) if values else None

    def without_scan(self, scans: Iterable[tuple[str, str]]) -> tuple[Row, ...]:
        """Return the rows that fit none of these pictures: (scan, crop or empty)."""
        numbered = [(scan, crop, _number(scan, crop)) for scan, crop in scans]
        return tuple(
            row for row in self.rows if not any(_fits(row, *picture) for picture in numbered)
        )

    def _repeated(self) -> list[str]:
        """Return a line for each row that changes what an earlier one says of the same file."""
        first: dict[tuple[Any, ...], Row] = {}
        texts = []
        for row in self.rows:
            if not row.file or any(letter in row.file for letter in "*?["):
                continue
            earlier = first.setdefault((row.file.casefold(), row.frames, row.beside), row)
            cells, other = dict(row.cells), dict(earlier.cells)
            changed = sorted(
                name
                for name in (cells.keys() & other.keys()) - {"file", "frame"}
                if cells[name] not in ("", None, other[name]) and other[name] not in ("", None)
            )
            if earlier is not row and changed:
                texts.append(
                    f"{row.words} changes {', '.join(changed)} of line {earlier.line}:"
                    " the later line counts"
                )
        return texts

    def warnings(self, scans: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Return warnings about unused parts of the table; ``scans`` as in :meth:`without_scan`."""
        texts = [f"{self.path}: {row.words} fits no scan" for row in self.without_scan(scans)]
        if self.unread:
            names = ", ".join(map(_with_suggestion, self.unread))
            texts.append(f"{self.path}: columns that are not used: {names}")
        texts += [f"{self.path}: {text}" for text in self._repeated()]
        return tuple(texts)


def read(path: str) -> FilmLog:
    """Read a table of film data.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    UsageError
        It cannot be read, has no column for file or frame, or a cell is invalid; the message
        has the line, the column and the right form.
    """
    lines, delimiter = _lines(path)
    roll_values, start = _preamble(path, lines, delimiter)
    table = csv.reader(io.StringIO("\n".join(lines[start:])), delimiter=delimiter)
    head = next(table, [])
    columns = _columns(head)
    times = [index for index, name in enumerate(head) if _folded(name) == "exposuretime"]
    unread = tuple(
        name.strip()
        for name, column in zip(head, columns, strict=True)
        if column is None and name.strip()
    )
    rows = []
    try:
        for cells in table:
            if any(cell.strip() for cell in cells):
                _in_seconds(cells, times)
                rows.append(_row(path, start + table.line_num, columns, cells, roll_values))
    except csv.Error as error:
        raise UsageError(f"{path}: line {start + table.line_num}: {error}") from error
    if not rows:
        raise UsageError(f"{path}: has no rows below its columns")
    return FilmLog(path, tuple(rows), unread)


def _with_suggestion(name: str) -> str:
    """Return the name of an unknown column, with the column that was probably intended."""
    close = difflib.get_close_matches(_folded(name), _COLUMNS, n=1, cutoff=0.75)
    return f"{name} (did you mean {_COLUMNS[close[0]]!r}?)" if close else name


def _columns(head: list[str]) -> list[str | None]:
    """Return the meaning of each column; a column with the exact name has priority over others."""
    folded = [_folded(name) for name in head]
    meanings = [_COLUMNS.get(name) for name in folded]
    return [
        None if column in folded and name != column else column
        for name, column in zip(folded, meanings, strict=True)
    ]


def _in_seconds(cells: list[str], indexes: list[int]) -> None:
    """Mark plain numbers in a column with Exif's name as seconds: there 125 is not 1/125."""
    for index in indexes:
        if index < len(cells) and _NUMBER.fullmatch(cells[index].strip()):
            cells[index] = f"{cells[index].strip()}s"


def frame_of(scan: str) -> int | None:
    """Return the last number of a scan's name: 12 for ``roll7_012.tif``; None without one.

    Parameters
    ----------
    scan : str
        Name of the scan.
    """
    stem = scan.rpartition("/")[2].rpartition(".")[0] or scan
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1]) if numbers and len(numbers[-1]) < 10 else None


def _number(scan: str, crop: str) -> int | None:
    """Return the frame of a picture: the number of its crop, else that of its scan."""
    crop_frame = frame_of(crop) if crop else None
    return frame_of(scan) if crop_frame is None else crop_frame


def _fits(row: Row, scan: str, crop: str, number: int | None) -> bool:
    if row.file and crop and _named(row.file, _cropped(scan, crop)):
        return row.frames is None or number in row.frames
    if row.file and not _named(row.file, scan):
        return False
    numbers = row.frames if row.frames is not None or not crop else row.beside
    return numbers is None or number in numbers


def _cropped(scan: str, crop: str) -> str:
    """Return the name of a crop as in the default names of outputs: ``strip-02.tif``."""
    stem, dot, suffix = scan.rpartition(".")
    return f"{stem}-{crop}{dot}{suffix}" if stem else f"{scan}-{crop}"


def _named(pattern: str, scan: str) -> bool:
    full_name, folded_pattern = scan.casefold(), pattern.casefold().replace("\\", "/")
    last = full_name.rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return any(
        name == folded_pattern or fnmatch.fnmatchcase(name, folded_pattern)
        for name in (full_name, last, stem)
    )


def _completed(values: dict[str, Any]) -> FilmNotes:
    """Add data of the stock: full name, maker, process, and box speed if no speed is given."""
    fields = {name: value for name, value in values.items() if name != "file"}
    stock = stocks.by_name_or_number(fields.get("film", "")) if fields.get("film") else None
    if stock is not None:
        fields |= {"film": stock.name, "process": stock.process}
        fields.setdefault("iso", stock.speed)
    notes = FilmNotes(**fields)
    return replace(notes, maker=stocks.maker(notes.film))


def _row(
    path: str,
    line: int,
    columns: list[str | None],
    cells: list[str],
    roll_values: dict[str, str],
) -> Row:
    texts = dict(roll_values)
    for column, cell in zip(columns, cells, strict=False):
        if column is not None and cell.strip().casefold() not in film_values.NOTHING:
            texts[column] = cell.strip()[:_MOST_TEXT]
    values: dict[str, Any] = {}
    for column, cell in texts.items():
        try:
            values[column] = _READ[column](cell) if column in _READ else cell
        except ValueError as error:
            raise UsageError(f"{path}: line {line}: {column} {cell!r}: {error}") from error
    file = texts.get("file", "")
    if _NUMBERED.fullmatch(file) and texts.get("frame"):
        file = ""  # exiftool's placeholder for an unknown file: the frame number selects it
    frames = film_values.frames(texts["frame"]) if texts.get("frame") else None
    if not file and frames is None:
        raise UsageError(
            f"{path}: line {line}: has neither a file nor a frame",
            hint="give a file (a name or a glob) or a frame (12, 1-12)",
        )
    beside = None
    if file and frames is not None and len(frames) == 1 and not set("*?[") & set(file):
        frames, beside = None, frames  # the file selects the scan; the frame is only recorded
    return Row(line, file, frames, tuple(values.items()), beside)


def _lines(path: str) -> tuple[list[str], str]:
    """Return the lines of a table, and the separator of its cells."""
    try:
        with open(path, "rb", opener=regular.opener) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--film-data {path}: cannot be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"--film-data {path}: is larger than any film log")
    text = _decoded(data)
    if text.lstrip().startswith("["):
        return _of_json(path, text), "\t"
    lines = text.splitlines()
    counts = {mark: sum(line.count(mark) for line in lines[:50]) for mark in ",;\t"}
    # commas are in numbers and texts, too: the other separators have priority
    delimiter = next((mark for mark in ("\t", ";") if counts[mark] >= max(1, len(lines) // 2)), ",")
    return lines, delimiter


def _of_json(path: str, text: str) -> list[str]:
    """Return a list of objects, as Lightme and exiftool write them, as lines of a table."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--film-data {path}: no valid JSON: {error}") from error
    if not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"--film-data {path}: needs a list of objects, one for each picture")
    head = list(dict.fromkeys(key for entry in entries for key in entry))
    made = io.StringIO()
    writer = csv.writer(made, delimiter="\t", lineterminator="\n")
    writer.writerow(head)
    for entry in entries:
        writer.writerow(_one_line(entry.get(key)) for key in head)
    return made.getvalue().splitlines()


def _one_line(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _preamble(path: str, lines: list[str], delimiter: str) -> tuple[dict[str, str], int]:
    """Return values above the table (``Camera: Nikon F3``), and the index of its first line."""
    roll_values: dict[str, str] = {}
    for number, line in enumerate(lines[:100]):
        cells = next(csv.reader([line], delimiter=delimiter), [])
        columns = {_COLUMNS.get(_folded(cell)) for cell in cells} - {None}
        if len(cells) > 1 and columns & {"file", "frame"}:
            return roll_values, number
        key, colon, value = line.strip(' ",;\t').partition(":")
        column = _COLUMNS.get(_folded(key))
        if colon and column is not None and value.strip():
            roll_values[column] = value.strip(' ",;\t')
    raise UsageError(
        f"--film-data {path}: no line has a column 'file' or 'frame'",
        hint=f"columns: {', '.join(ALIASES)}",
    )


@functools.cache
def _folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", name.casefold())
