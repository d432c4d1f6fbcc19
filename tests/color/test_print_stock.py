"""Densities that print as gray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.color import print_stock
from divere_cli.color.curves import DENSITY_RANGE, tones
from divere_cli.profile import library, resolve
from divere_cli.records.grade import Curves, Points, Recipe

PRINTS = ("c41-endura-premier", "c41-2383", "c41-2393", "c41-supra-endura", "bw-ilford-mgfb-2")


def recipe(name: str) -> Recipe:
    return resolve.recipe(library.load(name))


def prints(found: Recipe, before: np.ndarray) -> np.ndarray:
    """Print densities of densities before the curves, ``(n, 3)``."""
    lights = [tone.light(before[:, i]) for i, tone in enumerate(tones(found))]
    return -np.log10(np.stack(lights, axis=1))


@pytest.mark.parametrize("name", PRINTS)
def test_in_the_mean_over_the_tones_the_offsets_print_gray(name: str) -> None:
    found = recipe(name)
    middle = print_stock.middle(found) + np.linspace(-0.3, 0.3, 61)
    grays = prints(found, middle[:, None] + print_stock.offsets(found))
    inside = (grays > 0.1).all(axis=1) & (grays < 2.0).all(axis=1)
    assert inside.sum() > 20
    assert (
        np.abs(
            np.mean(grays - grays.mean(axis=1, keepdims=True), axis=0, where=inside[:, None])
        ).max()
        < 0.06
    )


@pytest.mark.parametrize("name", PRINTS)
def test_the_middle_prints_as_eighteen_percent(name: str) -> None:
    found = recipe(name)
    gray = prints(found, (print_stock.middle(found) + print_stock.offsets(found))[None, :])
    assert gray.mean() == pytest.approx(-np.log10(0.18), abs=0.03)


def test_offsets_are_exactly_how_far_curves_were_moved_apart() -> None:
    flat = recipe("c41-neutral")
    before = np.linspace(0.0, DENSITY_RANGE, 200)

    def moved(by: float) -> Points:
        after = np.clip((before - 1.0 - by) * 1.5, 0.0, 2.5)
        return tuple(
            (float(1.0 - b / DENSITY_RANGE), float(1.0 - a / DENSITY_RANGE))
            for b, a in zip(before, after, strict=True)
        )

    found = replace(flat, curves=Curves(r=moved(0.3), g=moved(0.0), b=moved(-0.15)))
    assert print_stock.offsets(found) == pytest.approx((0.25, -0.05, -0.2), abs=1e-3)
    assert print_stock.middle(found) == pytest.approx(1.05 - np.log10(0.18) / 1.5, abs=2e-3)


def test_curves_that_print_nearly_nothing_are_not_lined_up() -> None:
    low: Points = ((0.0, 0.99), (1.0, 1.0))
    found = replace(recipe("c41-neutral"), curves=Curves(r=low))
    assert (print_stock.offsets(found) == 0.0).all()


def test_without_curves_equal_densities_are_gray() -> None:
    assert (print_stock.offsets(recipe("digital-neutral")) == 0.0).all()
    assert print_stock.middle(recipe("digital-neutral")) == pytest.approx(
        print_stock.MIDDLE_GRAY, abs=1e-3
    )
