"""Reads linear DNG as a TIFF, in bands and without LibRaw.

Covers the white balance that a preset asks for; black, white, linearization and
crop are in :mod:`divere_cli.image.codes`, strips and tiles are TIFF's. LibRaw
takes three black levels for ``[b, b, b, 0]`` and the picture is wrong then by up
to 2,051 of 65535, in silence. Not covered: mosaics
(:mod:`divere_cli.image.raw.reader`) and the color of the camera: the preset's
input space says what its RGB means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from divere_cli.errors import Unsupported
from divere_cli.image.ifd.reader import parse
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Header
from divere_cli.image.reader import Band
from divere_cli.image.source import Source
from divere_cli.image.tiff.reader import TiffReader
from divere_cli.records.grade import WhiteBalance

Balance = tuple[float, float, float]


class LinearReader(TiffReader):
    """A linear DNG that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, path: str, header: Header, balance: Balance | None) -> None:
        super().__init__(path, header)
        self._balance = balance

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        for first, band in super().bands(rows):
            if self._balance is not None and band.shape[2] == 3:
                light = band * np.array(self._balance, np.float32)
                band[:] = light if band.dtype.kind == "f" else np.rint(light)
            yield first, band


def open_reader(path: str, header: Header, white_balance: WhiteBalance = "off") -> LinearReader:
    """Open a linear DNG; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    white_balance : WhiteBalance, default 'off'
        ``off`` or ``as_shot``.

    Raises
    ------
    Unsupported
        The file has no white balance and ``white_balance`` asks for it.
    """
    balance = _as_shot(path) if white_balance == "as_shot" else None
    balance_text = "off"
    if balance is not None:
        balance_text = "as shot (red {:.4g}, green {:.4g}, blue {:.4g})".format(*balance)
    note = f"camera raw: linear camera color, white balance {balance_text}"
    return LinearReader(path, replace(header, notes=(*header.notes, note)), balance)


def _as_shot(path: str) -> Balance:
    """Return the camera's neutral as gains; the strongest channel keeps its values."""
    with Source(path) as source:
        tiff = parse(source)
        tag = tiff.directory(tiff.first).entries.get(TiffTag.AS_SHOT_NEUTRAL)
        neutral = tiff.values(tag, 3) if tag else ()
    if len(neutral) != 3 or not all(math.isfinite(value) and value > 0 for value in neutral):
        raise Unsupported(
            "this raw file has no white balance from the camera",
            hint='set "camera_white_balance" to "off" in the preset',
        )
    red, green, blue = (min(neutral) / float(value) for value in neutral)
    return red, green, blue
