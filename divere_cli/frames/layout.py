"""Records of the search for pictures: hints, layouts of strips, found pictures.

These are plain records of arrays and numbers; they are made in ``detect``.
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
    """A hint from other strips of a roll: format, and width over height of a picture."""

    form: str
    aspect: float


@dataclass(frozen=True)
class FoundPicture:
    """One picture: corners (4, 2) as x, y in cells of the small picture, in the strip's order.

    ``turn`` is the rotation of its strip in degrees counter-clockwise; ``upright`` is whether
    the strip runs down the scan; ``why`` is the reason if it is not sure.
    """

    corners: Floats
    turn: float
    upright: bool
    sure: bool
    why: str


@dataclass(frozen=True)
class Layout:
    """The interpretation of a strip; ``rivals`` explain it almost as well.

    ``unexplained`` is the share of its exposed film that is in no picture. ``split`` is the
    number of pictures with a bare gap between clear edges in them, ``joined`` the number of
    neighbors without a visible edge or bare film between them.
    """

    strip: Strip
    form: Format
    rows: Rows
    row: Row
    spans: tuple[Span, ...]
    quality: float
    unexplained: float = 0.0
    split: int = 0
    joined: int = 0
    rivals: tuple[Layout, ...] = ()


@dataclass(frozen=True)
class Result:
    """All pictures of a scan, strip by strip; recognized formats; a hint for other scans."""

    pictures: tuple[FoundPicture, ...]
    forms: tuple[str, ...]
    turn: float
    hint: Hint | None = None
    layouts: tuple[Layout, ...] = ()
