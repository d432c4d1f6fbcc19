"""Rolls for the tests: made once, measured in this process, decided as a batch would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.image import icc, reader, writer
from divere_cli.image.layout import PictureMetadata
from divere_cli.profile import library
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target
from divere_cli.records.roll import Measured
from divere_cli.roll import bare, films, measure
from divere_cli.roll.measurement import FrameLooks, FrameMeasurement, from_json
from divere_cli.samples import plan, writing
from divere_cli.samples.plan import Wish

WHOLE = (0.0, 0.0, 1.0, 1.0)
Box = tuple[float, float, float, float]


class Quiet:
    """A progress that nobody watches."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield

    def advance(self, done: float) -> None:
        assert 0.0 <= done <= 1.0


@dataclass(frozen=True)
class Roll:
    """A synthetic roll: where it is, its truth, the grade without gains."""

    folder: Path
    truth: dict[str, Any]
    recipe: Recipe

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The frames with a chart on them."""
        return [frame for frame in self.truth["frames"] if frame["kind"] == "landscape"]

    def path(self, name: str) -> str:
        """Where a frame is."""
        return str(self.folder / name)

    def measured(self, *names: str) -> tuple[Measured, ...]:
        """Measure frames; all when none is named."""
        files = names or tuple(frame["file"] for frame in self.truth["frames"])
        return tuple(scan(self.path(file), self.recipe) for file in files)


def make(folder: Path, wish: Wish) -> Roll:
    """Write a roll."""
    made = plan.samples(wish)
    writing.write(made, str(folder))
    truth = json.loads((folder / writing.TRUTH).read_text())
    return Roll(folder, truth, replace(made.recipe, rgb_gains=(0.0, 0.0, 0.0)))


def job(path: str, *frames: Frame) -> Job:
    """A measure job."""
    encoding = Encoding("tiff", 16, library.output_space("sRGB"))
    return Job(1, Path(path).name, path, Stamp(0, 0), encoding, frames)


def frame(recipe: Recipe, crop: Box = WHOLE, name: str = "") -> Frame:
    """A frame without a target."""
    return Frame(Target("", "", ""), recipe, crop, crop_name=name)


def scan(path: str, recipe: Recipe, crop: Box = WHOLE) -> Measured:
    """Measure a scan as one frame."""
    asked = job(path, frame(recipe, crop))
    said = measure.measure(asked, Quiet()).measurement
    return Measured(Path(path).name, path, asked.frames, said)


def looks(path: str, recipe: Recipe, crop: Box = WHOLE) -> FrameLooks:
    """What was measured of a scan."""
    told = from_json(scan(path, recipe, crop).measurement).frames[0]
    assert told is not None
    return told


def alone(told: FrameLooks | None) -> FrameMeasurement:
    """The look that a frame gets as a roll of one."""
    assert told is not None
    base = films.part([told])[0].base
    return bare.look(told, None if base is None else base.density)


def found(path: str, recipe: Recipe, crop: Box = WHOLE) -> FrameMeasurement:
    """What was measured of a scan, as a roll of one takes it."""
    return alone(looks(path, recipe, crop))


def pixels(path: str) -> NDArray[Any]:
    """All pixels of a scan."""
    with reader.open(path) as opened:
        return np.concatenate([band.copy() for _, band in opened.bands()])


def store(path: Path, codes: NDArray[np.uint16], recipe: Recipe) -> str:
    """Write a scan."""
    path.touch()
    encoding = Encoding("tiff", 16, recipe.input_space)
    picture = PictureMetadata(icc=icc.profile(recipe.input_space, gray=False))
    height, width, channels = codes.shape
    with writer.open(str(path), encoding, width, height, channels, picture) as out:
        out.write(np.ascontiguousarray(codes))
        out.close()
    return str(path)
