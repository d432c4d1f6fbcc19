"""Fit a density matrix, gains and a tone curve, so that a chart prints in its own colors.

Covers two steps: least squares in density, which weights black like white, then Gauss-Newton
on Lab, with numerical slopes of the print. Several scans share the matrix and the curve and
have gains of their own; several sets of patches (each with some left out) are fitted at
once. The quality of the result is judged in :mod:`divere_cli.calibrate.judge`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.color_difference import ciede2000
from divere_cli.calibrate.print_model import Print
from divere_cli.color.curves import DENSITY_RANGE

Floats = NDArray[np.float64]

RIDGE = 0.05  # first step, on density squared: pulls towards the preset's matrix
PULL = 1.0  # second step, on Lab squared: pulls towards the first step's matrix
STIFF = 2000.0  # on Lab squared: pulls the tone curve towards a straight line
STEPS = 40
SETTLED = 1e-10
MOST_TONE = 1.0
LEAST_RISE = 0.2  # of a tone curve; a flat one would lose tones

# Where densities are: a print's black is 2 to 2.5 D, n = 0.5.
KNOTS = np.array([0.5, 0.625, 0.75, 0.875, 1.0])


@dataclass(frozen=True, slots=True)
class Task:
    """The data of a fit.

    ``film`` (n, 3) is the density that the matrix is applied to, ``scan`` (n,) the index of
    the scan of each patch, ``reference`` (n, 3) its Lab, ``printer`` the print, ``start`` the
    preset's matrix, ``free`` (k, 3, 3) the directions in which the matrix may change.
    """

    film: Floats
    scan: NDArray[np.int64]
    reference: Floats
    printer: Print
    start: Floats
    free: Floats

    @property
    def scans(self) -> int:
        """Number of scans."""
        return int(self.scan.max()) + 1


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fits, one for each set of weights: ``matrix`` (f, 3, 3), ``offset`` (f, scans, 3).

    Density before the curves is ``matrix @ film + offset``; ``tone`` (f, 5) are the values
    of the tone curve at :data:`KNOTS`.
    """

    matrix: Floats
    offset: Floats
    tone: Floats


def directions(chart_lab: Floats, start: Floats, gray_chroma: float = 8.0) -> Floats:
    """Return the directions that a chart can determine: all nine, or the rows' contrasts.

    Parameters
    ----------
    chart_lab : Floats
        Lab of the patches, shape (n, 3).
    start : Floats
        The matrix that the fit starts from, shape (3, 3).
    gray_chroma : float, default 8.0
        Chroma below which a patch is gray.

    Returns
    -------
    Floats
        The directions, shape (directions, 9).
    """
    if np.hypot(chart_lab[:, 1], chart_lab[:, 2]).max() < gray_chroma:
        rows = np.zeros((3, 3, 3))
        rows[range(3), range(3)] = start
        return rows
    return np.eye(9).reshape(9, 3, 3)


def lab(task: Task, fitted: Fitted) -> Floats:
    """Return Lab of all patches by each fit.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    fitted : Fitted
        The fits.

    Returns
    -------
    Floats
        Lab, shape (fits, patches, 3).
    """
    return task.printer.lab(_toned(_density(task, fitted), fitted.tone))


def errors(task: Task, fitted: Fitted) -> Floats:
    """Return the CIEDE2000 difference of all patches by each fit.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    fitted : Fitted
        The fits.

    Returns
    -------
    Floats
        Differences, shape (fits, patches).
    """
    return ciede2000(lab(task, fitted), task.reference[None])


def fit(task: Task, weights: Floats) -> Fitted:
    """Fit each set of weights; a patch with weight 0 does not count.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    weights : Floats
        Weights, shape (fits, patches); 0 leaves a patch out.
    """
    return on_lab(task, weights, linear(task, weights), toned=False)


def bent(task: Task, weights: Floats, straight: Fitted) -> Fitted:
    """Fit a tone curve, too, starting from the result of :func:`fit`.

    When started from the first step's matrix, half of the fits of one chart ended at another
    minimum than the others (mean 3.8 instead of 2.9), and leave-one-out was not reliable.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    weights : Floats
        Weights, shape (fits, patches); 0 leaves a patch out.
    straight : Fitted
        The fits without a tone curve.
    """
    return on_lab(task, weights, straight, toned=True)


