"""A positive written as a batch would: some rows at a time, into a file that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from divere_cli.image import writer
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.parallel import Parallel
from divere_cli.records.job import Encoding
from divere_cli.records.outcome import Written

PLAIN = PictureMetadata()


def write(
    path: Path,
    encoding: Encoding,
    picture: NDArray[Any],
    rows: int,
    given: PictureMetadata = PLAIN,
    parallel: Parallel | None = None,
) -> Written:
    """Write ``picture``, (height, width, channels), ``rows`` at a time."""
    path.touch()
    height, width, channels = picture.shape
    with writer.open(str(path), encoding, width, height, channels, given) as out:
        if parallel is not None:
            out.share(parallel)
        for first in range(0, height, rows):
            out.write(picture[first : first + rows])
        done = out.close()
    assert done == Written("", path.stat().st_size, width, height, channels)
    return done
