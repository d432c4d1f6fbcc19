"""The grade of a scan: compiled once, applied band by band.

Covers every type of band that the readers return, to 8 or 16 bits, with or without dither, or to
float32. The same pixels come out however the picture is split into bands, and threads may share a
:class:`Grade`. Not covered: crop, rotation and files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from divere_cli.color import bands, dither, exact, log_encoding, ocio
from divere_cli.color.refinement import PIECE, Refinement
from divere_cli.errors import Internal
from divere_cli.records.grade import Recipe, Space

Band = npt.NDArray[Any]
Precision = Literal["table", "float32", "float64"]
BitDepth = Literal[8, 16, 32]  # 32: encoded values of 0..1, as float32

# Most pixels in one piece: the output of a step is still in the cache for the next step.
CHUNK_PIXELS = 1 << 17


class Layout(Protocol):
    """The sample format of a band; ``divere_cli.image.layout.Layout`` is one."""

    @property
    def channels(self) -> int: ...
    @property
    def bits(self) -> int: ...
    @property
    def sample(self) -> Literal["uint", "float"]: ...

    def __hash__(self) -> int: ...


class Grade:
    """A compiled grade. Make one with :func:`compile`.

    Attributes
    ----------
    channels : int
        Of the positive: 1 or 3.
    dtype : numpy.dtype
        Of the positive's samples.
    precision : {"table", "float32", "float64"}
        How pixels are computed: looked up in a table of all code values, in
        float32 (with the pixels that float32 gets wrong in float64), or all in
        float64, which takes ten times as long and serves extreme presets.
    """

    def __init__(
        self,
        exact_grade: exact.ExactGrade,
        source: Layout,
        bit_depth: BitDepth,
        dithered: bool,
    ) -> None:
        self.channels: Literal[1, 3] = 1 if exact_grade.gray else 3
        self.precision: Precision = "float32"
        self._exact = exact_grade
        self._levels = bands.Levels(f"{source.sample}{source.bits}")
        self._one_channel = source.channels == 1
        self.dtype = self._target = np.dtype(np.float32 if bit_depth == 32 else f"uint{bit_depth}")
        self._top = 1.0 if bit_depth == 32 else float(2**bit_depth - 1)
        self._noise = dither.Noise() if dithered and bit_depth == 8 else None
        if self._one_channel and source.sample == "uint":
            self._prepare_table(source.bits)
        else:
            self._prepare_chain(source.bits, bit_depth)

    def _prepare_table(self, bits: int) -> None:
        self.precision = "table"
        levels = np.linspace(0.0, 1.0, 1 << bits)
        self._values = self._exact.encoded(np.repeat(levels[:, None], 3, axis=1))
        codes = self._values[:, 0] * self._top
        self._codes = (codes if self._target.kind == "f" else codes.round()).astype(self._target)

    def _prepare_chain(self, bits: int, bit_depth: int) -> None:
        plan = ocio.plan(self._exact, bits, bit_depth)
        # OpenColorIO writes code values directly if no further step follows.
        self._direct = self.channels == 3 and self._noise is None
        if not plan.accuracy.float32:
            self.precision = "float64"
            return
        reads = self._levels.dtype
        self._ready: Callable[[Band], Band] = self._levels.clean
        if plan.reads == "logarithms":
            reads = np.dtype(np.float32)
            self._ready = log_encoding.Logarithms(self._exact, self._levels).of
        result = self._target if self._direct else np.dtype(np.float32)
        self._processor = ocio.processor(plan.transform, reads, result)
        self._refinement = Refinement(self._exact, plan, self._levels, result)
        self._luminance = ocio.processor(ocio.luminance(), np.float32, np.float32)

    def apply(self, src: Band, out: Band, row: int = 0) -> None:
        """Grade a band.

        Parameters
        ----------
        src : ndarray, shape (rows, width, 1 or 3), uint8, uint16 or float32
            As the source layout says, C-contiguous.
        out : ndarray, shape (rows, width, channels), uint8, uint16 or float32
            Written whole, C-contiguous.
        row : int
            Of the picture, where the band begins; places the dither.

        Raises
        ------
        Internal
            When a band is not what the grade was compiled for.
        """
        self._check(src, out)
        pixels = PIECE if self.precision == "float64" else CHUNK_PIXELS
        step = max(1, pixels // max(1, src.shape[1]))
        for first in range(0, src.shape[0], step):
            part = slice(first, first + step)
            self._chunk(src[part], out[part], row + first)

    def _check(self, src: Band, out: Band) -> None:
        right = (
            src.dtype == self._levels.dtype
            and out.dtype == self._target
            and src.shape[2:] == ((1,) if self._one_channel else (3,))
            and out.shape == (*src.shape[:2], self.channels)
            and src.flags.c_contiguous
            and out.flags.c_contiguous
        )
        if not right:
            raise Internal(
                f"a band {src.shape} {src.dtype} to {out.shape} {out.dtype} does not fit a grade "
                f"of {self._levels.dtype} to {self.channels} x {self._target}"
            )

    def _chunk(self, src: Band, out: Band, row: int) -> None:
        if self.precision == "table" and self._noise is None:
            np.take(self._codes, src, out=out, mode="clip")
        elif self.precision == "table":
            self._finish(self._values[src[..., 0]], out, row)
        elif self.precision == "float64":
            x = self._levels.of(_rgb(src)).reshape(-1, 3)
            self._finish(self._exact.encoded(x).reshape(out.shape), out, row)
        elif self._direct:
            self._convert(src, out)
        else:
            # Copying three of four floats is slow (5 ns), copying one is not.
            rgb = np.empty((*src.shape[:2], 4 if self.channels == 1 else 3), np.float32)
            self._convert(_rgb(src), rgb)
            if self.channels == 1:
                bands.run(self._luminance, rgb, rgb)
            self._finish(rgb[..., : self.channels], out, row)

    def _convert(self, src: Band, result: Band) -> None:
        read = self._ready(src)
        bands.run(self._processor, read, result)
        self._refinement.settle(src, read, result)

    def _finish(self, values: Band, out: Band, row: int) -> None:
        """Convert encoded values of 0..1 to code values, rounded once."""
        if self._target.kind == "f":
            np.copyto(out, values, casting="same_kind")
            return
        codes = values * values.dtype.type(self._top)
        if self._noise is None:
            np.copyto(out, np.rint(codes), casting="unsafe")
        else:
            np.copyto(out, self._noise.quantized(codes, row, self._top), casting="unsafe")


def compile(  # noqa: A001 - the name that the rooms agreed on
    recipe: Recipe,
    output: Space,
    source: Layout,
    bit_depth: BitDepth,
    dither: bool = False,
) -> Grade:
    """Compile a recipe for one type of scan and one type of positive.

    Parameters
    ----------
    recipe : Recipe
    output : Space
        Color space of the positive; a gray one makes it one channel.
    source : Layout
        ``sample`` ("uint" or "float"), ``bits`` and ``channels`` (1 or 3) of the bands.
    bit_depth : {8, 16, 32}
        32: float32, the encoded values of 0..1 that 16 bits round.
    dither : bool
        Add noise of one code value before 8-bit positives are cut to whole ones.

    Raises
    ------
    ProfileError
        When the recipe's figures allow no grade.
    """
    return _compiled(recipe, output, source, bit_depth, dither)


@functools.lru_cache(maxsize=8)
def _compiled(
    recipe: Recipe, output: Space, source: Layout, bit_depth: BitDepth, dither: bool
) -> Grade:
    """Return a cached grade: compiling takes 7 to 25 ms, as long as a small scan itself."""
    exact_grade = exact.fold(recipe, output, one_channel=source.channels == 1)
    return Grade(exact_grade, source, bit_depth, dither)


def _rgb(src: Band) -> Band:
    return np.repeat(src, 3, axis=2) if src.shape[2] == 1 else src