def linear(task: Task, weights: Floats) -> Fitted:
    """Fit by least squares in density before the curves: the first step.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    weights : Floats
        Weights, shape (fits, patches); 0 leaves a patch out.
    """
    target = task.printer.density(task.reference)
    member = (task.scan[None, :] == np.arange(task.scans)[:, None]).astype(np.float64)
    share = member[None] * weights[:, None, :]
    total = np.maximum(share.sum(axis=2), 1e-12)[..., None]
    film_mean = np.einsum("fen,ni->fei", share, task.film) / total
    print_mean = np.einsum("fen,ni->fei", share, target) / total
    x = task.film[None] - film_mean[:, task.scan]
    y = target[None] - print_mean[:, task.scan] - np.einsum("ij,fnj->fni", task.start, x)
    # the change of the matrix is a sum of directions: x times each of them, (f, n, 3, k)
    design = np.einsum("kij,fnj->fnik", task.free, x)
    gram = np.einsum("fn,fnik,fnil->fkl", weights, design, design)
    gram += RIDGE * np.eye(len(task.free))
    right = np.einsum("fn,fnik,fni->fk", weights, design, y)
    change = np.linalg.solve(gram, right[..., None])[..., 0]
    matrix = task.start + np.einsum("fk,kij->fij", change, task.free)
    offset = print_mean - np.einsum("fij,fej->fei", matrix, film_mean)
    return Fitted(matrix, offset, np.tile(KNOTS, (len(weights), 1)))


def on_lab(task: Task, weights: Floats, first: Fitted, *, toned: bool) -> Fitted:
    """Fit on Lab by damped Gauss-Newton, a and b scaled as in CIE94: the second step.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    weights : Floats
        Weights, shape (fits, patches); 0 leaves a patch out.
    first : Fitted
        Where to start.
    toned : bool
        Whether a tone curve is fitted, too.
    """
    chroma = np.hypot(task.reference[:, 1], task.reference[:, 2])
    scale = np.stack([np.ones_like(chroma), *[1.0 / (1.0 + 0.045 * chroma)] * 2], axis=1)
    scale = scale[None] * np.sqrt(weights)[..., None]
    now, damping = first, np.full(len(weights), 1e-3)
    cost = _cost(task, now, first, scale)
    for _ in range(STEPS):
        system, slope = _system(task, now, first, scale, toned)
        diagonal = np.einsum("fii->fi", system)
        damped = system + (damping[:, None] * diagonal)[:, :, None] * np.eye(system.shape[1])
        step = np.linalg.solve(damped, -slope[..., None])[..., 0]
        tried = _moved(task, now, step, toned)
        then = _cost(task, tried, first, scale)
        better = then < cost
        now = _chosen(better, tried, now)
        gain = np.where(better, cost - then, np.inf)
        damping = np.where(better, np.maximum(damping / 8.0, 1e-9), np.minimum(damping * 8.0, 1e9))
        cost = np.where(better, then, cost)
        if (gain < SETTLED * np.maximum(cost, 1.0)).all():
            break
    return now


def shifts(task: Task, fitted: Fitted) -> Floats:
    """Return how much darker each patch prints than it should.

    This is the common shift of all three densities that explains most of the difference.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    fitted : Fitted
        The fits.

    Returns
    -------
    Floats
        Densities, shape (fits, patches).
    """
    after = _toned(_density(task, fitted), fitted.tone)
    together = task.printer.slopes(after).sum(axis=-1)
    off = task.printer.lab(after) - task.reference[None]
    return np.asarray((together * off).sum(axis=-1) / np.maximum((together**2).sum(axis=-1), 1e-9))


def _density(task: Task, fitted: Fitted) -> Floats:
    before = np.einsum("fij,nj->fni", fitted.matrix, task.film)
    return np.asarray(before + fitted.offset[:, task.scan])


def _hats(density: Floats) -> tuple[Floats, Floats]:
    """Return the weight of each knot at a density, ``(..., 5)``, and the curve's input."""
    n = 1.0 - np.clip(density / DENSITY_RANGE, 0.0, 1.0)
    position = (n[..., None] - KNOTS) / (KNOTS[1] - KNOTS[0])
    hats = np.maximum(0.0, 1.0 - np.abs(position))
    low = n < KNOTS[0]
    hats[..., 0] = np.where(low, n / KNOTS[0], hats[..., 0])
    return hats, n


def _toned(density: Floats, tone: Floats) -> Floats:
    """Apply the tone curve: straight from (0, 0) to the first knot, then from knot to knot."""
    straight = (tone == KNOTS).all()
    if straight:
        return density
    hats, _ = _hats(density)
    n = np.einsum("fnck,fk->fnc", hats, tone)
    return np.asarray((1.0 - n) * DENSITY_RANGE)


