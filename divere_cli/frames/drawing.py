"""A picture of what was found: the scan, small and light, with its frames drawn on it.

Covers lines and numbers drawn on an array, and the JPEG or PNG of it. Green is sure,
red is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames.layout import Result
from divere_cli.image import icc, preview
from divere_cli.records.grade import Space

SURE, UNSURE = (60, 230, 90), (255, 70, 60)
LONGEST = 1600
MOST_BYTES = 600_000  # it comes back in a message of 1 MiB, as text
SRGB = Space("sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290), 2.2)
DIGITS = {
    "0": "757557",
    "1": "262227",
    "2": "717447",
    "3": "717117",
    "4": "557111",
    "5": "747117",
    "6": "747557",
    "7": "711222",
    "8": "757557",
    "9": "757117",
}


def drawn(light: NDArray[np.float32], result: Result, form: str) -> bytes:
    """Give a picture as a file's bytes.

    Parameters
    ----------
    light : ndarray
        ``(rows, columns, 1 or 3)`` linear light that ``result`` is of.
    result : Result
    form : {"jpg", "png"}
    """
    by = max(1, -(-max(light.shape[:2]) // LONGEST))
    while True:
        data = _drawn(light, result, form, by)
        if len(data) <= MOST_BYTES:
            return data
        by += 1


def _drawn(light: NDArray[np.float32], result: Result, form: str, by: int) -> bytes:
    part = light[: light.shape[0] // by * by : by, : light.shape[1] // by * by : by]
    codes = np.clip(part, 0.0, 1.0) ** (1 / 2.2) * 255
    rgb = np.repeat(codes, 3, axis=2) if codes.shape[2] == 1 else codes
    canvas = np.rint(rgb).astype(np.uint8)
    for number, picture in enumerate(result.pictures, 1):
        color = SURE if picture.sure else UNSURE
        corners = np.clip(picture.corners / by, 0, np.array(canvas.shape[1::-1]) - 1)
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            _line(canvas, start, end, color)
        _number(canvas, number, corners.min(axis=0) + 6, color)
    profile = icc.profile(SRGB, False)
    if form == "png":
        return preview.png(canvas, profile)
    return preview.fine_jpeg(canvas, profile)


def _line(
    canvas: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    color: tuple[int, int, int],
) -> None:
    steps = int(np.abs(end - start).max()) + 1
    x, y = (np.rint(np.linspace(a, b, steps)).astype(int) for a, b in zip(start, end, strict=True))
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        rows = np.clip(y + dy, 0, canvas.shape[0] - 1)
        columns = np.clip(x + dx, 0, canvas.shape[1] - 1)
        canvas[rows, columns] = color


def _number(
    canvas: NDArray[np.uint8], number: int, at: NDArray[np.float64], color: tuple[int, int, int]
) -> None:
    """Digits of 3 by 6 squares."""
    side = max(2, canvas.shape[1] // 500)
    left, top = int(at[0]), int(at[1])
    for digit in str(number):
        for row, bits in enumerate(DIGITS[digit]):
            for column in range(3):
                if int(bits) >> (2 - column) & 1:
                    y, x = top + row * side, left + column * side
                    canvas[y : y + side, x : x + side] = color
        left += 4 * side
