"""Where the first and the second reader can both read a TIFF, they give the same samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.image import header
from divere_cli.image.layout import Page
from divere_cli.image.other.segments import OtherSegments
from divere_cli.image.source import Source
from divere_cli.image.tiff.checks import streams
from divere_cli.image.tiff.segments import Segments
from tests.image.foreign import CASES, FIXTURES
from tests.image.made import MADE
from tests.image.test_made import named
from tests.image.tiff.test_segments import STORED, stored

KINDS = [*STORED, *(case.file for case in CASES), *(named(made) for made in MADE)]


def file_of(kind: str, folder: Path) -> Path:
    if kind in STORED:
        stored(folder / "a.tif", kind)
        return folder / "a.tif"
    if (FIXTURES / kind).exists():
        return FIXTURES / kind
    made = next(made for made in MADE if named(made) == kind)
    path = folder / made.file
    path.write_bytes(made.build()[0])
    return path


def samples(segments: Segments, page: Page) -> list[NDArray[Any]]:
    found = []
    for index in range(page.segments):
        shape = (segments.rows_of(index), page.segment_width, segments.samples)
        out = np.empty(shape, segments.dtype)
        segments.read(index, out)
        found.append(out)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_both_readers_give_the_same_samples(kind: str, tmp_path: Path) -> None:
    path = file_of(kind, tmp_path)
    about = header.read(str(path))
    if about.page is None or about.compression == "raw" or not streams(about.page):
        pytest.skip("only one of them reads it")
    with Source(str(path)) as source:
        first = Segments(source, about.page, about.big_endian)
        second = OtherSegments(source, about.page, about.big_endian)
        for one, other in zip(samples(first, about.page), samples(second, about.page), strict=True):
            np.testing.assert_array_equal(one, other)
