"""One scanned frame of film: picture, rebate, sprocket holes, holder, grain and dust.

Covers code values of any rows of a frame. Rows are independent: grain and dust come from
generators seeded by the frame and the row, so the height of a band changes no pixel, and memory
stays constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from divere_cli.samples import scene
from divere_cli.samples.negative import Backwards

Floats = NDArray[np.float64]
Codes = NDArray[np.uint16]
Kind = Literal["landscape", "colored", "leader", "blank", "view"]
Border = Literal["none", "rebate", "holder"]

FULL_CODE = 65535
# Density before the curves: bare film over a middle gray, as on C-41 film exposed at its speed; at
# least, it is that much thinner than the darkest light of a scene.
BASE_OVER_GRAY, BASE_BELOW_BLACK = np.array([0.872, 0.855, 0.883]), 0.05
LEADER_LIGHT = 0.93
HOLDER_CODE = 60  # stray light through the holder
HOLDER, REBATE = 0.02, 0.035  # shares of the height
HOLES, HOLE_WIDTH = 8, 0.42
GRAIN_AT_BASE = 0.09
DUST_DENSITY = 1.2


@dataclass(frozen=True)
class Frame:
    """One frame; ``exposure`` is its exposure error as a density, to be added to the gains.

    ``view`` is which drawn view a frame of kind ``view`` shows.
    """

    name: str
    kind: Kind
    width: int
    height: int
    seed: int
    exposure: float = 0.0
    border: Border = "none"
    grain: float = 0.02
    dust: int = 6
    view: int = 0

    @property
    def picture(self) -> tuple[int, int, int, int]:
        """Return the box of the picture: x, y, width, height in pixels."""
        edge = self.margin
        return edge, edge, self.width - 2 * edge, self.height - 2 * edge

    @property
    def margin(self) -> int:
        """Pixels between the edge of the scan and the picture."""
        share = {"none": 0.0, "rebate": REBATE, "holder": HOLDER + REBATE}[self.border]
        return round(share * self.height)


class Film:
    """Computes the rows of a frame.

    Parameters
    ----------
    frame : Frame
    backwards : Backwards
        The grade whose gains are the roll's truth.
    patches : ndarray
        ``(24, 3)``, light of the chart in the working space.
    """

    def __init__(self, frame: Frame, backwards: Backwards, patches: Floats) -> None:
        self.frame = frame
        self.backwards = backwards
        kind: scene.Kind = "landscape"
        if frame.kind == "colored" or frame.kind == "view":
            kind = frame.kind
        self.scene = scene.Scene(frame.seed, kind, patches, backwards.before_curves, frame.view)
        self.base = base_before_curves(backwards)

    def codes(self, first: int, last: int) -> Codes:
        """Return the code values of rows ``first`` to ``last`` (not included).

        Returns
        -------
        ndarray
            ``(last - first, width, 3)`` uint16.
        """
        density = np.empty((last - first, self.frame.width, 3))
        density[:] = self.base
        self._expose(density, first, last)
        film = self.backwards.film(density)
        bare = self.backwards.film(self.base)
        film += self._grain(first, last) * np.sqrt(GRAIN_AT_BASE + np.maximum(film - bare, 0.0))
        self._dust(film, first, last)
        samples = np.round(self.backwards.scan(film) * FULL_CODE)
        codes = np.clip(samples, 0, FULL_CODE).astype(np.uint16)
        self._mount(codes, first, last)
        return codes

    def light(self, first: int, last: int) -> Floats:
        """Return the light of the scene in rows of the picture, without grain, (rows, width, 3)."""
        _, _, width, height = self.frame.picture
        return self.scene.light(_centers(0, width, width), _centers(first, last, height))

    def _expose(self, density: Floats, first: int, last: int) -> None:
        """Put the picture on bare film; no density is below that of bare film."""
        x, y, width, height = self.frame.picture
        top, bottom = max(first, y), min(last, y + height)
        if self.frame.kind == "blank" or top >= bottom:
            return
        if self.frame.kind == "leader":
            before = self._leader(width)[None]
        else:
            light = self.light(top - y, bottom - y)
            before = self.backwards.before_curves(light) + self.frame.exposure
        window = density[top - first : bottom - first, x : x + width]
        np.minimum(before, self.base, out=window)

    def _leader(self, width: int) -> Floats:
        """Return a leader, (width, 3): fogged on the left, bare on the right, with a soft edge."""
        dense = float(self.backwards.before_curves(np.array([LEADER_LIGHT]))[0]) - 0.2
        share = np.clip((_centers(0, width, width) - 0.44) / 0.05, 0.0, 1.0)
        return np.asarray(dense + share[:, None] * (self.base - dense))

    def _grain(self, first: int, last: int) -> Floats:
        """Return grain in clumps of 2 x 2: half of a pixel's grain comes from its neighbors."""
        rows = np.stack([self._grains(row) for row in range(first - 1, last)])
        clumped = rows[1:, 1:] + rows[1:, :-1] + rows[:-1, 1:] + rows[:-1, :-1]
        return np.asarray(clumped * (self.frame.grain / 2.0), np.float64)

    def _grains(self, row: int) -> NDArray[np.float32]:
        rng = np.random.default_rng((self.frame.seed, 3, row + 1))
        return rng.standard_normal((self.frame.width + 1, 3), dtype=np.float32)

    def _dust(self, film: Floats, first: int, last: int) -> None:
        rng = np.random.default_rng((self.frame.seed, 4))
        width, height = self.frame.width, self.frame.height
        for _ in range(self.frame.dust):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            radius = height * rng.uniform(0.0008, 0.003) + 0.7
            long = rng.uniform(0.4, 2.5)
            rows = np.arange(max(first, int(y - radius)), min(last, int(y + radius) + 2))
            columns = np.arange(max(0, int(x - radius * 3)), min(width, int(x + radius * 3) + 2))
            if len(rows) and len(columns):
                away = ((columns[None, :] - x) / long) ** 2 + (rows[:, None] - y) ** 2
                film[np.ix_(rows - first, columns)] += (away < radius**2)[..., None] * DUST_DENSITY

    def _mount(self, codes: Codes, first: int, last: int) -> None:
        """Add the holder and the sprocket holes."""
        if self.frame.border != "holder":
            return
        width, height = self.frame.width, self.frame.height
        edge = round(HOLDER * height)
        hole = edge + round(REBATE * height * 0.3)
        rows = np.arange(first, last)
        inside = (np.arange(width) * HOLES / width) % 1.0 < HOLE_WIDTH
        codes[np.ix_((rows < hole) | (rows >= height - hole), inside)] = FULL_CODE
        codes[(rows < edge) | (rows >= height - edge)] = HOLDER_CODE
        codes[:, :edge] = HOLDER_CODE
        codes[:, width - edge :] = HOLDER_CODE


def base_before_curves(backwards: Backwards) -> Floats:
    """Return the density of bare film before the curves, without gains.

    Parameters
    ----------
    backwards : Backwards
        The recipe, run backwards.

    Returns
    -------
    Floats
        Densities, shape (3,).
    """
    darkest, gray = backwards.before_curves(np.array([scene.DARKEST, scene.MIDDLE_GRAY]))
    return np.asarray(np.maximum(darkest + BASE_BELOW_BLACK, gray + BASE_OVER_GRAY))


def _centers(first: int, last: int, of: int) -> Floats:
    return (np.arange(first, last) + 0.5) / of
