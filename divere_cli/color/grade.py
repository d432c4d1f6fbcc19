"""The grade of a scan: compiled once, applied band by band.

Covers every sort of band the readers give, to 8 or 16 bits, with or without
dither. The same pixels come out however the picture is split into bands, and
threads may share a :class:`Grade`. Not covered: crop, rotation and files.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import chain, folding
from divere_cli.errors import Internal
from divere_cli.records import Recipe, Space

Band = npt.NDArray[Any]

# Rows are taken together up to here: what a step reads is still in the cache (1.5 MB).
CHUNK_PIXELS = 1 << 16
NOISE_TILE = 256


class Layout(Protocol):
    """What a band is made of; ``divere_cli.image.layout.Layout`` is one."""

    @property
    def channels(self) -> int: ...
    @property
    def bits(self) -> int: ...
    @property
    def sample(self) -> Literal["uint", "float"]: ...


class Grade:
    """A compiled grade. Make one with :func:`compile`.

    Attributes
    ----------
    channels : int
        Of the positive: 1 or 3.
    """

    def __init__(
        self, folded: folding.Folded, source: Layout, bit_depth: Literal[8, 16], dither: bool
    ) -> None:
        self.channels = 1 if folded.gray else 3
        self._folded = folded
        self._source = np.dtype(f"{source.sample}{source.bits}")
        self._target = np.dtype(f"uint{bit_depth}")
        self._one_channel = source.channels == 1
        self._top = float(2**bit_depth - 1)
        self._noise = _noise() if dither and bit_depth == 8 else None
        self.plan = chain.plan(folded, source.bits)
        result = np.dtype(np.float32) if self._noise is not None else self._target
        self._result = result
        self._processor = chain.processor(self.plan, self._source, result)
        self._codes: npt.NDArray[np.float64] | None = None
        if self._one_channel and source.sample == "uint":
            levels = np.linspace(0.0, 1.0, 1 << source.bits)
            self._codes = folded.encoded(np.repeat(levels[:, None], 3, axis=1))[:, 0] * self._top
            self._table = np.round(self._codes).astype(self._target)

    def apply(self, src: Band, out: Band, row: int = 0) -> None:
        """Grade a band.

        Parameters
        ----------
        src : ndarray, shape (rows, width, 1 or 3), uint8, uint16 or float32
            As the source layout says, C-contiguous.
        out : ndarray, shape (rows, width, channels), uint8 or uint16
            Written whole, C-contiguous.
        row : int
            Of the picture, where the band begins; places the dither.
        """
        self._check(src, out)
        step = max(1, CHUNK_PIXELS // max(1, src.shape[1]))
        for first in range(0, src.shape[0], step):
            part = slice(first, first + step)
            if self._codes is not None:
                self._look_up(src[part, :, 0], out[part, :, 0], row + first)
            else:
                self._grade(src[part], out[part], row + first)

    def _check(self, src: Band, out: Band) -> None:
        shape = (*src.shape[:2], self.channels)
        right = (
            src.dtype == self._source
            and out.dtype == self._target
            and src.shape[2:] == (1 if self._one_channel else 3,)
            and out.shape == shape
            and src.flags.c_contiguous
            and out.flags.c_contiguous
        )
        if not right:
            raise Internal(
                f"a band {src.shape} {src.dtype} to {out.shape} {out.dtype} does not fit a grade "
                f"of {self._source} to {self.channels} x {self._target}"
            )

    def _look_up(self, src: Band, out: Band, row: int) -> None:
        if self._noise is None:
            np.take(self._table, src, out=out, mode="clip")
        else:
            assert self._codes is not None
            self._dithered(self._codes[src][..., None], out[..., None], row)

    def _grade(self, src: Band, out: Band, row: int) -> None:
        rows, width = src.shape[:2]
        if self._source.kind == "f":
            src = _rgb(src)
        direct = self.channels == 3 and self._noise is None
        result = out if direct else np.empty((rows, width, 3), self._result)
        try:
            self._processor.apply(_described(src), _described(result))
        except PyOpenColorIO.Exception as error:
            raise Internal(f"OpenColorIO fails on a band: {error}") from error
        if self._noise is not None:
            self._dithered(result[..., : self.channels] * np.float32(self._top), out, row)
        elif not direct:
            np.copyto(out, result[..., :1])

    def _dithered(self, codes: Band, out: Band, row: int) -> None:
        assert self._noise is not None
        rows, width, channels = out.shape
        down = (row + np.arange(rows)) % NOISE_TILE
        across = np.arange(width) % NOISE_TILE
        noise = self._noise[down[:, None], across][..., :channels]
        np.copyto(out, np.clip(np.floor(codes + noise), 0.0, self._top), casting="unsafe")


def compile(  # noqa: A001 - the name that the rooms agreed on
    recipe: Recipe,
    output: Space,
    source: Layout,
    bit_depth: Literal[8, 16],
    dither: bool = False,
) -> Grade:
    """Compile a recipe for one sort of scan and one sort of positive.

    Parameters
    ----------
    recipe : Recipe
    output : Space
        Color space of the positive; a gray one makes it one channel.
    source : Layout
        ``sample`` ("uint" or "float"), ``bits`` and ``channels`` (1 or 3) of the bands.
    bit_depth : {8, 16}
    dither : bool
        Add noise of one code value before 8-bit positives are cut to whole ones.

    Raises
    ------
    ProfileError
        When the recipe's figures allow no grade.
    """
    folded = folding.fold(recipe, output, one_channel=source.channels == 1)
    return Grade(folded, source, bit_depth, dither)


def _described(band: Band) -> PyOpenColorIO.PackedImageDesc:
    rows, width, channels = band.shape
    size = band.itemsize
    return PyOpenColorIO.PackedImageDesc(
        band,
        width,
        rows,
        channels,
        chain.DEPTHS[band.dtype],
        size,
        size * channels,
        size * channels * width,
    )


def _rgb(src: Band) -> Band:
    """Three finite channels of float samples."""
    if src.shape[2] == 1:
        src = np.repeat(src, 3, axis=2)
    return folding.finite(src)


def _noise() -> npt.NDArray[np.float32]:
    """Even noise of 0..1, the same for ever: shape (256, 256, 3)."""
    bits = np.random.Generator(np.random.PCG64(20)).random((NOISE_TILE, NOISE_TILE, 3))
    return bits.astype(np.float32)
