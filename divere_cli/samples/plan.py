"""Plans the sample frames and their true values.

Covers two kinds of samples: single pictures with equal exposure, and a roll as a lab gets it, with
a leader, a blank, a strongly colored frame and different exposures. The same seed gives the same
bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from divere_cli.profile import library, resolve, select
from divere_cli.records.grade import Recipe
from divere_cli.samples.strip import Border, Frame, Kind

# An orange mask: gains that give the base of Portra 400, 0.27, 0.58 and 0.80, about
MASK = (0.40, 0.0, -0.15)
COMMON = -0.45
CAST_SPREAD = 0.06
EXPOSURES = (0.0, 0.12, -0.10, 0.22, -0.05, 0.06, -0.20, 0.0, 0.03, -0.14, 0.30, -0.02)


@dataclass(frozen=True)
class Wish:
    """The requested samples; megapixels are per frame, ``views`` have no chart."""

    count: int = 6
    megapixels: float = 6.0
    seed: int = 0
    roll: bool = False
    border: Border = "none"
    profile: str = select.COLOR_DEFAULT
    views: bool = False


@dataclass(frozen=True)
class Samples:
    """The frames, and the recipe with the true gains (including the exposure of the roll)."""

    recipe: Recipe
    frames: tuple[Frame, ...]
    seed: int


def samples(wish: Wish) -> Samples:
    """Plan the samples.

    Parameters
    ----------
    wish : Wish
        The requested samples.

    Raises
    ------
    ProfileError
        The profile does not exist or is not for color negatives.
    """
    rng = np.random.default_rng((wish.seed, 0))
    recipe = resolve.recipe(library.load(wish.profile))
    cast = rng.uniform(-CAST_SPREAD, CAST_SPREAD, 3) * (1.0, 0.0, 1.0)
    red, green, blue = (round(float(m + c) + COMMON, 4) for m, c in zip(MASK, cast, strict=True))
    height = max(16, round(math.sqrt(wish.megapixels * 1e6 / 1.5)))
    width = max(24, round(wish.megapixels * 1e6 / height))
    frames = tuple(
        Frame(
            name=f"frame-{index + 1:02d}.tif",
            kind=kind,
            width=width,
            height=height,
            seed=wish.seed * 1000 + index,
            exposure=EXPOSURES[index % len(EXPOSURES)] if wish.roll else 0.0,
            border=wish.border,
            view=index,
        )
        for index, kind in enumerate(_kinds(wish))
    )
    return Samples(replace(recipe, rgb_gains=(red, green, blue)), frames, wish.seed)


def _kinds(wish: Wish) -> list[Kind]:
    """Return the kinds: first a leader, last a blank, in the middle a strongly colored frame."""
    if wish.views:
        return ["view"] * wish.count
    kinds: list[Kind] = ["landscape"] * wish.count
    if wish.roll and wish.count > 3:
        kinds[0], kinds[wish.count // 2], kinds[-1] = "leader", "colored", "blank"
    return kinds
