"""Grading one scan: the same pixels by every path, and each failure with its error class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.color import grade
from divere_cli.develop.scan import develop, prepare
from divere_cli.errors import CorruptInput, InputChanged, LimitExceeded, OutputError, Unreadable
from divere_cli.image import geometry, header
from divere_cli.image.layout import Layout
from divere_cli.image.tiff import reader
from divere_cli.isolation import task
from divere_cli.records.grade import Film, Recipe, Space
from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target, WarmUp
from divere_cli.records.outcome import TaskResult
from tests.image import dng_files

P3 = Space("DisplayP3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), 2.2)
WORKING = Space("working", ((0.73, 0.27), (0.22, 0.7), (0.13, 0.05)), (0.3127, 0.329))
NEGATIVE = Film("color_negative_c41", True, True, True, True, False)
RECIPE = Recipe("test", NEGATIVE, P3, WORKING, rgb_gains=(0.1, 0.2, 0.3), sha256="ab" * 32)
RNG = np.random.default_rng(7)
SCAN = RNG.integers(2000, 60000, (61, 83, 3), dtype=np.uint16)


class Heard:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.done: list[float] = []
        self.inside = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(name)
        self.inside += 1
        assert self.inside == 1, "stages must not nest"
        yield
        self.inside -= 1

    def advance(self, done: float) -> None:
        self.done.append(done)


def target(folder: Path, name: str) -> Target:
    temp = folder / f".divere-tmp-{name}"
    temp.touch()
    return Target(name, str(folder / name), str(temp))


def stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(
        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino
    )


def job(folder: Path, *frames: Frame, **changed: Any) -> Job:
    scan = folder / "scan.tif"
    return Job(
        id=1,
        name="scan.tif",
        input=str(scan),
        stamp=stamp(scan),
        frames=frames or (Frame(target(folder, "out.tif"), RECIPE),),
        **{"encoding": Encoding("tiff", 16, P3), **changed},
    )


def save(folder: Path, pixels: np.ndarray = SCAN, **options: Any) -> None:
    tifffile.imwrite(
        folder / "scan.tif", pixels, metadata=None, **{"photometric": "rgb", **options}
    )


def graded(pixels: np.ndarray, bits: int = 16, recipe: Recipe = RECIPE) -> np.ndarray:
    """The grade of a whole picture at once, without any of develop's ways."""
    done = grade.compile(recipe, P3, Layout(pixels.shape[2], 8 * pixels.itemsize), bits)
    out = np.empty((*pixels.shape[:2], done.channels), dtype=f"u{bits // 8}")
    done.apply(np.ascontiguousarray(pixels), out)
    return out


def positive(folder: Path, name: str = "out.tif") -> np.ndarray:
    pixels = tifffile.imread(folder / f".divere-tmp-{name}")
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def test_a_scan_becomes_its_positive(tmp_path: Path) -> None:
    save(tmp_path, resolution=(4000, 4000))
    heard = Heard()
    result = develop(job(tmp_path), heard)
    assert np.array_equal(positive(tmp_path), graded(SCAN))
    (written,) = result.written
    assert (result.width, result.height) == (83, 61)
    assert (written.name, written.width, written.height) == ("out.tif", 83, 61)
    assert written.bytes == (tmp_path / ".divere-tmp-out.tif").stat().st_size
    assert result.input_sha256 == hashlib.sha256((tmp_path / "scan.tif").read_bytes()).hexdigest()
    counted = task.run(job(tmp_path), task.StageClock(lambda stage, done: None), 0.0).stages
    assert min(counted.read, counted.grade, counted.write) > 0
    assert set(heard.stages) == {"read", "grade", "write"}
    assert heard.done == sorted(heard.done)
    assert heard.done[-1] == 1.0
    found = header.read(str(tmp_path / ".divere-tmp-out.tif"))
    assert found.icc is not None
    assert found.resolution is not None
    assert found.resolution.x == 4000


