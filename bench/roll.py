"""A roll of large frames: divere, its peers, the floor; codecs."""

from __future__ import annotations

import functools
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from bench import peers
from bench.timing import Row, divere, medians, seconds
from divere_cli.profile import library, resolve

PROFILE = "c41-endura-premier"
SPACE = "KodakEnduraPremier_gamma_2_2"
REPEATS = 3


def negatives(scratch: Path, count: int, megapixels: float) -> Path:
    """A roll of ``count`` frames of 3:2; a sample negative laid side by side until it is filled."""
    folder = scratch / f"roll-{megapixels:g}-{count}"
    if not folder.exists():
        tile = sample(scratch)
        height = round((megapixels * 1e6 / 1.5) ** 0.5)
        width = round(height * 1.5)
        folder.mkdir()
        first = folder / "00.tif"
        options = {"photometric": "rgb", "bigtiff": width * height * 6 > 4_000_000_000}
        frame = tifffile.memmap(first, shape=(height, width, 3), dtype=np.uint16, **options)
        columns = np.arange(width) % tile.shape[1]
        for row in range(height):
            frame[row] = tile[row % tile.shape[0], columns]
        del frame
        for number in range(1, count):
            shutil.copyfile(first, folder / f"{number:02}.tif")
    return folder


def sample(scratch: Path) -> np.ndarray:
    """One synthetic negative of 6 megapixels, as an array."""
    made = scratch / "made"
    if not made.exists():
        divere("samples", made, "--count", "1", "--megapixels", "6")
    return tifffile.imread(next(made.rglob("*.tif")))


def each(job: peers.Job, source: Path, target: Path) -> Callable[[], None]:
    """``job`` over all frames of ``source``, one after the other."""

    def work() -> None:
        target.mkdir(exist_ok=True)
        for frame in sorted(source.iterdir()):
            job(frame, target / frame.name)

    return work


def batch(source: Path, out: Path, *words: str) -> Callable[[], object]:
    return lambda: divere("batch", source, out, "-q", "--profile", PROFILE, *words)


def noted(
    work: Callable[[], object], out: Path, kept: dict[str, float], name: str
) -> Callable[[], None]:
    """``work``, and the CPU seconds of a frame by its report."""

    def run() -> None:
        work()
        files = json.loads((out / "divere-report.json").read_text())["files"]
        kept[name] = statistics.median(file["cpu_seconds"] for file in files)

    return run


START = """
import sys, time
from divere_cli.isolation.task import WARM
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.factory import open_runner
begin = time.perf_counter()
if sys.argv[1] == "always":
    open_runner(IsolationRequest("always"), print).close()
else:
    list(map(__import__, WARM))
print(time.perf_counter() - begin)
"""


def start_note(roll_seconds: float, cpu: dict[str, float]) -> str:
    """What isolation costs once a run, and for each frame."""

    def begin(isolation: str) -> float:
        words = [sys.executable, "-c", START, isolation]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return float(done.stdout)

    starts = {name: [begin(name) for _ in range(REPEATS)] for name in ("always", "never")}
    always, never = (statistics.median(starts[name]) for name in ("always", "never"))
    return (
        f"once a run: {always:.2f} s until a worker is ready, {never:.2f} s to import the same "
        f"with `never`, {(always - never) / roll_seconds:+.1%} of this roll; CPU time of a frame: "
        f"{cpu['always'] * 1000:.0f} ms against {cpu['never'] * 1000:.0f} ms"
    )


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """The roll of 12 frames with its peers."""
    count, megapixels = (2, 1) if quick else (12, 24)
    source, out = negatives(scratch, count, megapixels), scratch / "out"
    clear = functools.partial(shutil.rmtree, out, ignore_errors=True)
    cpu: dict[str, float] = {}
    works: dict[str, Callable[[], object]] = {
        "always": noted(batch(source, out, "--isolation", "always"), out, cpu, "always"),
        "never": noted(batch(source, out, "--isolation", "never"), out, cpu, "never"),
        "floor": each(peers.copy, source, out),
    }
    recipe = resolve.recipe(library.load(PROFILE))
    vips = peers.vips_grade(recipe, library.output_space(SPACE))
    if vips is not None:
        works["pyvips"] = each(vips, source, out)
    taken = {k: v / count for k, v in medians(works, REPEATS, before=clear).items()}
    clear()
    ours, floor = taken["always"], taken["floor"]
    frame = f"{megapixels}-megapixel frame"
    yield Row(
        f"{frame}, uncompressed to uncompressed, roll of {count}",
        "at most 0.5 s a frame",
        f"{ours:.2f} s ({megapixels / ours:.0f} megapixels a second)",
        ours <= 0.5,
        f"{12.2 / ours:.0f} times as fast as DiVERE's export",
    )
    if vips is None:
        yield Row("against pyvips", "3 times faster", "skipped", None, "pyvips is not installed")
    else:
        yield Row(
            "against pyvips running the same grade",
            "3 times faster",
            f"{taken['pyvips'] / ours:.1f} times ({taken['pyvips']:.2f} s a frame)",
            taken["pyvips"] >= 3 * ours,
            "pyvips one frame at a time on all cores",
        )
    yield Row(
        "against copying the file with fsync (the floor)",
        "at most 4 times as long",
        f"{ours / floor:.1f} times ({floor:.2f} s a frame)",
        ours <= 4 * floor,
        "one copy at a time",
    )
    yield Row(
        f"isolation `always` against `never`, {frame}",
        "within 3 %",
        f"{(ours / taken['never'] - 1) * 100:+.1f} %",
        ours <= 1.03 * taken["never"],
        start_note(taken["never"] * count, cpu),
    )
    yield from peer_rows(scratch, source, ours)


