"""The 24 patches of a ColorChecker as light in a working space.

Covers the published values and their adaptation to our white. Not covered: where the patches are
on a frame (:mod:`divere_cli.samples.scene`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.color.primaries import BRADFORD, rgb_to_xyz, xyz
from divere_cli.records.grade import XY, Space

Floats = NDArray[np.float64]

# CIE xyY under ICC D50: X-Rite, "ColorChecker Classic, after November 2014"
WHITE: XY = (0.3457029, 0.3585386)
PATCHES: tuple[tuple[str, float, float, float], ...] = (
    ("dark skin", 0.43748, 0.37852, 0.09832),
    ("light skin", 0.42225, 0.37249, 0.33620),
    ("blue sky", 0.27615, 0.29838, 0.17855),
    ("foliage", 0.37332, 0.45117, 0.13468),
    ("blue flower", 0.30289, 0.28629, 0.22872),
    ("bluish green", 0.28640, 0.38972, 0.41436),
    ("orange", 0.52815, 0.40533, 0.31264),
    ("purplish blue", 0.23239, 0.21120, 0.10911),
    ("moderate red", 0.50445, 0.32706, 0.18900),
    ("purple", 0.33347, 0.25055, 0.06277),
    ("yellow green", 0.39889, 0.50415, 0.43318),
    ("orange yellow", 0.49358, 0.44428, 0.42934),
    ("blue", 0.20522, 0.16867, 0.05596),
    ("green", 0.32304, 0.51042, 0.22334),
    ("red", 0.56287, 0.33556, 0.12780),
    ("yellow", 0.46776, 0.47602, 0.59930),
    ("magenta", 0.42131, 0.26692, 0.18951),
    ("cyan", 0.20913, 0.30266, 0.18061),
    ("white 9.5", 0.34891, 0.36421, 0.88069),
    ("neutral 8", 0.34558, 0.35988, 0.58997),
    ("neutral 6.5", 0.34415, 0.35919, 0.36487),
    ("neutral 5", 0.34577, 0.35909, 0.19062),
    ("neutral 3.5", 0.34265, 0.35758, 0.08817),
    ("black 2", 0.34377, 0.35606, 0.03151),
)
NAMES = tuple(name for name, *_ in PATCHES)


def light(space: Space) -> Floats:
    """Return the patches as linear light in a color space, adapted to its white by Bradford.

    Parameters
    ----------
    space : Space
        With primaries.

    Returns
    -------
    ndarray
        ``(24, 3)`` float64, row by row as on the chart; a patch that the space
        cannot hold is clipped at 0.
    """
    measured = np.array([xyz((x, y)) * lightness for _, x, y, lightness in PATCHES])
    cones = (BRADFORD @ xyz(space.white)) / (BRADFORD @ xyz(WHITE))
    adapted = measured @ (np.linalg.inv(BRADFORD) @ (cones[:, None] * BRADFORD)).T
    return np.asarray(np.maximum(adapted @ np.linalg.inv(rgb_to_xyz(space)).T, 0.0))