def _rises(density: Floats, tone: Floats) -> Floats:
    """Return the slope of the tone curve at each density."""
    n = 1.0 - np.clip(density / DENSITY_RANGE, 0.0, 1.0)
    slopes = np.diff(tone, axis=1) / np.diff(KNOTS)
    slopes = np.concatenate([tone[:, :1] / KNOTS[0], slopes], axis=1)
    segment = np.clip(np.searchsorted(KNOTS, n, side="right"), 0, len(KNOTS) - 1)
    rises = np.take_along_axis(slopes, segment.reshape(len(tone), -1), axis=1).reshape(n.shape)
    return np.asarray(np.where((density < 0.0) | (density > DENSITY_RANGE), 0.0, rises))


def _cost(task: Task, fitted: Fitted, first: Fitted, scale: Floats) -> Floats:
    residual = (lab(task, fitted) - task.reference[None]) * scale
    away = ((fitted.matrix - first.matrix) ** 2).sum(axis=(1, 2))
    bent = ((fitted.tone - KNOTS) ** 2).sum(axis=1)
    return np.asarray((residual**2).sum(axis=(1, 2)) + PULL * away + STIFF * bent)


def _system(
    task: Task, now: Fitted, first: Fitted, scale: Floats, toned: bool
) -> tuple[Floats, Floats]:
    """Return the normal equations: matrix ``(f, p, p)`` and slope of half the cost ``(f, p)``."""
    before = _density(task, now)
    after = _toned(before, now.tone)
    residual = (task.printer.lab(after) - task.reference[None]) * scale
    by_print = task.printer.slopes(after) * scale[..., None]
    by_density = by_print * _rises(before, now.tone)[:, :, None, :] if toned else by_print
    turned = np.einsum("kij,nj->nik", task.free, task.film)
    parts = [np.einsum("fnri,nik->fnrk", by_density, turned)]
    member = (task.scan[:, None] == np.arange(task.scans)).astype(np.float64)
    by_offset = np.einsum("fnri,ne->fnrei", by_density, member)
    parts.append(by_offset.reshape(*by_offset.shape[:3], -1))
    if toned:
        hats, _ = _hats(before)
        parts.append(np.einsum("fnri,fnik->fnrk", by_print, -DENSITY_RANGE * hats))
    jacobian = np.concatenate(parts, axis=-1)
    away = np.einsum("kij,fij->fk", task.free, now.matrix - first.matrix)
    pull = np.einsum("kij,lij->kl", task.free, task.free) * PULL
    count = jacobian.shape[-1]
    system = np.einsum("fnrp,fnrq->fpq", jacobian, jacobian)
    slope = np.einsum("fnrp,fnr->fp", jacobian, residual)
    k = len(task.free)
    system[:, :k, :k] += pull
    slope[:, :k] += PULL * away
    if toned:
        last = np.arange(count - len(KNOTS), count)
        system[:, last, last] += STIFF
        slope[:, last] += STIFF * (now.tone - KNOTS)
        _hold_end_points(system, slope, now.tone)
    return system + 1e-9 * np.eye(count), slope


def _hold_end_points(system: Floats, slope: Floats, tone: Floats) -> None:
    """Hold points of the tone curve that are at its limit and would exceed it.

    If they were cut off after the step, the step would be wrong for all others: fits then
    stopped half-way.
    """
    first = system.shape[1] - len(KNOTS)
    for knot in range(len(KNOTS)):
        at = first + knot
        stays = (tone[:, knot] >= MOST_TONE) & (slope[:, at] < 0.0)
        system[stays, at, :] = 0.0
        system[stays, :, at] = 0.0
        system[stays, at, at] = 1.0
        slope[stays, at] = 0.0


def _moved(task: Task, now: Fitted, step: Floats, toned: bool) -> Fitted:
    k, e = len(task.free), task.scans
    matrix = now.matrix + np.einsum("fk,kij->fij", step[:, :k], task.free)
    offset = now.offset + step[:, k : k + 3 * e].reshape(-1, e, 3)
    tone = now.tone
    if toned:
        tone = now.tone + step[:, -len(KNOTS) :]
        # a tone curve rises everywhere, and DiVERE's editor ends at 1
        least = LEAST_RISE * np.diff(KNOTS)[0]
        tone = np.maximum(tone, LEAST_RISE * KNOTS[0])
        for knot in range(1, len(KNOTS)):
            tone[:, knot] = np.maximum(tone[:, knot], tone[:, knot - 1] + least)
        tone = np.minimum(tone, MOST_TONE)
    return Fitted(matrix, offset, tone)


def _chosen(better: NDArray[np.bool_], tried: Fitted, now: Fitted) -> Fitted:
    return Fitted(
        np.where(better[:, None, None], tried.matrix, now.matrix),
        np.where(better[:, None, None], tried.offset, now.offset),
        np.where(better[:, None], tried.tone, now.tone),
    )
