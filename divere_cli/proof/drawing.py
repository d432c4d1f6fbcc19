"""Draw a sheet: tiles on a gray background, with labels and a title.

Covers the work with Pillow: pasting pictures, text in its built-in font, the file. The
content of tiles is made in :mod:`divere_cli.proof.task`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from divere_cli.proof.layout import Layout
from divere_cli.text import safe

Codes = NDArray[np.uint8]

# Gray of a viewing booth (ISO 3664: about 20 % of light), and colors of text on it.
GROUND, LETTERS, FAINT, EMPTY = (124, 124, 124), (12, 12, 12), (235, 235, 235), (96, 96, 96)
QUALITY = 92
RESOLUTION = 200.0  # of a PDF page, pixels per inch


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: ``picture`` (rows, columns, 1 or 3) of code values, or None."""

    lines: tuple[str, ...]
    at: tuple[float, int]
    picture: Codes | None
    center: bool = False


def sheet(layout: Layout, tiles: Sequence[Tile], title: str) -> Image.Image:
    """Draw a sheet.

    Parameters
    ----------
    layout : Layout
        Positions and sizes of the tiles.
    tiles : sequence of Tile
        Pictures and labels.
    title : str
        The title.
    """
    page = Image.new("RGB", (layout.width, layout.height), GROUND)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(layout.font)
    heading = ImageFont.load_default(round(layout.font * 1.2))
    room = layout.width - 2 * layout.gap
    line = _fitting(pen, title, heading, room)
    pen.text((layout.gap, layout.head // 2), line, fill=LETTERS, font=heading, anchor="lm")
    for tile in tiles:
        _tile(page, pen, font, layout, tile)
    return page


def save(file: IO[bytes], pages: Sequence[Image.Image], form: str, icc: bytes) -> None:
    """Write the pages: the only page as a picture, or all as a PDF.

    Parameters
    ----------
    file : IO[bytes]
        The open file.
    pages : sequence of Image.Image
        The pages.
    form : str
        Pillow's name of the format.
    icc : bytes
        ICC profile to embed.
    """
    first, more_pages = pages[0], list(pages[1:])
    if form == "PDF":
        first.save(
            file,
            "PDF",
            save_all=True,
            append_images=more_pages,
            resolution=RESOLUTION,
            quality=QUALITY,
        )
    elif form == "PNG":
        first.save(file, "PNG", icc_profile=icc, compress_level=3)
    else:
        first.save(file, "JPEG", quality=QUALITY, icc_profile=icc, subsampling=0)


def _tile(
    page: Image.Image, pen: ImageDraw.ImageDraw, font: Any, layout: Layout, tile: Tile
) -> None:
    left, top = layout.top_left(tile.at)
    box = (left, top, left + layout.tile_width, top + layout.tile_height)
    if tile.picture is None:
        pen.rectangle(box, fill=EMPTY)
    else:
        codes = tile.picture
        picture = Image.fromarray(codes[..., 0] if codes.shape[2] == 1 else codes).convert("RGB")
        inset_x = (layout.tile_width - picture.width) // 2
        inset_y = (layout.tile_height - picture.height) // 2
        page.paste(picture, (left + inset_x, top + inset_y))
    if tile.center:
        thick = max(1, layout.gap // 4)
        frame = (box[0] - thick, box[1] - thick, box[2] + thick - 1, box[3] + thick - 1)
        pen.rectangle(frame, outline=FAINT, width=thick)
    height = top + layout.tile_height + layout.font // 3
    for index, line in enumerate(tile.lines):
        fitted = _fitting(pen, line, font, layout.tile_width)
        at = (left, height + index * round(layout.font * 1.3))
        pen.text(at, fitted, fill=FAINT if index == 0 else LETTERS, font=font)


def _fitting(pen: ImageDraw.ImageDraw, text: str, font: Any, room: int) -> str:
    """Return the text, shortened to the available width by ``…`` in its middle."""
    text = safe(text)
    if pen.textlength(text, font=font) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        keep = (low + high + 1) // 2
        if pen.textlength(_short(text, keep), font=font) <= room:
            low = keep
        else:
            high = keep - 1
    return _short(text, low)


def _short(text: str, keep: int) -> str:
    head = (keep + 1) // 2
    return text[:head] + "…" + text[len(text) - (keep - head) :]