def peer_rows(scratch: Path, source: Path, ours: float) -> Iterator[Row]:
    """Each installed program on one frame, beside ours."""
    frame = sorted(source.iterdir())[0]
    for name, (job, what) in peers.programs(scratch).items():
        if job is None:
            yield Row(f"peer: {name}", "", "skipped", None, "not installed")
            continue
        target = scratch / "peer.tif"
        try:
            taken = seconds(lambda job=job, target=target: job(frame, target))
            measured = f"{taken:.1f} s a frame, {taken / ours:.0f} times ours"
        except Exception as problem:  # noqa: BLE001  (a peer's failure is a finding)
            measured = f"failed: {type(problem).__name__}"
        for left in scratch.glob("peer*"):
            left.unlink()
        yield Row(f"peer: {name}", "", measured, None, what)


CODECS = {
    "lzw": (imagecodecs.lzw_encode, imagecodecs.lzw_decode),
    "deflate": (imagecodecs.zlib_encode, imagecodecs.zlib_decode),
    "zstd": (imagecodecs.zstd_encode, imagecodecs.zstd_decode),
}


def codec_rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Compressed in and out against the same codec alone on the same cores."""
    count, megapixels = (2, 1) if quick else (4, 24)
    plain = negatives(scratch, count, megapixels)
    source, out = scratch / "lzw", scratch / "out"
    source.mkdir()
    for frame in sorted(plain.iterdir()):
        picture = tifffile.imread(frame)
        tifffile.imwrite(
            source / frame.name, picture, compression="lzw", predictor=True, rowsperstrip=64
        )
    strips = [
        np.ascontiguousarray(picture[row : row + 64]) for row in range(0, picture.shape[0], 64)
    ]
    packed = [imagecodecs.lzw_encode(imagecodecs.delta_encode(s, axis=-2)) for s in strips]
    for name in ("lzw", "deflate", "zstd", "jpeg"):
        words = ("--format", "jpeg") if name == "jpeg" else ("--compression", name)
        positive = positives(plain, scratch / "reference", name)
        works = {
            "divere": batch(source, out, *words),
            "codec": codec_alone(name, packed, strips[0].shape, positive, count),
        }
        taken = medians(works, REPEATS, functools.partial(shutil.rmtree, out, ignore_errors=True))
        ratio = taken["divere"] / taken["codec"]
        yield Row(
            f"LZW in, {name} out, roll of {count}",
            "within 1.2 of the codec alone",
            f"{ratio:.2f} ({taken['divere'] / count:.2f} s against {taken['codec'] / count:.2f} s)",
            ratio <= 1.2,
            "imagecodecs decoding and encoding the same strips, on two threads, nothing else",
        )
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)


def positives(plain: Path, reference: Path, name: str) -> list[np.ndarray]:
    """The strips that the encoder will really see: those of a graded frame."""
    if not reference.exists():
        frame = sorted(plain.iterdir())[0]
        divere("batch", frame, reference, "-q", "--profile", PROFILE)
    picture = tifffile.imread(next(iter(reference.glob("*.tif"))))
    if name == "jpeg":
        return [(picture >> 8).astype(np.uint8)]
    return [np.ascontiguousarray(picture[row : row + 64]) for row in range(0, len(picture), 64)]


def codec_alone(
    name: str, packed: list[bytes], shape: tuple[int, ...], positive: list[np.ndarray], count: int
) -> Callable[[], None]:
    def decode(data: bytes) -> None:
        flat = np.frombuffer(imagecodecs.lzw_decode(data), np.uint16)
        imagecodecs.delta_decode(flat.reshape(-1, *shape[1:]), axis=-2)

    def encode(strip: np.ndarray) -> None:
        if name == "jpeg":
            imagecodecs.jpeg8_encode(strip, level=95, subsampling="444")
        else:
            CODECS[name][0](imagecodecs.delta_encode(strip, axis=-2))

    def work() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(decode, packed * count))
            list(pool.map(encode, positive * count))

    return work
