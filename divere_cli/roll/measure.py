"""The measure task: reads one scan and returns its statistics; writes nothing.

Covers reading in bands, reducing to cells, and the statistics of the cells of each frame.
Runs in a worker like any other task. The parent decides by the results
(:mod:`divere_cli.roll.decide`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import print_stock
from divere_cli.color.density import fold
from divere_cli.color.primaries import conversion
from divere_cli.develop import deskew, source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult
from divere_cli.roll import chroma, lines, plain_areas, regions
from divere_cli.roll.downsample import Grid, Reduction, reduce
from divere_cli.roll.measurement import (
    AREAS,
    ChromaMap,
    FilmBase,
    FrameLooks,
    FrameMeasurement,
    Measurement,
    PlainArea,
    PlainColor,
    to_json,
)

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]

PERCENTILES = range(101)
ENDS = (5, 95)  # percentiles of brightness: mid-tones lie between
THIN, DENSE, THIN_END = 2, 97, 1  # percentiles of the inner picture
TEXTURED = 0.02  # density between neighboring cells
# Density above bare film: thinner cells (rebate, a black border) do not count for brightness, and
# up to the end of the film's toe, where its three layers diverge, not for chroma.
ABOVE_BASE, ABOVE_TOE = 0.1, 0.2
THIN_TOE, FLAT, LONG = 0.15, 0.5, 0.7  # the same above a thin end, by the picture's span
LEAST_CELLS = 64
PLATEAU = 0.05  # density; a window that a bare or a fogged piece of film fits into
EMPTY = ChromaMap(0, ())


def measure(job: Job, progress: Progress) -> TaskResult:
    """Measure the frames of a scan.

    Parameters
    ----------
    job : Job
        ``frames`` have crop and recipe; gains are taken as zero. ``base_region`` may be
        outside of the crops; ``film_base`` has priority over it. ``parameters`` is ``AREAS``
        for a gray frame. With ``film_edge``, the code at the film's edge is read, too.
    progress : Progress

    Returns
    -------
    TaskResult
        With ``measurement``, and ``film_edge`` where it was read.

    Raises
    ------
    ScanError
        As the reader and the recipe raise it.
    """
    crops = [(frame.crop, frame.turn) for frame in job.frames]
    crops += [(crop, 0.0) for crop in filter(None, [job.base_region])]
    with progress.stage("read"), source.open(job) as scan:
        head = scan.header
        full = {"uint8": 255.0, "uint16": 65535.0}.get(head.layout.dtype, 1.0)
        view = EdgeView(head) if job.film_edge else None
        boxes = [_box(crop, turn, head.width, head.height) for crop, turn in crops]
        bands = _watched(scan, progress, head.height, view)
        grids = reduce(bands, [Reduction(box, full) for box in boxes])
        warnings = scan.scan.warnings
        rendered = scan.scan.header.bits == 8
        edge = view.read() if view is not None else None
    with progress.stage("grade"):
        bare = None if job.base_region is None else grids[-1]
        frames = tuple(
            examine(
                grid,
                frame.recipe,
                _known_base(job, bare, frame.recipe),
                rendered=rendered,
                areas=job.parameters == AREAS,
            )
            for grid, frame in zip(grids, job.frames, strict=False)
        )
    return TaskResult(
        width=head.width,
        height=head.height,
        warnings=tuple(warnings),
        measurement=to_json(Measurement(frames)),
        film_edge=edge,
    )


def examine(
    grid: Grid,
    recipe: Recipe,
    known_base: regions.Base | None = None,
    *,
    rendered: bool = False,
    areas: bool = False,
) -> FrameLooks | None:
    """Return the statistics of one frame; None if nothing on it can be measured.

    Parameters
    ----------
    grid : Grid
        The frame as a grid of cells.
    recipe : Recipe
        The grade with every name resolved.
    known_base : regions.Base, optional
        The film base in the preset.
    rendered : bool, default False
        Whether the scan was made for viewing.
    areas : bool, default False
        Whether to find plain areas in the middle, one of which may be a gray card.
    """
    linear = _working(grid.mean, recipe)
    density = -np.log10(np.maximum(linear, regions.DARKEST))
    valid = (linear > regions.DARKEST).all(axis=2) & ~grid.clipped
    parts = regions.find(linear, grid.clipped, recipe.film.invert)
    frame = _Frame(grid, recipe, density, rendered)
    bare = frame.look(parts)
    if bare is None:
        return None
    colors = lines.plain(density, valid) if recipe.film.invert else ()
    plain, looks = [], [bare]
    for color in colors:
        base = regions.Base(color.density, "plain", 0, 0.0)
        look = frame.look(regions.around(density, grid.clipped, base))
        plain.append(_plain(color, recipe))
        looks.append(bare if look is None else look)
    given_look = (
        None
        if known_base is None
        else frame.look(regions.around(density, grid.clipped, known_base))
    )
    inside = density[lines.inner(valid.shape) & valid]
    inside = inside if len(inside) else density[parts.picture]
    return FrameLooks(
        plain=tuple(plain),
        looks=tuple(looks),
        thin=_triple(np.percentile(inside, THIN, axis=0)),
        dense=_triple(np.percentile(inside, DENSE, axis=0)),
        thin_end=_rounded(np.percentile(inside.mean(axis=1), THIN_END)),
        given=given_look,
        areas=tuple(_area(area, recipe) for area in plain_areas.find(density, valid))
        if areas
        else (),
    )


@dataclass(frozen=True)
class _Frame:
    """The cells of a frame, measured with several candidates for its film base."""

    grid: Grid
    recipe: Recipe
    density: Floats
    rendered: bool

    def look(self, parts: regions.Regions) -> FrameMeasurement | None:
        """Return the statistics of its picture; None if the picture is too small."""
        recipe, picture = self.recipe, parts.picture
        if picture.sum() < LEAST_CELLS:
            return None
        colors = self.density[picture]
        film = colors.mean(axis=1)
        low, high = np.percentile(film, (2, 98))
        printed = _printed(10.0**-colors, recipe)
        luma = printed.mean(axis=1)
        above, toe = _floors(parts.base, float(high - low))
        exposed = film > above
        exposed = exposed if exposed.sum() >= LEAST_CELLS else np.ones_like(exposed)
        ends = np.percentile(luma[exposed], ENDS)
        middle = (luma >= ends[0]) & (luma <= ends[1]) & (film > toe)
        maps, (u, v, spread) = (EMPTY, EMPTY), (0.0, 0.0, 0.0)
        if int(middle.sum()) >= LEAST_CELLS:
            maps = chroma.maps(printed[middle], luma[middle], recipe.density_gamma)
            u, v, spread = chroma.center(printed[middle], luma[middle])
        return FrameMeasurement(
            cells=int(picture.size),
            picture_cells=int(picture.sum()),
            pixels_per_cell=self.grid.pixels_per_cell,
            excluded={
                "outside": int(parts.outside.sum()),
                "rebate": int(parts.rebate.sum()),
                "clipped": int((self.grid.clipped & ~parts.outside).sum()),
            },
            base=_base(parts.base, recipe),
            lumas=tuple(_rounded(v) for v in np.percentile(luma, PERCENTILES)),
            span=_rounded(high - low),
            plateau=_rounded(plateau(luma)),
            texture=_rounded(texture(self.density.mean(axis=2), picture)),
            chroma=(_rounded(u), _rounded(v)),
            chroma_spread=_rounded(spread),
            gray_scatter=_rounded(gray_scatter(colors)),
            target=_rounded(print_stock.middle(recipe)),
            contrast=_rounded(recipe.density_gamma),
            presence=maps[0],
            counts=maps[1],
            rendered=self.rendered,
        )


def texture(density: Floats, picture: NDArray[np.bool_]) -> float:
    """Return the share of the picture's cells that differ from a neighbor by more than grain.

    Parameters
    ----------
    density : Floats
        Densities, shape (rows, columns, channels).
    picture : ndarray of bool
        Cells of the picture, shape (rows, columns).
    """
    along = np.abs(np.diff(density, axis=1))[picture[:, 1:] & picture[:, :-1]]
    down = np.abs(np.diff(density, axis=0))[picture[1:] & picture[:-1]]
    both = np.concatenate([along, down])
    return float((both > TEXTURED).mean()) if len(both) else 0.0


def gray_scatter(colors: Floats) -> float:
    """Return how far red and blue lie from a straight line over green, the larger of the two.

    Parameters
    ----------
    colors : Floats
        Densities, shape (n, 3).
    """
    green = colors[:, 1] - colors[:, 1].mean()
    power = max(float(np.square(green).sum()), 1e-9)
    scatters = []
    for channel in (0, 2):
        values = colors[:, channel] - colors[:, channel].mean()
        scatters.append(float((values - green * ((values * green).sum() / power)).std()))
    return max(scatters)


def _known_base(job: Job, bare: Grid | None, recipe: Recipe) -> regions.Base | None:
    """Return the film base in the preset, else that of the region that the preset names."""
    if not recipe.film.invert:
        return None
    if job.film_base is not None:
        return regions.Base(np.array(job.film_base), "profile", 0, 0.0)
    if bare is None:
        return None
    return regions.bare_region(_working(bare.mean, recipe), bare.clipped)


def _floors(base: regions.Base | None, span: float) -> tuple[float, float]:
    """Return the least film densities of cells that count for brightness, and for chroma.

    Without bare film, the thin end of a picture with a long range is assumed to be on the toe.
    That of a flat picture is not: without its shadows, the sky would decide (0.06 off on
    synthetic rolls).
    """
    if base is None:
        return -np.inf, -np.inf
    thin = float(base.density.mean())
    if base.source == "thin end":
        reach = min(1.0, max(0.0, (span - FLAT) / (LONG - FLAT)))
        return -np.inf, thin + reach * THIN_TOE
    return thin + ABOVE_BASE, thin + ABOVE_TOE


def _printed(linear: Floats, recipe: Recipe) -> Floats:
    """Return print densities, by steps 4 to 8 of the grade with gains of zero; gray is equal."""
    density = fold(replace(recipe, rgb_gains=(0.0, 0.0, 0.0))).of(linear)
    return np.asarray(density - print_stock.offsets(recipe))


def plateau(luma: Floats) -> float:
    """Return the share of cells in the two fullest windows of brightness; near 1: no picture.

    Parameters
    ----------
    luma : Floats
        Brightness, shape (n,).
    """
    ordered = np.sort(luma)
    fullness = np.searchsorted(ordered, ordered + PLATEAU, side="right") - np.arange(len(ordered))
    best = int(np.argmax(fullness))
    remaining = np.delete(ordered, np.arange(best, best + fullness[best]))
    fuller = np.searchsorted(remaining, remaining + PLATEAU, side="right") - np.arange(
        len(remaining)
    )
    return float((fullness[best] + fuller.max(initial=0)) / len(ordered))


def _working(mean: Floats, recipe: Recipe) -> Floats:
    """Return linear light in the working space, by steps 2 and 3 of the grade."""
    gamma = recipe.input_space.gamma
    linear = mean if gamma == 1.0 else np.clip(mean, 0.0, 1.0) ** gamma
    return np.asarray(
        linear @ conversion(recipe.input_space, recipe.working_space, recipe.adaptation).T
    )


def _base(base: regions.Base | None, recipe: Recipe) -> FilmBase:
    if base is None:
        return FilmBase((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "thin end", 0, 0.0)
    return FilmBase(
        density=_triple(base.density),
        printed=_triple(_printed(10.0 ** -base.density[None, :], recipe)[0]),
        source=base.source,
        cells=base.cells,
        spread=_rounded(base.spread),
    )


def _area(area: plain_areas.Area, recipe: Recipe) -> PlainArea:
    printed = _printed(10.0 ** -area.density[None, :], recipe)[0]
    return PlainArea(_triple(area.density), _triple(printed), _rounded(area.share))


def _plain(color: lines.PlainColor, recipe: Recipe) -> PlainColor:
    printed = _printed(10.0 ** -color.density[None, :], recipe)[0]
    return PlainColor(
        density=_triple(color.density),
        printed=_triple(printed),
        sides=color.sides,
        lines=color.lines,
        blank=color.blank,
    )


def _box(crop: Box, turn: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a crop in pixels; of a turned picture only what has no film beside it."""
    x, y, w, h = crop
    x0, y0 = min(round(x * width), width - 1), min(round(y * height), height - 1)
    x1, y1 = max(round((x + w) * width), x0 + 1), max(round((y + h) * height), y0 + 1)
    return deskew.inside((x0, y0, min(x1, width), min(y1, height)), turn)


def _watched(scan: source.Source, progress: Progress, height: int, view: EdgeView | None) -> Any:
    for first, band in scan.bands():
        if view is not None:
            view.take(first, band)
        yield first, band
        progress.advance((first + len(band)) / height)


def _triple(values: Floats) -> tuple[float, float, float]:
    red, green, blue = (_rounded(v) for v in values)
    return red, green, blue


def _rounded(value: Any) -> float:
    return round(float(value), 5)
