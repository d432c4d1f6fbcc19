"""Each supported kind of file is read with its content; others are refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.errors import DivereError
from divere_cli.image import header, reader
from tests.image.made import MADE, REFUSED_MADE, Made

DOC = Path(__file__).parents[2] / "docs/formats.md"


def named(made: Made) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", made.row)


def light(band: NDArray[np.generic]) -> NDArray[np.float64]:
    """Samples of 0 to 65535."""
    scale = {"uint8": 257.0, "uint16": 1.0, "float32": 65535.0}[band.dtype.name]
    return band.astype(np.float64) * scale


@pytest.mark.parametrize("made", MADE, ids=named)
@pytest.mark.parametrize("rows", [None, 1, 7])
def test_each_fixture_is_read_with_its_content(
    made: Made, rows: int | None, tmp_path: Path
) -> None:
    if rows is not None and made.file.endswith("c.raw"):
        pytest.skip("large; once is enough")
    data, want = made.build()
    path = tmp_path / made.file
    path.write_bytes(data)
    about = header.read(str(path))
    assert want is not None
    want = np.asarray(want, np.float64)
    want = want[:, :, None] if want.ndim == 2 else want
    assert (about.pictures, about.height, about.width) == (made.pictures, *want.shape[:2])
    with reader.open(str(path), about) as scan:
        bands = [band.copy() for _, band in scan.bands(rows)]
        assert all(band.dtype == np.dtype(scan.header.layout.dtype) for band in bands)
        got = np.concatenate([light(band) for band in bands])
        said = " ".join((*scan.header.warnings, *scan.warnings, *scan.header.notes))
        infrared = scan.infrared()
        assert (infrared is not None) == made.infrared
        assert infrared is None or sum(len(band) for _, band in infrared) == about.height
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=made.within)
    assert made.says in said
    if not made.says:
        assert about.warnings == ()


@pytest.mark.parametrize("made", REFUSED_MADE, ids=named)
def test_is_refused_by_name_with_a_cure(made: Made, tmp_path: Path) -> None:
    data, _ = made.build()
    (tmp_path / made.file).write_bytes(data)
    assert made.refused is not None
    with pytest.raises(DivereError, match=made.refused[1]) as caught:
        header.read(str(tmp_path / made.file))
    assert caught.value.kind == made.refused[0]
    assert caught.value.hint


def test_the_page_has_a_row_for_each_kind_and_no_other() -> None:
    tables = DOC.read_text("utf-8").split("\n| Kind | Test file |\n")[1:]
    shown = [
        [line for line in table.splitlines()[1:] if line.startswith("|")]
        for table in (each.split("\n\n")[0] for each in tables)
    ]
    wanted = [[f"| {made.row} | `{made.file}` |" for made in each] for each in (MADE, REFUSED_MADE)]
    assert shown == wanted
