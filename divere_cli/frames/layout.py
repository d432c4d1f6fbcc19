"""What finding the pictures of a scan makes, step by step: hints, layouts of strips, pictures.

Covers plain records of arrays and numbers. Not covered: how they are made (``detect``).
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.frames.columns import Row
from divere_cli.frames.edges import Span
from divere_cli.frames.film import Floats
from divere_cli.frames.formats import Format
from divere_cli.frames.rows import Rows
from divere_cli.frames.straight import Strip


@dataclass(frozen=True)
class Hint:
    """What other strips of a roll have shown: format, width over height of a picture."""

    form: str
    aspect: float


@dataclass(frozen=True)
class Found:
    """A picture: its corners in cells of the small picture (4, 2), in the strip's order.

    ``turn`` is that of its strip, degrees counter-clockwise; ``upright`` says that the
    strip runs down the scan.
    """

    corners: Floats
    turn: float
    upright: bool
    sure: bool
    why: str


@dataclass(frozen=True)
class Layout:
    """What a strip was taken for; ``rivals`` explain it about as well.

    ``left`` is the share of its exposed film that no picture holds.
    """

    strip: Strip
    form: Format
    rows: Rows
    row: Row
    spans: tuple[Span, ...]
    quality: float
    left: float = 0.0
    rivals: tuple[Layout, ...] = ()


@dataclass(frozen=True)
class Result:
    """All pictures of a scan, strip by strip; the formats that were seen; a hint for others."""

    found: tuple[Found, ...]
    forms: tuple[str, ...]
    turn: float
    hint: Hint | None = None
    layouts: tuple[Layout, ...] = ()
