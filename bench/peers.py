"""Other programs at a comparable job: what they are asked is said, what is missing is named.

pyvips runs the very grade (recomb, log10, recomb, maplut, recomb, pow). The
others invert a negative their own way, so that they show what a photographer
would wait for, not the same picture.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from divere_cli.color import primaries
from divere_cli.records.grade import Recipe, Space

DENSITY_RANGE = float(np.log10(65536))

DARKTABLE = "opens the file, its default pipeline, 16-bit TIFF out"
Job = Callable[[Path, Path], object]


def copy(source: Path, target: Path) -> None:
    """The floor: the file through one reused 1 MB buffer, with fsync."""
    buffer = memoryview(bytearray(1 << 20))
    with open(source, "rb", buffering=0) as read, open(target, "wb", buffering=0) as write:
        while count := read.readinto(buffer):
            write.write(buffer[:count])
        os.fsync(write.fileno())


def vips_grade(recipe: Recipe, output: Space) -> Job | None:
    """The same grade as pyvips operations, its own streaming, two threads."""
    if importlib.util.find_spec("pyvips") is None:
        return None
    import pyvips

    first = primaries.conversion(recipe.input_space, recipe.working_space)
    last = primaries.conversion(recipe.working_space, output)
    matrix = np.array(recipe.matrix if recipe.matrix else np.eye(3))
    ramp = np.linspace(0, 1, 65536)
    curves = (recipe.curves.r, recipe.curves.g, recipe.curves.b)
    straight = ((0.0, 0.0), (1.0, 1.0))
    table = np.stack(
        [np.interp(ramp, *zip(*(points or straight), strict=True)) for points in curves]
    )
    light = (10 ** -((1 - table) * DENSITY_RANGE)).T.astype(np.float32)[None]

    def grade(source: Path, target: Path) -> None:
        image = pyvips.Image.new_from_file(str(source), access="sequential") / 65535
        image = image.recomb(pyvips.Image.new_from_array(first.tolist()))
        level = recipe.density_dmax - 0.7 + 0.7 * recipe.density_gamma
        density = image.log10() * recipe.density_gamma + (level + recipe.density_dmax - 4.1)
        density = density.recomb(pyvips.Image.new_from_array(matrix.tolist()))
        density = density + [4.1 - recipe.density_dmax - gain for gain in recipe.rgb_gains]
        index = ((1 - density / DENSITY_RANGE) * 65535).rint().cast("ushort")
        linear = index.maplut(pyvips.Image.new_from_memory(light.tobytes(), 65536, 1, 3, "float"))
        encoded = linear.recomb(pyvips.Image.new_from_array(last.tolist())) ** (1 / output.gamma)
        (encoded * 65535).rint().cast("ushort").tiffsave(str(target))
        with open(target, "rb") as written:
            os.fsync(written.fileno())

    return grade


def command(program: str, *words: str) -> Job | None:
    """A program of the system; IN and OUT among ``words`` are the files."""
    found = shutil.which(program)
    if found is None:
        return None

    def run(source: Path, target: Path) -> None:
        filled = [w.replace("IN", str(source)).replace("OUT", str(target)) for w in words]
        subprocess.run([found, *filled], check=True, capture_output=True)

    return run


def programs(scratch: Path) -> dict[str, tuple[Job | None, str]]:
    """Name to job (None where it is not installed) and what it is asked to do."""
    return {
        "ImageMagick `convert -negate -auto-level`": (
            command("convert", "IN", "-negate", "-auto-level", "OUT"),
            "inverts and stretches, no density, no matrix",
        ),
        "GraphicsMagick `gm convert -negate -normalize`": (
            command("gm", "convert", "IN", "-negate", "-normalize", "OUT"),
            "inverts and stretches, no density, no matrix",
        ),
        "libvips `vips invert`": (
            command("vips", "invert", "IN", "OUT"),
            "only inverts: what its reading and writing cost",
        ),
        "darktable-cli": (
            command(
                "darktable-cli", "IN", "OUT", "--core", "--configdir", str(scratch / "darktable"),
                "--library", ":memory:",
            ),
            DARKTABLE,
        ),
        "rawtherapee-cli": (
            command("rawtherapee-cli", "-o", "OUT", "-t", "-b16", "-Y", "-c", "IN"),
            "opens the file, its neutral profile, 16-bit TIFF out",
        ),
    }  # fmt: skip
