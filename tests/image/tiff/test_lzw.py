"""LZW by libtiff: data of other encoders, and damage that must not end the process."""

from __future__ import annotations

import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.image.tiff import lzw

RNG = np.random.default_rng(11)


def packed(codes: list[int]) -> bytes:
    """Codes of 9 bits, most significant first, as TIFF stores them."""
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros(10_000, np.uint8),
        RNG.integers(0, 256, 100_000, dtype=np.uint8),
        RNG.integers(0, 3, 100_001, dtype=np.uint8),
        np.array([7], np.uint8),
    ],
    ids=["flat", "noise", "few", "one"],
)
def test_what_imagecodecs_encodes(picture: NDArray[np.uint8]) -> None:
    out = np.empty_like(picture)
    assert lzw.decode(imagecodecs.lzw_encode(picture.tobytes()), out) is out
    np.testing.assert_array_equal(out, picture)


def test_data_may_be_longer_than_what_is_wanted() -> None:
    picture = RNG.integers(0, 9, 1000, dtype=np.uint8)
    out = np.empty(600, np.uint8)
    lzw.decode(imagecodecs.lzw_encode(picture.tobytes()), out)
    np.testing.assert_array_equal(out, picture[:600])


@pytest.mark.parametrize("left", [0, 1, 10, 50, 90, 99])
def test_data_that_ends_early_is_an_error(left: int) -> None:
    data = imagecodecs.lzw_encode(RNG.integers(0, 256, 5000, dtype=np.uint8).tobytes())
    with pytest.raises(imagecodecs.TiffError):
        lzw.decode(data[: len(data) * left // 100], np.empty(5000, np.uint8))


@pytest.mark.parametrize(
    "codes",
    [
        [256, 396, 258, 0, 1, 44, 257],
        [256, 396, *[1] * 80, 257],
        [256, 258, 257],
        [256, 1, 2, 300, 257],
    ],
)
def test_an_lzw_code_that_is_not_in_the_table_is_an_error(codes: list[int]) -> None:
    with pytest.raises(imagecodecs.TiffError):
        lzw.decode(packed(codes), np.empty(50, np.uint8))


def test_damage_ends_no_process() -> None:
    script = """
import imagecodecs, numpy, random
from divere_cli.image.tiff import lzw
rng = numpy.random.default_rng(1)
whole = imagecodecs.lzw_encode(rng.integers(0, 30, 2880, dtype='u1').tobytes())
for n in range(20000):
    random.seed(n)
    data = bytearray(whole)
    for _ in range(random.choice((1, 2, 8))):
        data[random.randrange(random.choice((4, len(data))))] = random.randrange(256)
    try:
        lzw.decode(data, numpy.empty(2880, 'u1'))
    except imagecodecs.TiffError:
        pass
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
