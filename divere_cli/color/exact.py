"""A recipe and an output space, combined to a few matrices and one function per channel.

Covers the whole grade exactly in float64. It fills the tables, grades one-channel scans, and
computes the pixels for which float32 is not enough. Not covered: OpenColorIO (:mod:`.ocio`), and
the step by step reference (:mod:`.reference`), which shares no code with this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divere_cli.color import curves, density, primaries, transfer
from divere_cli.errors import ProfileError
from divere_cli.records.grade import Recipe, Space, Transfer

Array = npt.NDArray[np.float64]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True)
class ExactGrade:
    """The grade as it is computed: power, matrix, density, tone, matrix, power.

    ``density`` and ``tones`` are None where the film type skips steps 4 to 12.
    ``gray``: the positive is the luminance of the encoded values. ``transfer`` names the
    encoding; one that is no power begins with a straight line, as gamma 1 does.
    """

    gamma_in: float
    front: Array
    density: density.Density | None
    tones: tuple[curves.Tone, curves.Tone, curves.Tone] | None
    back: Array
    gamma_out: float
    gray: bool
    transfer: Transfer = "power"

    @property
    def plain(self) -> bool:
        """Whether the encoding is linear."""
        return self.transfer == "power" and self.gamma_out == 1.0

    @property
    def joint(self) -> bool:
        """Whether channels stay separate after the tone, so that one table does all later steps."""
        return bool((self.back == np.eye(3)).all())

    @property
    def spread(self) -> float:
        """Factor by which the output matrix can amplify an error of all channels."""
        return float(np.abs(self.back).sum(axis=1).max())

    def powered(self, x: Array) -> Array:
        """Convert normalized samples to linear ones (step 2)."""
        return x if self.gamma_in == 1.0 else np.asarray(np.clip(x, 0.0, 1.0) ** self.gamma_in)

    def transmittance(self, x: Array) -> Array:
        """Convert normalized samples (n, 3) to the working space (steps 2 and 3)."""
        return np.asarray(self.powered(x) @ self.front.T)

    def light(self, x: Array) -> Array:
        """Convert the working space (n, 3) to linear output, not clipped (steps 4 to 13)."""
        if self.density is not None and self.tones is not None:
            d = self.density.of(x)
            x = np.stack([tone.light(d[:, c]) for c, tone in enumerate(self.tones)], axis=1)
        return np.asarray(x @ self.back.T)

    def encode(self, y: Array) -> Array:
        """Convert linear output to encoded values of 0..1 (step 14)."""
        return encoded(y, self.transfer, self.gamma_out)

    def encoded(self, x: Array) -> Array:
        """Convert normalized samples (n, 3) to encoded values (n, 3 or 1) (steps 2 to 15)."""
        values = self.rgb(x)
        return np.asarray((values @ LUMINANCE)[:, None]) if self.gray else values

    def rgb(self, x: Array) -> Array:
        """Convert normalized samples (n, 3) to encoded values (n, 3) (steps 2 to 14)."""
        return self.encode(self.light(self.transmittance(finite(x))))


def encoded(y: Array, kind: Transfer, gamma_out: float) -> Array:
    """Encode linear light for output (step 14).

    Parameters
    ----------
    y : Array
        Linear light, 0 to 1, any shape.
    kind : Transfer
        Transfer function of the space.
    gamma_out : float
        Its exponent.

    Returns
    -------
    Array
        Encoded values of the same shape.
    """
    return transfer.encode(np.clip(y, 0.0, 1.0), kind, gamma_out)


def fold(recipe: Recipe, output: Space, *, one_channel: bool) -> ExactGrade:
    """Combine ``recipe`` into matrices and functions, for scans of one or three channels.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    one_channel : bool
        Whether the scan has one channel.

    Raises
    ------
    ProfileError
        When a space has no usable primaries or a figure is outside what the grade can do.
    """
    film = recipe.film
    front = primaries.conversion(recipe.input_space, recipe.working_space, recipe.adaptation)
    adaptation = "bradford" if output.adapted else recipe.adaptation
    back = primaries.conversion(recipe.working_space, output, adaptation)
    if not (recipe.input_space.gamma > 0.0 and output.gamma > 0.0):
        raise ProfileError(f"profile {recipe.profile!r}: the gamma of a space must be above 0")
    graded = film.invert or film.density_matrix or film.rgb_gains or film.density_curve
    return ExactGrade(
        gamma_in=recipe.input_space.gamma,
        front=front,
        density=density.fold(recipe) if graded else None,
        tones=curves.tones(recipe) if graded else None,
        back=back,
        gamma_out=output.gamma if output.transfer == "power" else 1.0,
        transfer=output.transfer,
        gray=one_channel or film.monochrome or output.primaries is None,
    )


def finite(x: Array) -> Array:
    """Replace infinities by the largest value and NaN by no light.

    Parameters
    ----------
    x : Array
        Float samples, any shape.

    Returns
    -------
    Array
        Finite samples of the same shape.
    """
    if np.isfinite(x).all():
        return x
    return np.nan_to_num(x, nan=0.0, posinf=density.MOST_LIGHT, neginf=-density.MOST_LIGHT)
