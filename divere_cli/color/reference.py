"""The reference: the grade in float64, one step after the other, to compare the fast path with.

Covers steps 1 to 16 of the grade's mathematics for arrays of pixels, written as plainly as
possible. Shares no code with the fast path (:mod:`.primaries`, :mod:`.exact`, :mod:`.ocio`,
:mod:`.grade`), is slow, and is used by tests, by the measured error of exported tables, and by
nobody else. Crop and rotation (step 0) move pixels and are not here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from divere_cli.records.grade import Points, Recipe, Space

Array = npt.NDArray[np.float64]

L = np.log10(65536.0)
P1 = 0.7
P2 = 4.1
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
IDENTITY_CURVE = ((0.0, 0.0), (1.0, 1.0))


def code_values(
    recipe: Recipe, output: Space, codes: npt.ArrayLike, *, bits: int = 16, bit_depth: int = 16
) -> Array:
    """Grade code values of a scan to code values of the positive (steps 1 to 16).

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    codes : array_like, shape (..., 3) or (..., 1)
        Code values of ``bits`` bits; ``bits`` = 32 means float samples, taken as they are.
    bits : int
        Bits of the scan's samples.
    bit_depth : int
        Bits of the positive.

    Returns
    -------
    ndarray, float64, shape (..., 3) or (..., 1)
        Rounded code values of ``bit_depth`` bits.
    """
    x = np.asarray(codes, np.float64)
    if bits != 32:
        x = x / (2.0**bits - 1.0)
    return np.asarray(np.round(encoded(recipe, output, x) * (2.0**bit_depth - 1.0)))


def encoded(recipe: Recipe, output: Space, x: Array) -> Array:
    """Grade transmittance in float64, one step after the other (steps 2 to 15).

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    x : Array
        Transmittance, 0 to 1, shape (..., 1 or 3).

    Returns
    -------
    Array
        Encoded values, 0 to 1, shape (..., 1 or 3).
    """
    film = recipe.film
    one_channel = x.shape[-1] == 1
    x = np.nan_to_num(x, nan=0.0, posinf=1e6, neginf=-1e6)
    x = np.concatenate([x, x, x], axis=-1) if one_channel else x
    if recipe.input_space.gamma != 1.0:
        x = np.clip(x, 0.0, 1.0) ** recipe.input_space.gamma
    y = between(recipe.input_space, recipe.working_space, recipe.adaptation, x)
    if film.invert or film.density_matrix or film.rgb_gains or film.density_curve:
        y = print_light(recipe, y)
    y = between(
        recipe.working_space, output, "bradford" if output.adapted else recipe.adaptation, y
    )
    y = coded(output, np.clip(y, 0.0, 1.0))
    if film.monochrome or one_channel or output.primaries is None:
        y = (y @ LUMINANCE)[..., None]
    return y


def coded(space: Space, y: Array) -> Array:
    """Encode linear light by the space's own transfer function (step 14).

    Parameters
    ----------
    space : Space
        The color space.
    y : Array
        Linear light, 0 to 1, any shape.

    Returns
    -------
    Array
        Codes, 0 to 1, of the same shape.
    """
    if space.transfer == "l_star":
        return np.where(y > 216 / 24389, 1.16 * np.cbrt(y) - 0.16, y * 24389 / 2700)
    if space.transfer == "acescct":
        log = (np.log2(np.maximum(y, 1e-10)) + 9.72) / 17.52
        return np.where(y <= 0.0078125, 10.5402377416545 * y + 0.0729055341958355, log)
    return np.asarray(y ** (1.0 / space.gamma))


def print_light(recipe: Recipe, x: Array) -> Array:
    """Return the light that the print reflects (steps 4 to 12).

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    x : Array
        Linear transmittance in the working space, shape (..., 1 or 3).

    Returns
    -------
    Array
        Light, 0 to 1, of the same shape.
    """
    film = recipe.film
    sign = 1.0 if film.invert else -1.0
    density = -sign * np.log10(np.maximum(x, 1e-10))
    density = P1 + (density - P1) * recipe.density_gamma - recipe.density_dmax
    d = np.minimum(-density, 10.0)
    if film.density_matrix and recipe.matrix is not None:
        matrix = np.asarray(recipe.matrix)
        if not np.allclose(matrix, np.eye(3)):
            red, blue = recipe.channel_gamma
            v = (d + recipe.density_dmax - P2) @ matrix.T
            v = P2 + v
            v = P2 + (v - P2) * np.array([red, 1.0, blue])
            d = v - recipe.density_dmax
    if film.rgb_gains:
        d = d - np.asarray(recipe.rgb_gains)
    if film.density_curve:
        d = through_curves(recipe, d)
    y = np.clip(10.0 ** -np.maximum(d, -1.0), 0.0, 1.0)
    if film.density_curve:
        y = np.maximum(0.0, y - recipe.screen_glare_compensation)
    return np.asarray(y)


def through_curves(recipe: Recipe, d: Array) -> Array:
    """Apply the master curve to all channels, then each channel's own (step 10).

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    d : Array
        Densities, shape (..., 1 or 3).

    Returns
    -------
    Array
        Densities of the same shape.
    """
    curves = recipe.curves
    if does_something(curves.rgb):
        d = (1.0 - curve(curves.rgb, 1.0 - np.clip(d / L, 0.0, 1.0))) * L
    channels = []
    for index, points in enumerate((curves.r, curves.g, curves.b)):
        channel = d[..., index]
        if does_something(points):
            channel = (1.0 - curve(points, 1.0 - np.clip(channel / L, 0.0, 1.0))) * L
        channels.append(channel)
    return np.stack(channels, axis=-1)


def does_something(points: Points) -> bool:
    """Return whether a curve exists and is not the diagonal.

    Parameters
    ----------
    points : Points
        Pairs of x and y.
    """
    return len(points) > 0 and tuple(tuple(p) for p in points) != IDENTITY_CURVE


def curve(points: Points, n: Array) -> Array:
    """Evaluate a piecewise linear curve, constant beyond its first and last point.

    Parameters
    ----------
    points : Points
        Pairs of x and y, by rising x.
    n : Array
        Positions, 0 to 1, any shape.

    Returns
    -------
    Array
        Values of the same shape.
    """
    ordered = sorted(points, key=lambda point: point[0])
    return np.interp(n, [x for x, _ in ordered], [y for _, y in ordered])


def between(source: Space, target: Space, adaptation: str, x: Array) -> Array:
    """Convert linear RGB of one space to another (steps 3 and 13).

    Parameters
    ----------
    source : Space
        Space of ``x``.
    target : Space
        Space of what is returned.
    adaptation : str
        Name of the chromatic adaptation.
    x : Array
        Linear RGB, shape (..., 3).

    Returns
    -------
    Array
        Linear RGB, shape (..., 3).
    """
    if source.name == target.name or source.primaries is None or target.primaries is None:
        return x
    xyz = x @ to_xyz(source).T
    white, goal = white_xyz(source), white_xyz(target)
    if adaptation == "bradford":
        cone = np.array(
            [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
        )
        response = (xyz @ cone.T) / (cone @ white) * (cone @ goal)
        return np.asarray(np.linalg.solve(cone @ to_xyz(target), response[..., None])[..., 0])
    gains = np.clip(goal / white, 0.1, 10.0)
    return np.asarray(gains * (xyz @ np.linalg.inv(to_xyz(target)).T))


def white_xyz(space: Space) -> Array:
    """Return XYZ of a space's white at Y = 1.

    Parameters
    ----------
    space : Space
        The color space.

    Returns
    -------
    Array
        XYZ, float64, shape (3,).
    """
    x, y = space.white
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def to_xyz(space: Space) -> Array:
    """Return the matrix from linear RGB to XYZ; (1, 1, 1) gives the space's white.

    Parameters
    ----------
    space : Space
        The color space.

    Returns
    -------
    Array
        Matrix, float64, shape (3, 3).
    """
    assert space.primaries is not None
    columns = np.array([[x, y, 1.0 - x - y] for x, y in space.primaries]).T
    return np.asarray(columns * (np.linalg.inv(columns) @ white_xyz(space)))
