"""Find film and bare film on a small picture of a scan.

Covers holder, light beside the film and in its holes, the color of bare film, and the
density over bare film, corrected for slow changes of the light over the scan. The
positions of pictures on the film are found elsewhere.

The holder is darker than any film: a leader of real film has 1.1 to 1.3 % of the light of
its base, so the limit is 0.4 %. Light and bare film are distinguished by their
surroundings: light is surrounded by an even rim of bare film, bare film by pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.smoothing import grown

Floats = NDArray[np.float64]
Picture = NDArray[np.float32]
Bools = NDArray[np.bool_]

DARKEST = 1e-5
HOLDER, DEEPEST = 0.004, 0.008  # shares of bare film's light
DEEP_SHARE = 0.1  # share of the border of the scan
FULL = 0.985
PLATEAU, PLATEAU_SHARE, ALIKE = 0.05, 0.01, 0.08
SAMPLE = 40_000  # number of cells sampled for a color
APART = 0.16  # density from light to bare film, at least
# Limits for the rim beside light: even, of one color as far as the light is even, with
# hardly any intermediate values.
RIM_EVEN, RIM_EVEN_SHARE, RIM_SOFT = 0.2, 0.6, 0.15
RIM_ALIKE, RIM_SHARE = 0.15, 0.45
LEAST_RIM, LEAST_BORDER = 64, 0.1  # cells; share of the border of the scan
LEAST_STRIP, RIM_STRIPS = 0.05, 0.6  # shares of the scan, and of all cells beside the light
FOGGED, LEAST_THIN = 1.0, 0.3  # density over bare film; share of a rim that is not fogged
LIGHT_STEP = 0.4  # share of the way from bare film to light
LIGHT_ALIKE = 0.6  # of the other share: how far from the light's own level is light for certain
GROWN = 2
BESIDE, HELD = 4, 0.25  # cells beside a piece; share of holder among them if the piece is held
COARSE = 6
FIT_REACH, FIT_RIDGE = (0.06, 0.08, 0.08, 0.06, 0.05, 0.05), 0.002


@dataclass(frozen=True)
class Film:
    """A small picture with classified cells.

    Attributes
    ----------
    density : ndarray
        ``(rows, columns, channels)`` float32.
    clear : ndarray
        Cells that contain only film: cells next to holder and holes are left out.
    area : ndarray
        Film and its holes: the pieces of film as they lie in the scan.
    holes : ndarray
        Light within the film.
    holder : ndarray
        Cells that let no light through.
    lamp : bool
        Whether unclipped light was distinguished from bare film.
    """

    density: Picture
    clear: Bools
    area: Bools
    holes: Bools
    holder: Bools
    lamp: bool


@dataclass(frozen=True)
class Piece:
    """One piece of film: its position, and its density over bare film.

    Attributes
    ----------
    top, left : int
        Corner of its bounding box, cells.
    over : ndarray
        ``(rows, columns)`` float32, mean of the channels.
    clear, area, holes : ndarray
        As in :class:`Film`, for this piece.
    noise : float
        Standard deviation of a cell on bare film.
    bare : float
        Share of the piece that is bare.
    rim : tuple of bool
        Whether it touches the border of the scan: above, below, left, right.
    free : bool
        Whether it is surrounded by light: then its edges are those of the film, not of a holder.
    """

    top: int
    left: int
    over: Picture
    clear: Bools
    area: Bools
    holes: Bools
    noise: float
    bare: float
    rim: tuple[bool, bool, bool, bool]
    free: bool


def sort(light: Picture, lamps: bool = True) -> Film | None:
    """Classify the cells of a scan as film, holder and light; None if there is no film.

    Parameters
    ----------
    light : Picture
        Linear light, shape (rows, columns, 1 or 3).
    lamps : bool, default True
        Whether bright plain areas may be light; without, only clipped ones are.
    """
    density = -np.log10(np.maximum(light, np.float32(DARKEST)))
    full = light.min(axis=2) >= FULL
    base, lamp = _bare(density, ~full)
    if base is None:
        return None
    holder = _holder(light, base)
    base, lamp = _bare(density, ~full & ~holder)
    if base is None:
        return None
    lit = full
    if lamp is not None and lamps:
        mean = density.mean(axis=2)
        over = mean - _surface(density, mean, base, ~(full | holder))
        step = float((base - lamp).mean())
        lit = full | (over < -LIGHT_STEP * step)
        # Strips of other bases bend the level of bare film: the level of the light counts, too.
        above = mean - _surface(density, mean, lamp, ~(full | holder))
        lit |= above < (1 - LIGHT_STEP) * LIGHT_ALIKE * step
    dark = lit | holder
    beside = joined(dark)
    area = ~(holder | (lit & beside))
    lamp_found = lamp is not None and lamps
    return Film(density, ~grown(dark, GROWN), area, lit & area, holder, lamp_found)


def piece_of(film: Film, mask: Bools, lamps: bool = True) -> Piece | None:
    """Return a piece of film with its own base; None if too little of it is visible.

    Parameters
    ----------
    film : Film
        The classified cells.
    mask : Bools
        The mask, shape (rows, columns).
    lamps : bool, default True
        Whether bright plain areas may be light; without, only clipped ones are.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    area, density = mask[box], film.density[box]
    clear = film.clear[box] & area
    base, lamp = _bare(density, clear)
    if base is None:
        return None
    if film.lamp or not lamps:
        base = thinnest(density, clear)
    assert base is not None
    mean = density.mean(axis=2)
    over = mean - _surface(density, mean, base, clear)
    holes = film.holes[box] & area
    if lamp is not None and lamps and not film.lamp and not holes.any():
        # A scan of several films: light was not distinguished from their different bases.
        lit = area & (over < -LIGHT_STEP * float((base - lamp).mean()))
        holes, clear = holes | lit, clear & ~grown(lit, GROWN)
    bare = clear & (np.abs(over) < PLATEAU)
    share = float(bare.sum() / max(1, clear.sum()))
    height, width = mask.shape
    rim = (rows[0] == 0, rows[-1] == height - 1, columns[0] == 0, columns[-1] == width - 1)
    return Piece(
        top=int(rows[0]),
        left=int(columns[0]),
        over=over,
        clear=clear,
        area=area,
        holes=holes,
        noise=_noise(over, bare),
        bare=share,
        rim=(bool(rim[0]), bool(rim[1]), bool(rim[2]), bool(rim[3])),
        free=_free(film, mask),
    )


