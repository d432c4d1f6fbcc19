"""Read reference files of charts: CGATS text from chart makers, also IT8.7/1 and IT8.7/2.

Covers keywords, the data format, Lab and XYZ columns, and the arrangement of patches: by
names such as ``A1``, by ``CHART_ROWS`` and ``CHART_COLUMNS``, or as one row if all are gray.
Lab and XYZ are assumed to be for D50 and 2 degrees, as in ISO 12641 and ISO 13655. Spectra
are not read. Standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from divere_cli.calibrate.chart import Chart, Lab, Patch
from divere_cli.errors import UsageError
from divere_cli.files import regular

MAX_BYTES = 4 << 20
MOST_PATCHES = 2000
NAME_COLUMNS = ("SAMPLE_LOC", "SAMPLE_ID", "SAMPLE_NAME", "SAMPLEID", "SAMPLENAME", "NAME")
LAB_COLUMNS = ("LAB_L", "LAB_A", "LAB_B")
XYZ_COLUMNS = ("XYZ_X", "XYZ_Y", "XYZ_Z")
WHITE = (96.42, 100.0, 82.49)
KNOWN_SHAPES = {24: (4, 6), 140: (10, 14)}
_PLACE = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]?)\Z")
_HINT = "give the CGATS text file that came with the chart: it has BEGIN_DATA_FORMAT and LAB_L"


@dataclass(slots=True)
class _Document:
    """A CGATS file: keywords, names of the columns, rows with their line numbers."""

    kind: str = ""
    keywords: dict[str, str] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def read(path: str) -> Chart:
    """Read a reference file.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    UsageError
        The file is invalid; the message has the file, the line and the problem.
    """
    file_name = os.path.basename(path)
    try:
        with open(path, "rb", opener=regular.opener) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"chart {path!r}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"chart {file_name!r}: is larger than {MAX_BYTES} bytes", hint=_HINT)
    return parse(data, os.path.splitext(file_name)[0], file_name)


def parse(data: bytes, name: str, file_name: str) -> Chart:
    """Read the text of a reference file; errors as :func:`read`.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Name of the chart.
    file_name : str
        Name of the file, for messages.
    """
    document = _document(_text(data), file_name)
    patches = [_patch(document, line, row, file_name) for line, row in document.rows]
    if not patches:
        raise UsageError(f"chart {file_name!r}: has no patches", hint=_HINT)
    rows, columns, ordered = _laid_out(document, patches, file_name)
    title = document.keywords.get("DESCRIPTOR", "") or name
    source = document.keywords.get("ORIGINATOR", "") or file_name
    return Chart(name, title, rows, columns, tuple(ordered), source)


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _document(text: str, file_name: str) -> _Document:
    document = _Document()
    where = "keywords"
    for number, line in enumerate(text.splitlines(), 1):
        words = _words(line)
        if not words:
            continue
        key = words[0].upper()
        if not document.kind:
            document.kind = key
        if key == "BEGIN_DATA_FORMAT":
            where = "format"
        elif key == "BEGIN_DATA":
            where = "data"
        elif key in ("END_DATA_FORMAT", "END_DATA"):
            where = "keywords"
            if key == "END_DATA":
                break
        elif where == "format":
            document.columns += [word.upper() for word in words]
        elif where == "data":
            document.rows.append((number, words))
        elif key != "KEYWORD":
            document.keywords.setdefault(key, " ".join(words[1:]))
    if not document.columns or not document.rows:
        raise UsageError(f"chart {file_name!r}: is not CGATS text with data", hint=_HINT)
    if len(document.rows) > MOST_PATCHES:
        raise UsageError(
            f"chart {file_name!r}: has {len(document.rows)} patches; at most {MOST_PATCHES}"
        )
    return document


def _words(line: str) -> list[str]:
    line = line.strip()
    if not line or line.startswith("#"):
        return []
    if '"' not in line:
        return line.split()
    try:
        return shlex.split(line, posix=True)
    except ValueError:
        return line.replace('"', " ").split()


def _patch(document: _Document, line: int, row: list[str], file_name: str) -> Patch:
    columns = document.columns
    if len(row) < len(columns):
        raise UsageError(
            f"chart {file_name!r}: line {line}: has {len(row)} values, "
            f"its format has {len(columns)}"
        )
    at = {column: index for index, column in enumerate(columns)}
    name = next((row[at[c]] for c in NAME_COLUMNS if c in at), str(line))
    if all(c in at for c in LAB_COLUMNS):
        lab = tuple(_number(row[at[c]], line, file_name) for c in LAB_COLUMNS)
    elif all(c in at for c in XYZ_COLUMNS):
        lab = _lab(*(_number(row[at[c]], line, file_name) for c in XYZ_COLUMNS))
    else:
        raise UsageError(
            f"chart {file_name!r}: its columns are {', '.join(columns[:12])}: "
            "no LAB_L, LAB_A, LAB_B and no XYZ_X, XYZ_Y, XYZ_Z",
            hint="export it with Lab values (D50)",
        )
    lightness, a, b = lab
    if not (-1.0 <= lightness <= 110.0 and abs(a) <= 200.0 and abs(b) <= 200.0):
        raise UsageError(f"chart {file_name!r}: line {line}: {name}: is not a color: Lab {lab}")
    return Patch(name, (lightness, a, b))


def _number(word: str, line: int, file_name: str) -> float:
    try:
        value = float(word.replace(",", "."))
    except ValueError:
        value = float("nan")
    if value != value:
        raise UsageError(f"chart {file_name!r}: line {line}: {word!r} is not a number")
    return value


def _lab(x: float, y: float, z: float) -> Lab:
    """Convert XYZ in 0..100 under D50 to Lab (CIE 015:2018, 8.2.1)."""
    f = [
        t ** (1.0 / 3.0) if t > (6.0 / 29.0) ** 3 else t * (29.0 / 6.0) ** 2 / 3.0 + 4.0 / 29.0
        for t in (max(v, 0.0) / w for v, w in zip((x, y, z), WHITE, strict=True))
    ]
    return (116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2]))


def _laid_out(
    document: _Document, patches: list[Patch], file_name: str
) -> tuple[int, int, list[Patch]]:
    """Return rows, columns, and the patches row by row."""
    shape = _given_shape(document, file_name)
    if shape is not None:
        if shape[0] * shape[1] != len(patches):
            raise UsageError(
                f"chart {file_name!r}: CHART_ROWS x CHART_COLUMNS is {shape[0]} x {shape[1]}, "
                f"but it has {len(patches)} patches"
            )
        return (*shape, patches)
    placed = list(_placed(patches))
    block = _block(placed, letters_are_rows=document.kind.startswith("IT8"))
    if block is not None:
        return block
    if len(patches) in KNOWN_SHAPES:
        return (*KNOWN_SHAPES[len(patches)], patches)
    if all(patch.gray for patch in patches):
        return 1, len(patches), patches
    raise UsageError(
        f"chart {file_name!r}: the arrangement of its {len(patches)} patches is unknown",
        hint="name the patches A1, A2, ... or add lines CHART_ROWS N and CHART_COLUMNS N",
    )


def _given_shape(document: _Document, file_name: str) -> tuple[int, int] | None:
    words = [document.keywords.get(key) for key in ("CHART_ROWS", "CHART_COLUMNS")]
    if None in words:
        return None
    try:
        rows, columns = (int(word or "") for word in words)
    except ValueError:
        raise UsageError(
            f"chart {file_name!r}: CHART_ROWS or CHART_COLUMNS is not a number"
        ) from None
    return rows, columns


def _placed(patches: list[Patch]) -> Iterator[tuple[str, int, Patch]]:
    for patch in patches:
        match = _PLACE.match(patch.name)
        if match is not None and match[1].upper() != "GS":
            yield match[1].upper(), int(match[2]), patch


def _block(
    placed: list[tuple[str, int, Patch]], letters_are_rows: bool
) -> tuple[int, int, list[Patch]] | None:
    """Return a full block of letters and numbers, without the gray scale of an IT8 chart."""
    letters = sorted({letter for letter, _, _ in placed}, key=lambda word: (len(word), word))
    numbers = sorted({number for _, number, _ in placed})
    if len(placed) < 4 or len(placed) != len(letters) * len(numbers):
        return None
    by_place = {(letter, number): patch for letter, number, patch in placed}
    if len(by_place) != len(placed):
        return None
    if letters_are_rows or len(numbers) > len(letters):
        ordered = [by_place[letter, number] for letter in letters for number in numbers]
        return len(letters), len(numbers), ordered
    ordered = [by_place[letter, number] for number in numbers for letter in letters]
    return len(numbers), len(letters), ordered
