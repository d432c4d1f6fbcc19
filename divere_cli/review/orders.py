"""Orders from the service to a worker, as plain data. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from divere_cli.records.grade import Recipe
from divere_cli.records.job import Job

Box = tuple[float, float, float, float]
PictureFormat = Literal["jpeg", "png"]

VIEW_LONGEST = 3200  # pixels of a view's proxy along the longer side
SMALL_LONGEST = 640  # the same for the grid; a strip of frames needs more
STRIP_LONGEST = 2048
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Opening:
    """A scan to open; ``job`` is the job with which a batch would read it.

    ``view`` and ``small`` are the files of its proxies. Without ``view``, only the small
    one is made, for the grid. A proxy that an earlier worker made is used again.
    """

    job: Job
    view: str
    small: str
    small_longest: int = SMALL_LONGEST


@dataclass(frozen=True, slots=True)
class View:
    """A picture to make.

    ``crop`` and ``orientation`` are as in a preset; ``mirrored``: left and right are swapped
    before the turn; ``window`` is the part of the positive to show, (x, y, w, h) in 0..1;
    ``size`` is the maximum of pixels along the longer side. ``proxy`` is the path of a small
    proxy to use instead of the open scan.
    """

    recipe: Recipe
    crop: Box = WHOLE
    orientation: int = 0
    size: int = 1600
    format: PictureFormat = "jpeg"
    window: Box = WHOLE
    proxy: str = ""
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Pick:
    """A point of the positive, (x, y) in 0..1, that should become gray."""

    recipe: Recipe
    crop: Box
    orientation: int
    at: tuple[float, float]
    mirrored: bool = False


Order = Opening | View | Pick
