"""Impossible values of TIFF tags are named in a warning."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.errors import ScanError
from divere_cli.image import header, reader


@pytest.mark.parametrize("planar", [0, 150, 255])
def test_an_invalid_planar_configuration_is_a_warning(planar: int, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((8, 6, 3), 9000, np.uint16), photometric="rgb")
    assert header.read(str(path), 10_000).warnings == ()
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[284].valueoffset  # type: ignore[union-attr]
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, at, planar)
    path.write_bytes(data)
    (warning,) = header.read(str(path), 10_000).warnings
    assert warning == f"PlanarConfiguration is {planar}; samples are taken as interleaved"


@pytest.mark.parametrize("predictor", [4, 7])
def test_a_predictor_that_is_not_known_is_never_read_as_none(
    predictor: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    pixels = np.full((8, 6, 3), 9000, np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb", compression="deflate", predictor=2)
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[317].valueoffset  # type: ignore[union-attr]
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, at, predictor)
    path.write_bytes(data)
    with pytest.raises(ScanError, match="predictor"):
        reader.open(str(path), header.read(str(path), 10_000))