STORAGES: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 3},
    "one strip": {},
    "tiles": {"tile": (16, 16)},
    "big endian": {"byteorder": ">"},
    "lzw": {"compression": "lzw", "rowsperstrip": 4},
    "zstd tiles": {"compression": "zstd", "predictor": True, "tile": (32, 16)},
}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("orientation", [0, 90, 180, 270])
@pytest.mark.parametrize("storage", STORAGES)
def test_the_same_pixels_by_every_way(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    storage: str,
    orientation: int,
    threads: int,
) -> None:
    save(tmp_path, **STORAGES[storage])
    expected = np.rot90(graded(SCAN[10:50, 5:70]), orientation // 90)
    crop = (5 / 83, 10 / 61, 65 / 83, 40 / 61)
    for band, spooled, compression in ((1, 0, "none"), (2000, 1 << 30, "lzw"), (9999, 0, "zstd")):
        monkeypatch.setattr(reader, "BAND_BYTES", band)
        monkeypatch.setattr(geometry, "IN_MEMORY", spooled)
        frame = Frame(target(tmp_path, "out.tif"), RECIPE, crop, orientation)
        encoding = Encoding("tiff", 16, P3, compression)
        develop(job(tmp_path, frame, threads=threads, encoding=encoding), Heard())
        assert np.array_equal(positive(tmp_path), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_contact_sheet_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    save(tmp_path)
    opened: list[str] = []
    original = reader.open_reader

    def counted(path: str, known: Any) -> Any:
        opened.append(path)
        return original(path, known)

    monkeypatch.setattr(reader, "open_reader", counted)
    dense = replace(RECIPE, density_dmax=1.8)
    crops = [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 0.5), (0.25, 0.25, 0.5, 0.5), (0, 0, 1, 1)]
    frames = tuple(
        Frame(target(tmp_path, f"{n}.tif"), dense if n % 2 else RECIPE, crop, 90 * n)
        for n, crop in enumerate(crops)
    )
    result = develop(job(tmp_path, *frames, threads=threads), Heard())
    assert len(opened) == 1
    assert [written.name for written in result.written] == ["0.tif", "1.tif", "2.tif", "3.tif"]
    for frame, n in zip(frames, range(4), strict=True):
        cut = geometry.box(frame.crop, 83, 61)
        part = SCAN[cut.top : cut.bottom, cut.left : cut.right]
        expected = np.rot90(graded(part, recipe=frame.recipe), n)
        assert np.array_equal(positive(tmp_path, f"{n}.tif"), expected)


@pytest.mark.parametrize(("balance", "factors"), [("off", (1, 1, 1)), ("as_shot", (1, 0.5, 1))])
def test_the_preset_decides_on_the_white_balance_of_a_camera_s_file(
    tmp_path: Path, balance: Any, factors: tuple[float, ...]
) -> None:
    dng_files.write(tmp_path / "scan.tif", dng_files.bayer())
    recipe = replace(RECIPE, camera_white_balance=balance)
    given = job(tmp_path, Frame(target(tmp_path, "out.tif"), recipe))
    result = develop(given, Heard())
    want = np.array(dng_files.developed()) * factors
    flat = np.broadcast_to(np.round(want).astype(np.uint16), (64, 96, 3))
    off_by = positive(tmp_path).astype(int) - graded(flat, recipe=recipe)
    assert abs(off_by[8:-8, 8:-8]).max() <= 60
    (note,) = (note for note in result.notes if "white balance" in note)
    assert ("as shot" in note) == (balance == "as_shot")


def test_a_gray_scan_becomes_a_gray_positive(tmp_path: Path) -> None:
    save(tmp_path, SCAN[:, :, 0], photometric="minisblack")
    develop(job(tmp_path), Heard())
    assert positive(tmp_path).shape == (61, 83, 1)
    assert np.array_equal(positive(tmp_path), graded(SCAN[:, :, :1]))


def test_eight_bits_out(tmp_path: Path) -> None:
    save(tmp_path)
    develop(job(tmp_path, encoding=Encoding("tiff", 8, P3)), Heard())
    assert np.array_equal(positive(tmp_path), graded(SCAN, bits=8))


@pytest.mark.parametrize("threads", [1, 2])
def test_dither_does_not_depend_on_bands_nor_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    save(tmp_path)
    seen = []
    for band in (1, 5000, 1 << 20):
        monkeypatch.setattr(reader, "BAND_BYTES", band)
        encoding = Encoding("tiff", 8, P3, dither=True)
        frame = Frame(target(tmp_path, "out.tif"), RECIPE, (0.1, 0.1, 0.8, 0.8))
        develop(job(tmp_path, frame, encoding=encoding, threads=threads), Heard())
        seen.append(positive(tmp_path))
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])