def _free(film: Film, mask: Bools) -> bool:
    around = grown(mask, BESIDE) & ~mask
    return bool(around.any() and film.holder[around].mean() < HELD)


def _bare(density: Picture, among: Bools) -> tuple[Floats | None, Floats | None]:
    """Return the color of bare film, and that of the light if visible and not clipped."""
    first = thinnest(density, among)
    if first is None:
        return None, None
    alike = _alike(density, first) & among
    near = grown(alike, GROWN)
    rim = grown(near, GROWN) & ~near & among
    second = thinnest(density, among & ~near)
    if second is None:
        return first, None
    remaining = among & ~near
    if _is_rim_of_light(density, rim, first, second):
        return second, first
    border = np.concatenate([near[0], near[-1], near[:, 0], near[:, -1]])
    if border.mean() < LEAST_BORDER:  # light around strips reaches the border of the scan
        return first, None
    bases = _bases(density, remaining, rim, first)
    return (min(bases, key=lambda base: float(base.mean())), first) if bases else (first, None)


def _is_rim_of_light(density: Picture, rim: Bools, light: Floats, base: Floats) -> bool:
    """Return whether the cells beside a plateau are bare film of one color, and it is light."""
    if rim.sum() < LEAST_RIM or float((base - light).mean()) < APART:
        return False
    beyond = density[rim].mean(axis=1)
    middle = float(np.median(beyond))
    even = float((np.abs(beyond - middle) < RIM_EVEN).mean())
    between = float((beyond < 0.5 * (light.mean() + middle)).mean())
    alike = np.abs(density[rim] - base.astype(np.float32)).max(axis=1) < RIM_ALIKE
    return even >= RIM_EVEN_SHARE and between <= RIM_SOFT and float(alike.mean()) >= RIM_SHARE


