"""Each row of the table of formats, on a file that another program wrote."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.errors import Unsupported
from divere_cli.image import header, reader, writer
from divere_cli.image.layout import PictureMetadata
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from tests.image import foreign
from tests.image.foreign import CASES, FIXTURES, REFUSED, WRITTEN, Case, Refused, Written, truth

DOC = Path(__file__).parents[2] / "docs/formats.md"


def named(item: Case | Refused | Written) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", item.row)


def joined(bands: object) -> NDArray[np.generic]:
    return np.concatenate([band.copy() for _, band in bands])  # type: ignore[attr-defined]


def check(case: Case, path: Path) -> None:
    about = header.read(str(path))
    for name, value in case.facts.items():
        assert getattr(about, name) == value, name
    want = truth(case.truth).astype(np.float64) / case.scale
    assert (about.height, about.width) == want.shape[:2]
    for rows in (None, 1, 7):
        with reader.open(str(path), about) as scan:
            got = joined(scan.bands(rows))
            assert got.dtype == np.dtype(about.layout.dtype)
            assert got.shape == want.shape
            np.testing.assert_allclose(got.astype(np.float64), want, rtol=0, atol=case.tolerance)
            assert scan.warnings == ()
            infrared = scan.infrared()
            assert (infrared is not None) == case.infrared
            if infrared is not None:
                np.testing.assert_array_equal(joined(infrared), truth("gray16"))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_is_read_as_it_was_written(case: Case) -> None:
    check(case, FIXTURES / case.file)


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_is_refused_with_the_reason(case: Refused) -> None:
    with pytest.raises(Unsupported, match=re.escape(case.says)) as caught:
        header.read(str(FIXTURES / case.file))
    assert caught.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=named)
def test_is_read_when_made_by_the_program_that_is_here(case: Case, tmp_path: Path) -> None:
    if missing := foreign.missing(case):
        pytest.skip(f"not here: {', '.join(missing)}")
    check(case, foreign.make(case, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_is_refused_when_made_by_the_program_that_is_here(case: Refused, tmp_path: Path) -> None:
    if missing := foreign.missing(case):
        pytest.skip(f"not here: {', '.join(missing)}")
    with pytest.raises(Unsupported, match=re.escape(case.says)):
        header.read(str(foreign.make(case, tmp_path)))


def pixmap(data: bytes) -> NDArray[np.generic]:
    stream = io.BytesIO(data)
    fields: list[bytes] = []
    while len(fields) < 4:
        line = stream.readline()
        fields += [] if line.startswith(b"#") else line.split()
    width, height, most = (int(value) for value in fields[1:])
    kind = ">u2" if most > 255 else "u1"
    pixels = np.frombuffer(stream.read(), kind)
    return pixels.reshape(height, width, -1)


@pytest.mark.slow
@pytest.mark.parametrize("case", WRITTEN, ids=named)
def test_other_programs_read_what_divere_writes(case: Written, tmp_path: Path) -> None:
    picture = truth(f"{'rgb' if case.channels == 3 else 'gray'}{case.bits}")
    picture = np.ascontiguousarray(picture.astype(f"uint{case.bits}"))
    path = tmp_path / f"out.{case.format}"
    path.touch()
    space = Space("sRGB", ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3127, 0.329), 2.2)
    encoding = Encoding(case.format, case.bits, space, case.compression, 98)  # type: ignore[arg-type]
    given = PictureMetadata()
    size = (foreign.WIDTH, foreign.HEIGHT, case.channels)
    with writer.open(str(path), encoding, *size, given) as out:
        out.write(picture)
        out.close()
    kind = "ppm" if case.channels == 3 else "pgm"
    ran = 0
    for command in case.readers:
        if not foreign.available(command.split()[0]):
            continue
        done = subprocess.run(
            command.format(file=path, kind=kind), shell=True, cwd=tmp_path, check=True,
            capture_output=True,
        )  # fmt: skip
        assert done.stderr == b""
        got = pixmap(done.stdout)
        tolerance = 12 if case.format == "jpeg" else 0
        np.testing.assert_allclose(got.astype(int), picture.astype(int), rtol=0, atol=tolerance)
        ran += 1
    if not ran:
        pytest.skip("none of the programs is here")


def test_the_fixtures_are_those_of_the_table_and_small() -> None:
    listed = {case.file for case in (*CASES, *REFUSED)} | {"README.md"}
    assert {path.name for path in FIXTURES.iterdir()} == listed
    assert all(path.stat().st_size < 20_000 for path in FIXTURES.iterdir())
    assert (FIXTURES / "README.md").read_text("utf-8") == foreign.readme()


def rows(heading: str) -> list[list[str]]:
    """Cells of the table under a heading of docs/formats.md."""
    section = DOC.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    section = section.split("\n| Kind | Test file |\n")[0]  # of tests/image/test_made.py
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_has_a_row_for_each_test_and_no_other() -> None:
    assert [tuple(row) for row in rows("What is read")] == [
        (case.row, case.program, f"`{case.file}`") for case in CASES
    ]
    assert [tuple(row) for row in rows("What is refused")] == [
        (case.row, case.program, f"`{case.file}`") for case in REFUSED
    ]
    assert [row[0] for row in rows("What is written")] == [case.row for case in WRITTEN]
