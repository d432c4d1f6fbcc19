"""Formats of film: how high the film is, how large its pictures are, how far apart.

Covers lengths in millimeters, along the strip and across it, and which formats share
a film. Plain data; the parent process may hold it.
"""

from __future__ import annotations

from dataclasses import dataclass

PERFORATION_PITCH, PERFORATION_HEIGHT, PERFORATION_WIDTH = 4.75, 2.8, 1.98
PERFORATION_EDGE = 2.0  # from the film's edge to the holes


@dataclass(frozen=True, slots=True)
class Format:
    """A format; millimeters.

    ``along`` may vary from camera to camera by ``vary`` (a share), the distance from
    picture to picture by ``sd`` (a share) about ``pitch``.
    """

    name: str
    film: float
    along: float
    across: float
    pitch: float
    sd: float = 0.02
    vary: float = 0.015
    perforated: bool = False

    @property
    def aspect(self) -> float:
        """Length along the strip over height across it."""
        return self.along / self.across


FORMATS = (
    Format("135", 35.0, 36.0, 24.0, 38.0, perforated=True),
    Format("135-half", 35.0, 17.5, 24.0, 19.0, vary=0.03, perforated=True),
    Format("xpan", 35.0, 65.0, 24.0, 67.2, perforated=True),
    Format("120-645", 61.5, 41.5, 56.0, 45.2, sd=0.05),
    Format("120-66", 61.5, 56.0, 56.0, 59.7, sd=0.05),
    Format("120-67", 61.5, 69.5, 56.0, 73.2, sd=0.05),
    Format("120-68", 61.5, 76.0, 56.0, 79.7, sd=0.05),
    Format("120-69", 61.5, 84.0, 56.0, 87.7, sd=0.05),
    Format("110", 16.0, 17.0, 13.0, 25.4),
)
NAMES = tuple(form.name for form in FORMATS)


def named(name: str) -> tuple[Format, ...]:
    """Return the formats that a value of ``--film`` means: one, or all for ``auto``.

    Parameters
    ----------
    name : str
        The name.
    """
    return FORMATS if name == "auto" else tuple(f for f in FORMATS if f.name == name)
