"""Make one sheet: choose the grade, let a worker draw, return the file's content.

This is the parent's side of ``divere proof``. No scan is decoded here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from divere_cli.errors import UsageError
from divere_cli.files import stamp
from divere_cli.image import header as headers
from divere_cli.image.layout import Header
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.profile import crops, inherit, library
from divere_cli.profile.crops import Cut
from divere_cli.profile.select import Selection, Selector
from divere_cli.proof import orders
from divere_cli.proof.orders import Named, SheetOrder, Vary
from divere_cli.proof.variants import KEYS
from divere_cli.records import serialize
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding, Frame, InputTransfer, Job, Target
from divere_cli.records.outcome import ErrorRecord, Outcome

SHEET = "divere_cli.proof.task:sheet"
SPACE = "sRGB"  # a sheet is viewed on any device
FORMS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".pdf": "PDF"}


@dataclass(frozen=True, slots=True)
class Request:
    """Settings of a sheet.

    ``frame`` is one of several crops of a preset, by name or number; ``step`` None is the
    default for ``vary``.
    """

    scan: str
    output: str
    profile: str
    vary: Vary
    step: float | None = None
    size: int = 2400
    frame: str | None = None
    isolation: IsolationRequest = field(default_factory=IsolationRequest)


@dataclass(frozen=True, slots=True)
class Made:
    """A sheet: the content of the file, or an error; and warnings."""

    data: bytes = b""
    error: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()


def sheet(request: Request) -> Made:
    """Make the sheet of one scan.

    Parameters
    ----------
    request : Request
        The settings.

    Raises
    ------
    UsageError, ProfileError
        The options do not fit the scan.
    ScanError
        Its header cannot be read.
    """
    selector = Selector(request.profile)
    header = headers.read(request.scan)
    selection = selector.choose(request.scan, header)
    cut = _cut(selection, request.frame)
    monochrome = header.channels == 1 or cut.recipe.film.monochrome
    if request.vary == "color" and monochrome:
        raise UsageError(
            "--vary color: the picture is black-and-white",
            hint="use --vary exposure, contrast or profile",
        )
    measured = selection.shipped and not monochrome
    if request.vary == "profile":
        named = tuple(_fitting(cut, header.channels))
        measured = not monochrome
    else:
        named = (Named(selection.profile.name, cut.recipe),)
    step = orders.STEPS[request.vary] if request.step is None else request.step
    order = SheetOrder(
        vary=request.vary,
        step=step,
        profiles=named,
        measured=measured,
        title=_title(request, selection, cut, step),
        space=space(),
        size=request.size,
        form=form(request.output),
    )
    with temporary(1) as (temp,):
        frame = frame_of(selection, header, cut, Target("sheet", request.output, temp))
        job = job_of(0, request.scan, (frame,), SHEET, serialize.to_text(order))
        job = replace(job, transfer=transfer_of(selection))
        (outcome,) = run_tasks([job], request=request.isolation)
        warnings = (*selection.warnings, *(outcome.result.warnings if outcome.result else ()))
        if outcome.result is None:
            return Made(error=error_of(outcome), warnings=warnings)
        with open(temp, "rb") as file:
            return Made(file.read(), warnings=warnings)


def form(output: str) -> str:
    """Return Pillow's name for the format of a file; raise UsageError where it has none.

    Parameters
    ----------
    output : str
        Path of the file.
    """
    suffix = os.path.splitext(output)[1].lower()
    if suffix not in FORMS:
        raise UsageError(f"{output!r} is not a .jpg, .png or .pdf file")
    return FORMS[suffix]


def frame_of(selection: Selection, header: Header, cut: Cut, target: Target) -> Frame:
    """Return a picture as a batch would grade it, with its orientation.

    Parameters
    ----------
    selection : Selection
        The preset that was chosen.
    header : Header
        Header of the scan.
    cut : Cut
        The picture.
    target : Target
        The file to write.
    """
    mirrored, turned = (False, 0) if selection.turned else headers.own_turn(header)
    orientation = (cut.orientation + turned) % 360
    return Frame(target, cut.recipe, cut.crop, orientation, mirrored=mirrored, turn=cut.turn)


def transfer_of(selection: Selection) -> InputTransfer:
    """Return how samples relate to light, as in a batch.

    Parameters
    ----------
    selection : Selection
        The preset that was chosen.
    """
    return InputTransfer.of("auto", selection.gamma, selection.frames[0].recipe.input_space.gamma)


def space() -> Space:
    """Return the color space of a sheet."""
    return library.output_space(SPACE)


@contextmanager
def temporary(count: int) -> Iterator[tuple[str, ...]]:
    """Yield empty files in a temporary folder, which is removed at the end.

    Parameters
    ----------
    count : int
        Number of files.
    """
    with tempfile.TemporaryDirectory(prefix="divere-") as folder:
        paths = tuple(os.path.join(folder, f"{number}.tmp") for number in range(count))
        for path in paths:
            with open(path, "xb"):
                pass
        yield paths


def job_of(index: int, scan: str, frames: tuple[Frame, ...], task: str, parameters: str) -> Job:
    """Return a job for a sheet.

    Parameters
    ----------
    index : int
        Number of the job.
    scan : str
        Path of the scan.
    frames : tuple of Frame
        Its pictures.
    task : str
        The task, ``module:function``.
    parameters : str
        Parameters of the task, as JSON.

    Raises
    ------
    Unreadable
        The scan does not exist.
    """
    return Job(
        id=index,
        name=os.path.basename(scan),
        input=os.path.abspath(scan),
        stamp=stamp.take_regular(scan),
        encoding=Encoding("tiff", 8, space()),
        frames=frames,
        task=task,
        parameters=parameters,
    )


def error_of(outcome: Outcome) -> ErrorRecord:
    """Return the error of a task without a result.

    Parameters
    ----------
    outcome : Outcome
        How the attempt ended.
    """
    return outcome.error or ErrorRecord("internal", f"the worker ended: {outcome.end}")


def _cut(selection: Selection, frame: str | None) -> Cut:
    """Return the picture with a name or number; the first one if none is given."""
    cuts = selection.frames
    if frame is None:
        return cuts[0]
    for number, cut in enumerate(cuts, 1):
        if frame in (cut.crop_name, str(number)):
            return cut
    there = ", ".join(cut.crop_name or "1" for cut in cuts)
    raise UsageError(f"--frame {frame}: there is no such frame; there are {there}, and all")


def _fitting(cut: Cut, channels: int) -> Iterator[Named]:
    """Yield the preset's own grade, then every shipped profile for its type of film."""
    yield Named(cut.recipe.profile or "preset", cut.recipe)
    film, idt = cut.recipe.film, cut.recipe.input_space
    for name in library.names():
        if name == cut.recipe.profile:
            continue
        preset = inherit.complete(library.load(name))
        recipe = crops.cuts(preset, channels=channels).cuts[0].recipe
        if recipe.film.name == film.name:
            yield Named(name, replace(recipe, input_space=_input(recipe.input_space, idt)))


def _input(profile_space: Space, scan: Space) -> Space:
    """Return a profile's input space, with the gamma in the preset of the scan."""
    return (
        profile_space
        if profile_space.gamma == scan.gamma
        else replace(profile_space, gamma=scan.gamma)
    )


def _title(request: Request, selection: Selection, cut: Cut, step: float) -> str:
    name = os.path.basename(request.scan) + (f" ({cut.crop_name})" if cut.crop_name else "")
    key = KEYS[request.vary]
    if request.vary == "profile":
        return f"{name}: profiles; labels: {key}"
    unit = "" if request.vary == "contrast" else " D"
    return f"{name}, {selection.profile.name}: steps of {step:g}{unit}; labels: {key}"
