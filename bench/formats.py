"""What the second reader costs beside tifffile's own read and the grade of a plain TIFF."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from bench.timing import Row, divere, medians

LIMIT = 1.5
KINDS: dict[str, tuple[Callable[[NDArray[np.uint16]], NDArray[Any]], dict[str, Any]]] = {
    "32-bit integers, deflate with predictor": (
        lambda a: a.astype(np.uint32) * np.uint32(65537),
        {"compression": "zlib", "predictor": 2},
    ),
    "64-bit float": (lambda a: a / 65535, {}),
    "LERC": (lambda a: a, {"compression": "lerc"}),
    "LZMA": (lambda a: a, {"compression": "lzma"}),
}


def picture(megapixels: float) -> NDArray[np.uint16]:
    """A negative with grain, 3:2."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5)
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:height, 0 : height * 3 // 2].astype(np.float32) / height
    planes = [0.5 + 0.3 * np.sin(4 * x + k) * np.cos(5 * y) for k in range(3)]
    made = np.stack(planes, -1) + rng.normal(0, 0.01, (*x.shape, 3)).astype(np.float32)
    return (made.clip(0.02, 0.98) * 65535).astype(np.uint16)


def rows(scratch: Path, *, quick: bool) -> list[Row]:
    """One line a kind: the time of a whole batch of one scan, and what it is held against."""
    megapixels, repeats = (1.5, 1) if quick else (24, 3)
    stored = picture(megapixels)
    plain = scratch / "formats-plain.tif"
    options: dict[str, Any] = {"photometric": "rgb", "metadata": None, "rowsperstrip": 64}
    tifffile.imwrite(plain, stored, **options)
    out = scratch / "formats-out"
    found = []
    for name, (change, how) in KINDS.items():
        path = scratch / "formats-other.tif"
        tifffile.imwrite(path, change(stored), **options, **how)
        words = ("--auto", "off", "-q", "--force")
        works: dict[str, Callable[[], object]] = {
            "divere": partial(divere, "batch", path, out, *words),
            "plain": partial(divere, "batch", plain, out, *words),
            "tifffile": partial(tifffile.imread, path),
        }
        taken = medians(works, repeats)
        beside = taken["plain"] + taken["tifffile"]
        ratio = taken["divere"] / beside
        found.append(
            Row(
                f"{megapixels:g} megapixels by the second reader: {name}",
                f"{LIMIT} of tifffile's read and our grade",
                f"{ratio:.2f}",
                ratio <= LIMIT,
                f"{taken['divere']:.1f} s beside {beside:.1f} s",
            )
        )
    for path in (plain, scratch / "formats-other.tif"):
        path.unlink()
    shutil.rmtree(out)
    return found