@pytest.mark.parametrize("wanted", [False, True])
def test_infrared_never_touches_color(tmp_path: Path, wanted: bool) -> None:
    four = np.concatenate([SCAN, SCAN[:, :, :1] // 3], axis=2)
    save(tmp_path, four, extrasamples=["unspecified"])
    side = target(tmp_path, "ir.tif") if wanted else None
    result = develop(job(tmp_path, sidecar=side), Heard())
    assert np.array_equal(positive(tmp_path), graded(SCAN))
    if wanted:
        assert np.array_equal(positive(tmp_path, "ir.tif")[:, :, 0], four[:, :, 3])
        assert [written.name for written in result.written] == ["out.tif", "ir.tif"]
        assert result.notes == ("infrared was written beside the positive",)
    else:
        assert result.notes == ("infrared was left out",)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_infrared_of_float_samples_is_written_in_16_bits(tmp_path: Path, dtype: str) -> None:
    four = RNG.random((61, 83, 4)).astype(dtype)
    four[3, 4:6, 3] = -0.25, 1.5
    save(tmp_path, four, extrasamples=["unspecified"])
    result = develop(job(tmp_path, sidecar=target(tmp_path, "ir.tif")), Heard())
    assert [written.name for written in result.written] == ["out.tif", "ir.tif"]
    want = np.rint(four[:, :, 3].astype(np.float32).clip(0, 1) * 65535)
    assert np.array_equal(positive(tmp_path, "ir.tif")[:, :, 0], want)


def test_a_sidecar_without_infrared_is_a_note(tmp_path: Path) -> None:
    save(tmp_path)
    result = develop(job(tmp_path, sidecar=target(tmp_path, "ir.tif")), Heard())
    assert result.notes == ("no infrared channel to write beside the positive",)
    assert len(result.written) == 1


def test_left_out_channels_are_notes(tmp_path: Path) -> None:
    four = np.concatenate([SCAN, SCAN[:, :, :1]], axis=2)
    save(tmp_path, four, extrasamples=["assocalpha"], extratags=[(274, "H", 1, 6, True)])
    result = develop(job(tmp_path), Heard())
    assert result.notes == ("alpha was left out", "the file's orientation tag (6) was not applied")
    assert result.warnings == ("alpha is premultiplied (ExtraSamples 1); color is taken as stored",)


def fails(kind: type[Exception], said: str, given: Job) -> None:
    with pytest.raises(kind, match=said):
        develop(given, Heard())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_cut_scan_is_corrupt(tmp_path: Path, threads: int) -> None:
    save(tmp_path, compression="lzw", rowsperstrip=4)
    path = tmp_path / "scan.tif"
    path.write_bytes(path.read_bytes()[:-1000])
    fails(CorruptInput, "ends after the end of the file", job(tmp_path, threads=threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_damaged_strip_is_named(tmp_path: Path, threads: int) -> None:
    save(tmp_path, compression="deflate", rowsperstrip=4)
    path = tmp_path / "scan.tif"
    with tifffile.TiffFile(path) as scan:
        offset = scan.pages[0].dataoffsets[9]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = bytes(40)
    path.write_bytes(data)
    fails(CorruptInput, "strip 9 cannot be decoded", job(tmp_path, threads=threads))


def test_a_missing_scan_is_unreadable(tmp_path: Path) -> None:
    save(tmp_path)
    given = job(tmp_path)
    (tmp_path / "scan.tif").unlink()
    fails(Unreadable, "cannot be read", given)


def test_a_larger_scan_than_allowed(tmp_path: Path) -> None:
    save(tmp_path)
    fails(LimitExceeded, "limit of 5062", job(tmp_path, max_pixels=5062))


def test_a_missing_output_file_is_an_error(tmp_path: Path) -> None:
    save(tmp_path)
    given = job(tmp_path)
    (tmp_path / ".divere-tmp-out.tif").unlink()
    fails(OutputError, "opened", given)


def test_a_scan_that_changed_since_it_was_planned(tmp_path: Path) -> None:
    save(tmp_path)
    given = job(tmp_path)
    save(tmp_path, SCAN // 2)
    fails(InputChanged, "changed while it was in work", given)


def append(path: Path) -> None:
    with path.open("ab") as out:
        out.write(b"more")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.rename(other, path)


@pytest.mark.parametrize("change", [append, cut, replaced])
def test_a_scan_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    save(tmp_path, rowsperstrip=1)
    monkeypatch.setattr(reader, "BAND_BYTES", 1)
    heard = Heard()
    given = job(tmp_path)
    path = tmp_path / "scan.tif"
    original = heard.advance

    def advance(done: float) -> None:
        if not heard.done:
            change(path)
        original(done)

    heard.advance = advance  # type: ignore[method-assign]
    with pytest.raises(InputChanged):
        develop(given, heard)


def test_unknown_stamps_are_not_compared(tmp_path: Path) -> None:
    save(tmp_path)
    known = stamp(tmp_path / "scan.tif")
    given = replace(job(tmp_path), stamp=Stamp(known.size, known.mtime_ns))
    assert isinstance(develop(given, Heard()), TaskResult)


def test_a_stop_from_progress_leaves_nothing_open(tmp_path: Path) -> None:
    """The leak guard of every test is the assertion on descriptors and threads."""
    save(tmp_path)

    class Stop(BaseException): ...

    class Stops(Heard):
        def advance(self, done: float) -> None:
            raise Stop

    for threads in (1, 2):
        with pytest.raises(Stop):
            develop(job(tmp_path, threads=threads), Stops())


def test_a_prepared_grade_is_the_one_that_the_scans_use() -> None:
    encoding = Encoding("tiff", 16, P3)
    grade._compiled.cache_clear()
    prepare(WarmUp("", RECIPE, encoding, channels=3, bits=16, sample="uint"))
    ready = grade._compiled.cache_info()
    grade.compile(RECIPE, P3, Layout(3, 16, "uint"), 16)
    assert grade._compiled.cache_info().hits == ready.hits + 1
    grade.compile(RECIPE, P3, Layout(3, 8, "uint"), 16)
    assert grade._compiled.cache_info().misses == ready.misses + 1
