"""Recipes, random ones in the documented ranges, and bands to grade with them."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from divere_cli.color import grade, reference
from divere_cli.image.layout import Layout
from divere_cli.profile import library
from divere_cli.records.grade import Curves, Points, Recipe, Space

Band = npt.NDArray[Any]

ENDURA = "KodakEnduraPremier"
PRINT = "KodakEnduraPremier_gamma_2_2"
OUTPUTS = library.in_role("output")
INPUTS = sorted(n for n, s in library.spaces().items() if s.space.primaries is not None)


def recipe(film: str = "color_negative_c41", source: str = ENDURA, **figures: Any) -> Recipe:
    """A grade of one film type, scanned in a shipped space."""
    return Recipe(
        profile="test",
        film=library.film_types()[film].film,
        input_space=figures.pop("input_space", library.space(source)),
        working_space=library.working_space(ENDURA),
        **figures,
    )


def stock(name: str) -> Curves:
    """The curves of a print stock."""
    return library.curve(name)


def layout(src: Band) -> Layout:
    """What a band is made of."""
    sample: Literal["uint", "float"] = "float" if src.dtype.kind == "f" else "uint"
    return Layout(channels=src.shape[2], bits=src.dtype.itemsize * 8, sample=sample)


def graded(
    found: Recipe, output: Space, src: Band, bit_depth: Literal[8, 16, 32] = 16, **options: Any
) -> Band:
    """The positive of a band."""
    made = grade.compile(found, output, layout(src), bit_depth, **options)
    kind = "float32" if bit_depth == 32 else f"uint{bit_depth}"
    out = np.empty((*src.shape[:2], made.channels), kind)
    made.apply(src, out)
    return out


def wanted(found: Recipe, output: Space, src: Band, bit_depth: int = 16) -> Band:
    """The same by the float64 reference."""
    bits = src.dtype.itemsize * 8
    return reference.code_values(found, output, src, bits=bits, bit_depth=bit_depth)


def colors(seed: int, rows: int = 24, width: int = 250) -> npt.NDArray[np.uint16]:
    """Half even in code value, half even in density, and rows of extremes."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 65536, (rows, width, 3))
    dense = 10.0 ** -generator.uniform(0.0, 4.8, (rows // 2, width, 3)) * 65535.0
    codes[: rows // 2] = dense.round()
    codes[:3] = generator.choice([0, 1, 65534, 65535], (3, width, 3))
    return codes.astype(np.uint16)


def figures(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


@st.composite
def points(draw: st.DrawFn) -> Points:
    """A curve: none, a print stock's, a smooth one, or whatever the ranges allow."""
    kind = draw(st.sampled_from(["none", "none", "stock", "rising", "any"]))
    if kind == "none":
        return ()
    if kind == "stock":
        found = library.curve(draw(st.sampled_from(sorted(library.curves()))))
        return found.rgb or found.r
    low, high = (0.0, 1.0) if kind == "rising" else (-1.0, 2.0)
    count = draw(st.integers(2, 8))
    x = sorted(draw(st.lists(figures(low, high), min_size=count, max_size=count)))
    y = draw(st.lists(figures(low, high), min_size=count, max_size=count))
    return tuple(zip(x, sorted(y) if kind == "rising" else y, strict=True))


@st.composite
def matrices(draw: st.DrawFn) -> tuple[tuple[float, float, float], ...] | None:
    spread = draw(st.sampled_from([0.0, 0.2, 0.2, 9.0]))
    if spread == 0.0:
        return None
    drawn = draw(st.lists(figures(-spread, spread), min_size=9, max_size=9))
    matrix = np.eye(3) + np.array(drawn).reshape(3, 3)
    red, green, blue = (tuple(row) for row in matrix.tolist())
    return (red, green, blue)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any grade in the ranges of the profile's schema."""
    gamma = draw(st.sampled_from([1.0, 1.0, 2.2]) | figures(0.1, 5.0))
    source = library.space(draw(st.sampled_from(INPUTS)))
    return recipe(
        film=draw(st.sampled_from(sorted(library.film_types()))),
        input_space=dataclasses.replace(source, gamma=gamma),
        density_gamma=draw(st.just(1.0) | figures(0.1, 5.0)),
        density_dmax=draw(figures(0.0, 6.0)),
        rgb_gains=(draw(figures(-5.0, 5.0)), draw(figures(-0.5, 0.5)), draw(figures(-0.5, 0.5))),
        matrix=draw(matrices()),
        channel_gamma=(draw(figures(0.5, 2.0)), draw(figures(0.5, 2.0))),
        curves=Curves(draw(points()), draw(points()), draw(points()), draw(points())),
        screen_glare_compensation=draw(st.just(0.0) | figures(0.0, 0.5)),
        adaptation=draw(st.sampled_from(["ratio", "bradford"])),
    )
