"""``--ir repair`` beside the same run without, on one frame: processor time and peak memory."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from bench.timing import Row, divere
from tests.infrared.simulator import Film, scan

REPEATS = 5
# a part that is repeated, with the dust of a frame that was kept well and of one that was not
DUSTS = (("170 places", 60, 4, 1), ("800 places", 250, 20, 6))


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """One frame for each amount of dust, without and with the repair in turn."""
    down, across = (600, 900) if quick else (2400, 3600)
    for name, specks, hairs, scratches in DUSTS:
        film = Film(down, across, specks, hairs, scratches, shift=(1.3, -0.7))
        folder = scratch / f"infrared-{specks}"
        _write(folder / "scan.tif", film)
        seconds: dict[str, list[float]] = {"drop": [], "repair": []}
        peaks: dict[str, int] = {}
        for _ in range(2 if quick else REPEATS):
            for way, taken in seconds.items():
                file = _run(folder, scratch, way)
                taken.append(file["cpu_seconds"])
                peaks[way] = file["peak_rss_bytes"]
        ratio = statistics.median(seconds["repair"]) / statistics.median(seconds["drop"])
        more = (peaks["repair"] - peaks["drop"]) / 1e6
        yield Row(
            f"--ir repair, 24-megapixel frame with {name}",
            "at most 1.8 times, 60 MB more",
            f"{ratio:.2f} times, {more:.0f} MB more",
            ratio <= 1.8 and more <= 60,
            "processor time and peak memory of the worker, against the same run without",
        )


def _write(path: Path, film: Film) -> None:
    path.parent.mkdir()
    made = scan(film, 77)
    rest = ((0, film.height * 2 // 3), (0, film.width * 2 // 3), (0, 0))
    # repeated, not mirrored: infrared lies to the same side everywhere
    color, infrared = (np.pad(plane, rest, mode="wrap") for plane in (made.rgb, made.infrared))
    with tifffile.TiffWriter(path) as file:
        for page, kind in ((color, "rgb"), (infrared[..., 0], "minisblack")):
            file.write(page, photometric=kind, software="SilverFast 8.8", metadata=None)


def _run(folder: Path, scratch: Path, way: str) -> dict[str, float]:
    report = scratch / "infrared.json"
    divere(
        "batch", folder, scratch / "infrared-out", "-q", "--auto", "off", "--ir", way, "--force",
        "--overwrite", "--isolation", "always", "--report", report,
    )  # fmt: skip
    return dict(json.loads(report.read_text())["files"][0])
