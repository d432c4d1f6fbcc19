"""``--flat-field`` beside the same run without it; looking for frames beside decoding the strip."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from bench.timing import Row, divere
from divere_cli.frames import detect, picture
from divere_cli.image import reader
from tests.develop.lights import dusty, falloff
from tests.frames.strips import Spec, draw

REPEATS = 7


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """A frame with and without its flat field in turn; a strip of six pictures."""
    yield from _flat_field(scratch, quick=quick)
    yield from _frames(scratch, quick=quick)


def _flat_field(scratch: Path, *, quick: bool) -> Iterator[Row]:
    down, across = (600, 900) if quick else (4000, 6000)
    folder = scratch / "flat-field"
    folder.mkdir()
    rng = np.random.default_rng(18)
    light = falloff(across // 4, down // 4, 1.5, rng)
    _save(scratch / "light.tif", dusty(light, rng))
    density = 0.2 + 0.5 * rng.random((down // 4, across // 4, 3))
    scan = (light * 10.0**-density).repeat(4, 0).repeat(4, 1)
    _save(folder / "scan.tif", scan[:down, :across])
    ways = {"without": (), "with": ("--flat-field", str(scratch / "light.tif"))}
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    wall: dict[str, list[float]] = {way: [] for way in ways}
    peaks: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(2 if quick else REPEATS):
        for way, options in ways.items():
            file = _run(folder, scratch, options)
            cpu[way].append(file["cpu_seconds"])
            wall[way].append(file["seconds"])
            peaks[way].append(file["peak_rss_bytes"])
    ratio = statistics.median(cpu["with"]) / statistics.median(cpu["without"])
    slower = statistics.median(wall["with"]) / statistics.median(wall["without"])
    more = (statistics.median(peaks["with"]) - statistics.median(peaks["without"])) / 1e6
    yield Row(
        "--flat-field, 24-megapixel frame",
        "at most 1.20 times, 10 MB more",
        f"{ratio:.2f} times, {more:.0f} MB more",
        ratio <= 1.20 and more <= 10,
        f"processor time and peak memory of the worker against the same run without; {slower:.2f} "
        "times in seconds. The light itself is measured once a run",
    )


def _frames(scratch: Path, *, quick: bool) -> Iterator[Row]:
    scan = draw(Spec(count=2 if quick else 6, seed=18, scale=10.0, turn=0.6), [])
    by = 1 if quick else 5
    path = scratch / "strip.tif"
    tifffile.imwrite(path, scan.pixels.repeat(by, 0).repeat(by, 1), photometric="rgb")
    decoded: list[float] = []
    looked: list[float] = []
    for _ in range(2 if quick else REPEATS):
        begin = time.process_time()
        with reader.open(str(path)) as file:
            for _, _ in file.bands():
                pass
            header = file.header
        decoded.append(time.process_time() - begin)
        begin = time.process_time()
        with reader.open(str(path)) as file:
            cells = picture.Reduction(header.width, header.height, header.channels)
            for first, band in file.bands():
                cells.add(first, np.multiply(band, np.float32(1 / 65535), dtype=np.float32))
        light = cells.light
        found = detect.find(picture.coarser(light, picture.fitting(light)))
        looked.append(time.process_time() - begin)
        assert len(found.pictures) == scan.spec.count
    beside = statistics.median(looked) - statistics.median(decoded)
    size = header.width * header.height / 1e6
    yield Row(
        f"divere frames, strip of {size:.0f} megapixels",
        "at most 1.0 s beside its decode",
        f"{beside:.2f} s",
        beside <= 1.0,
        "processor time; any format",
    )


def _save(path: Path, light: np.ndarray) -> None:
    codes = np.round(np.clip(light, 0, 1) * 65535).astype(np.uint16)
    tifffile.imwrite(path, codes, photometric="rgb")


def _run(folder: Path, scratch: Path, options: tuple[str, ...]) -> dict[str, float]:
    report = scratch / "flat-field.json"
    divere(
        "batch", folder, scratch / "flat-field-out", "-q", "--auto", "off", "--force",
        "--overwrite", "--isolation", "always", "--report", report, *options,
    )  # fmt: skip
    return dict(json.loads(report.read_text())["files"][0])