def _bases(density: Picture, remaining: Bools, rim: Bools, light: Floats) -> list[Floats]:
    """Return the bare film of each strip, if light lies around strips of different bases."""
    bases: list[Floats] = []
    confirmed = rims = 0
    for piece in pieces(remaining, LEAST_STRIP):
        beside = rim & piece
        rims += int(beside.sum())
        base = thinnest(density, piece)
        if base is None:
            continue
        # A leader reaches the edge of its film: only what is not fogged must be bare.
        thin = beside & (density.mean(axis=2) < base.mean() + FOGGED)
        if thin.sum() < LEAST_THIN * beside.sum():
            continue
        if _is_rim_of_light(density, thin, light, base):
            bases.append(base)
            confirmed += int(beside.sum())
    return bases if len(bases) > 1 and confirmed >= RIM_STRIPS * rims else []


def _alike(density: Picture, color: Floats) -> Bools:
    off = np.abs(density - color.astype(np.float32))
    return np.asarray(off.max(axis=2) < ALIKE)


def thinnest(density: Picture, among: Bools) -> Floats | None:
    """Return the color of the thinnest plateau; None without one.

    Parameters
    ----------
    density : Picture
        Densities, shape (rows, columns, channels).
    among : Bools
        The cells to look at, shape (rows, columns).

    Returns
    -------
    Floats or None
        Densities of the channels, shape (channels,).
    """
    places = np.flatnonzero(among)
    if len(places) < 64:
        return None
    places = places[:: max(1, len(places) // SAMPLE)]
    colors = density.reshape(-1, density.shape[2])[places].astype(np.float64)
    mean = colors.mean(axis=1)
    luma = np.sort(mean)
    need = max(16, round(PLATEAU_SHARE * len(luma)))
    ends = np.searchsorted(luma, luma + PLATEAU, side="right")
    first = luma[int(np.argmax(ends - np.arange(len(luma)) >= need))]
    color = np.median(colors[(mean >= first) & (mean <= first + PLATEAU)], axis=0)
    for _ in range(2):
        alike = (np.abs(colors - color) < ALIKE).all(axis=1)
        if alike.any():
            color = np.median(colors[alike], axis=0)
    return np.asarray(color)


def _holder(light: Picture, base: Floats) -> Bools:
    """Return the cells connected to the border of the scan and darker than film can be.

    The limit follows the holder visible at the border, with stray light and the scanner's
    black, but stays below the darkest leaders of real film.
    """
    mean = _boxed(light.mean(axis=2)) / np.float32((10.0**-base).mean())
    rim = np.concatenate([mean[0], mean[-1], mean[:, 0], mean[:, -1]])
    deep = rim[rim < DEEPEST]
    limit = HOLDER
    if len(deep) >= DEEP_SHARE * len(rim):
        level = float(np.median(deep))
        spread = 1.4826 * float(np.median(np.abs(deep - level)))
        limit = min(max(HOLDER, level + 4.0 * spread), DEEPEST)
    dark = mean < limit
    return np.asarray(dark & joined(dark))


def _boxed(picture: Picture) -> Picture:
    """Return means of 3 by 3 cells, because the scanner's noise is large without light."""
    for axis in (0, 1):
        padded = np.pad(picture, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        lines = np.moveaxis(padded, axis, 0)
        thirds = (lines[:-2] + lines[1:-1] + lines[2:]) / np.float32(3)
        picture = np.asarray(np.moveaxis(thirds, 0, axis), np.float32)
    return picture


def joined(mask: Bools) -> Bools:
    """Return the cells of a mask that are connected with the border, to within a few cells.

    Parameters
    ----------
    mask : Bools
        The mask, shape (rows, columns).

    Returns
    -------
    Bools
        The cells, shape (rows, columns).
    """
    rows, columns = mask.shape
    small = coarse(mask)
    seeds = np.zeros_like(small)
    seeds[[0, -1]] = seeds[:, [0, -1]] = True
    reached = flood(small, seeds & small)
    cells = np.repeat(np.repeat(reached, COARSE, 0), COARSE, 1)[:rows, :columns]
    return cells & mask


def coarse(mask: Bools) -> Bools:
    """Return the squares of cells that are mostly in the mask.

    Parameters
    ----------
    mask : Bools
        The mask, shape (rows, columns).

    Returns
    -------
    Bools
        The squares, shape (rows, columns) of the squares.
    """
    rows, columns = mask.shape
    sums = np.add.reduceat(mask.astype(np.int32), np.arange(0, rows, COARSE), axis=0)
    sums = np.add.reduceat(sums, np.arange(0, columns, COARSE), axis=1)
    down = np.diff(np.append(np.arange(0, rows, COARSE), rows))
    across = np.diff(np.append(np.arange(0, columns, COARSE), columns))
    return np.asarray(2 * sums >= down[:, None] * across)


def flood(through: Bools, seeds: Bools) -> Bools:
    """Return the cells that are connected with a seed by their sides.

    Parameters
    ----------
    through : Bools
        Cells that connect, shape (rows, columns).
    seeds : Bools
        Cells to start from, shape (rows, columns).

    Returns
    -------
    Bools
        The cells, shape (rows, columns).
    """
    reached = through & seeds
    while True:
        before = reached.sum()
        for turned in (reached, reached.T):
            mask = through if turned is reached else through.T
            _run(turned, mask)
            _run(turned[:, ::-1], mask[:, ::-1])
        if reached.sum() == before:
            return reached


def _run(reached: Bools, through: Bools) -> None:
    """Spread along rows to the right, in place."""
    number = np.cumsum(~through, axis=1)
    reached_number = np.where(reached, number, -1)
    np.maximum.accumulate(reached_number, axis=1, out=reached_number)
    reached |= through & (reached_number == number)


def pieces(area: Bools, least: float) -> list[Bools]:
    """Return the connected pieces of film, the largest first.

    Parameters
    ----------
    area : Bools
        The film, shape (rows, columns).
    least : float
        Least share of the scan.

    Returns
    -------
    list of Bools
        The pieces, each of shape (rows, columns).
    """
    rows, columns = area.shape
    remaining = coarse(area)
    result: list[Bools] = []
    while remaining.any():
        seeds = np.zeros_like(remaining)
        seeds[np.unravel_index(int(np.argmax(remaining)), remaining.shape)] = True
        piece = flood(remaining, seeds)
        remaining = remaining & ~piece
        if piece.sum() >= least * piece.size:
            cells = np.repeat(np.repeat(grown(piece, 1), COARSE, 0), COARSE, 1)
            result.append(cells[:rows, :columns] & area)
    return sorted(result, key=lambda piece: -int(piece.sum()))


def _surface(density: Picture, mean: Picture, base: Floats, film: Bools) -> Picture:
    """Return the level of bare film over the scan: a smooth surface, fitted step by step."""
    rows, columns = mean.shape
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    places = np.flatnonzero(film)
    places = places[:: max(1, len(places) // SAMPLE)]
    across, down = x[0, places % columns], y[places // columns, 0]
    basis = _terms(across.astype(np.float64), down.astype(np.float64))
    colors = density.reshape(-1, density.shape[2])[places].astype(np.float64)
    values, tints = colors.mean(axis=1), colors - colors.mean(axis=1, keepdims=True)
    tinted = (np.abs(tints - (base - base.mean())) < ALIKE).all(axis=1)
    level = np.full(len(values), float(base.mean()))
    fitted = np.array([float(base.mean()), 0, 0, 0, 0, 0])
    for reach in FIT_REACH:
        used = tinted & (np.abs(values - level) < reach)
        if used.sum() < 64:
            break
        part = basis[used]
        ridge = np.diag([0.0, 1, 1, 2, 2, 2]) * FIT_RIDGE * len(part)
        fitted = np.linalg.solve(part.T @ part + ridge, part.T @ values[used])
        level = basis @ fitted
    a, b, c, d, e, f = (np.float32(v) for v in fitted)
    return np.asarray(a + x * (b + d * x) + y * (c + f * y) + e * x * y)


def _terms(x: Floats, y: Floats) -> Floats:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _noise(over: Picture, bare: Bools) -> float:
    """Return the standard deviation of a cell on bare film, from neighbors."""
    if bare.sum() < 64:
        return 0.01
    both = bare[:, 1:] & bare[:, :-1]
    off = np.abs(np.diff(over, axis=1)[both])
    return max(1.4826 * float(np.median(off)) / 2**0.5, 0.001) if len(off) else 0.01
