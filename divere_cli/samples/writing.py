"""Writes samples to a folder: negatives, ``truth.json`` and the preset with the true values.

Covers streaming, atomic publishing (a file appears complete or not at all) and that no file is
ever overwritten. The negatives contain the ICC profile of the scanner's linear space, as files of
scanners do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from divere_cli.errors import OutputUnusable, PlanError
from divere_cli.files import directory, durable
from divere_cli.image import icc, writer
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.profile import document
from divere_cli.profile.strict_json import Json
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding
from divere_cli.samples import chart, negative, scene
from divere_cli.samples.plan import Samples
from divere_cli.samples.strip import Film, Frame, base_before_curves

TRUTH = "truth.json"
PRESETS = "divere_presets.json"
BAND_BYTES = 6 << 20  # of one float64 array of a band; about twelve exist at once
SCANNER_DPI = 4000.0

OnFrame = Callable[[str], None]


def write(samples: Samples, folder: str, on_frame: OnFrame | None = None) -> tuple[str, ...]:
    """Write samples; returns the paths of the negatives.

    Parameters
    ----------
    samples : Samples
    folder : str
        Created if missing.
    on_frame : callable, optional
        Called with the name of each finished file.

    Raises
    ------
    PlanError
        A file with such a name exists; nothing was written.
    OutputUnusable
        The folder cannot be made or written.
    NoSpace, OutputError
        From the writer of pictures.
    """
    names = [*(frame.name for frame in samples.frames), TRUTH, PRESETS]
    try:
        os.makedirs(folder, exist_ok=True)
        for name in names:
            if os.path.lexists(os.path.join(folder, name)):
                raise PlanError(
                    f"{os.path.join(folder, name)} already exists",
                    hint="samples never replace files; choose an empty folder",
                )
        paths = tuple(_negative(samples, frame, folder, on_frame) for frame in samples.frames)
        _text(os.path.join(folder, PRESETS), json.dumps(presets(samples), indent=1) + "\n")
        _text(os.path.join(folder, TRUTH), json.dumps(truth(samples), indent=1) + "\n")
    except OSError as error:
        raise OutputUnusable(f"{folder} cannot be written: {error.strerror}") from error
    return paths


def truth(samples: Samples) -> dict[str, Json]:
    """Return the content of ``truth.json``: the true values of the roll and of each frame.

    ``rgb_gains`` of a frame holds its exposure; ``light`` of a patch is what the
    scene sent out, ``positive`` what the true grade prints of it without grain
    (both linear, in the working space).

    Parameters
    ----------
    samples : Samples
        The samples.
    """
    backwards = negative.invert(samples.recipe)
    bare = base_before_curves(backwards)
    base = backwards.film(bare)
    return {
        "schema": "divere-samples/1",
        "seed": samples.seed,
        "profile": samples.recipe.profile,
        "working_space": samples.recipe.working_space.name,
        "rgb_gains": list(samples.recipe.rgb_gains),
        "film_base": [round(float(v), 5) for v in -np.log10(backwards.scan(base))],
        "frames": [_truth_of(samples, frame, backwards) for frame in samples.frames],
    }


def presets(samples: Samples) -> dict[str, Json]:
    """Return a ``divere_presets.json`` that grades every frame with its true values.

    Parameters
    ----------
    samples : Samples
        The samples.
    """
    return {frame.name: preset(samples.recipe, frame) for frame in samples.frames}


def preset(recipe: Recipe, frame: Frame) -> dict[str, Json]:
    """Return the preset of a frame: the recipe, its exposure, and the picture as the crop.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    frame : Frame
        The frame.
    """
    red, green, blue = (round(gain + frame.exposure, 6) for gain in recipe.rgb_gains)
    x, y, width, height = frame.picture
    crop = (x / frame.width, y / frame.height, width / frame.width, height / frame.height)
    metadata: dict[str, Json] = {
        "raw_file": frame.name,
        "orientation": 0,
        "crop": [round(v, 6) for v in crop],
    }
    return document.preset(replace(recipe, rgb_gains=(red, green, blue)), metadata)


def _truth_of(samples: Samples, frame: Frame, backwards: negative.Backwards) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "file": frame.name,
        "kind": frame.kind,
        "exposure": frame.exposure,
        "rgb_gains": [round(gain + frame.exposure, 6) for gain in samples.recipe.rgb_gains],
        "picture": list(frame.picture),
    }
    if frame.kind == "landscape":
        lights = chart.light(samples.recipe.working_space)
        printed = backwards.printed(
            backwards.before_curves(np.clip(lights, scene.DARKEST, scene.LIGHTEST))
        )
        x, y, width, height = frame.picture
        entry["patches"] = [
            {
                "name": name,
                "box": [
                    round(x + box[0] * width),
                    round(y + box[1] * height),
                    round(box[2] * width),
                    round(box[3] * height),
                ],
                "light": [round(float(v), 5) for v in lights[index]],
                "positive": [round(float(v), 5) for v in printed[index]],
            }
            for index, (name, box) in enumerate(zip(chart.NAMES, scene.patch_boxes(), strict=True))
        ]
    return entry


def _negative(samples: Samples, frame: Frame, folder: str, on_frame: OnFrame | None) -> str:
    """Write one negative, band by band, and publish it."""
    path = os.path.join(folder, frame.name)
    temp = os.path.join(folder, f".divere-tmp-samples-{os.getpid()}-{frame.name}")
    film = Film(frame, negative.invert(samples.recipe), chart.light(samples.recipe.working_space))
    space = samples.recipe.input_space
    encoding = Encoding("tiff", 16, space)
    picture = PictureMetadata(
        icc=icc.profile(space, gray=False),
        resolution=Resolution(SCANNER_DPI, SCANNER_DPI),
        software="divere samples",
    )
    rows = max(1, BAND_BYTES // (frame.width * 24))
    os.close(os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        with writer.open(temp, encoding, frame.width, frame.height, 3, picture) as out:
            for first in range(0, frame.height, rows):
                out.write(film.codes(first, min(frame.height, first + rows)))
            out.close()
        _publish(folder, os.path.basename(temp), frame.name)
    finally:
        _remove(temp)
    if on_frame is not None:
        on_frame(frame.name)
    return path


def _text(path: str, text: str) -> None:
    try:
        durable.write_atomic(path, text.encode(), replace=False)
    except FileExistsError as error:
        raise PlanError(f"{path} appeared while samples were written") from error


def _publish(folder: str, temp: str, name: str) -> None:
    """Give a complete file its name; fail if the name is taken."""
    handle = directory.hold(folder)
    try:
        durable.rename(temp, name, handle, replace=False)
        durable.sync_folder(handle)
    except FileExistsError as error:
        raise PlanError(f"{name} appeared in {folder} while samples were written") from error
    finally:
        handle.close()


def _remove(temp: str) -> None:
    if os.path.lexists(temp):
        Path(temp).unlink()
