"""Positions of the tiles on a sheet, in pixels. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

LEAST_TILE = 8  # pixels: a smaller one shows nothing


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a sheet, of a tile's picture, and of the spaces between them.

    ``font`` is the height of the letters, ``gap`` lies between tiles and around them,
    ``head`` is the height of the title, ``label`` that of the lines under a tile.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    gap: int
    head: int
    label: int
    font: int

    def top_left(self, at: tuple[float, int]) -> tuple[int, int]:
        """Return left and top of the tile in a column (halves are allowed) and a row."""
        column, row = at
        left = self.gap + round(column * (self.tile_width + self.gap))
        top = self.head + self.gap + row * (self.tile_height + self.label + self.gap)
        return left, top


def fitted(places: Sequence[tuple[float, int]], aspect: float, lines: int, size: int) -> Layout:
    """Return the layout of tiles at ``places`` whose long edge is ``size`` pixels.

    Parameters
    ----------
    places : sequence
        Column and row of each tile.
    aspect : float
        Width by height of a tile's picture.
    lines : int
        Lines of text under each tile.
    size : int
        Long edge of the sheet, pixels.
    """
    columns = max(column for column, _ in places) + 1.0
    rows = max(row for _, row in places) + 1
    wide = size / (columns + 0.03 * (columns + 1.0))
    while True:
        layout = _layout(columns, rows, max(wide, LEAST_TILE), aspect, lines)
        longest = max(layout.width, layout.height)
        if longest <= size and layout.width >= layout.height:
            return replace(layout, width=size)
        if longest <= size:
            return replace(layout, height=size)
        if wide <= LEAST_TILE:
            return layout
        wide = min(wide - 1.0, wide * size / max(layout.width, layout.height) + 0.5)


def _layout(columns: float, rows: int, wide: float, aspect: float, lines: int) -> Layout:
    width, height = int(wide), max(1, int(wide / aspect))
    gap = max(2, round(0.03 * max(width, height)))
    font = max(9, round(max(width, height) / 24))
    label = round(font * 1.3) * lines + font // 3
    head = round(font * 2.2)
    return Layout(
        width=round(columns * (width + gap)) + gap,
        height=head + rows * (height + label + gap) + gap,
        tile_width=width,
        tile_height=height,
        gap=gap,
        head=head,
        label=label,
        font=font,
    )
