"""Found frames against the truth of a drawn scan: edges right, pictures cut, missed, not sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames.layout import Result
from tests.frames.strips import Scan

RIGHT = 0.3  # mm
KEPT = 0.98
SIDES = ((0, 3), (1, 2), (0, 1), (3, 2))  # corners of the left, right, upper and lower edge


@dataclass
class Score:
    """``false`` counts sure crops where there is no whole picture; ``extra`` crops of nothing."""

    edges: int = 0
    right: int = 0
    pictures: int = 0
    cut: int = 0
    missed: int = 0
    unsure: int = 0
    extra: int = 0
    false: int = 0
    unsure_cut: int = 0

    @property
    def faulty(self) -> bool:
        """Whether a picture was lost, in part or as a whole."""
        return bool(self.cut or self.missed or self.false)


def score(scan: Scan, found: Result) -> Score:
    made = Score()
    height, width = scan.pixels.shape[:2]
    boxes = [
        np.clip(np.concatenate([f.corners.min(0), f.corners.max(0)]), 0, [width, height] * 2)
        for f in found.pictures
    ]
    used: set[int] = set()
    for truth in scan.truth:
        whole = area(truth.corners)
        parts = [within(truth.corners, box) if i not in used else 0 for i, box in enumerate(boxes)]
        best = int(np.argmax(parts)) if parts else -1
        seen = best >= 0 and parts[best] > 0.5 * whole
        if seen:
            used.add(best)
        if truth.kind in ("blank", "partly"):
            made.false += seen and found.pictures[best].sure
            continue
        made.pictures += 1
        if not seen:
            held = max((within(truth.corners, box) for box in boxes), default=0.0)
            # In one crop with another picture; or no crop at all, and the scan is graded whole.
            together = held >= KEPT * whole or not boxes
            made.unsure += together
            made.missed += not together
            continue
        made.cut += parts[best] < KEPT * whole
        made.unsure_cut += parts[best] < KEPT * whole and not found.pictures[best].sure
        if not found.pictures[best].sure:
            made.unsure += 1
            continue
        for side, (one, other) in enumerate(SIDES):
            if truth.judged[side]:
                made.edges += 1
                made.right += _right(scan, truth, side, one, other, boxes[best])
    made.extra = len(boxes) - len(used)
    return made


def _right(scan: Scan, truth: Any, side: int, one: int, other: int, box: NDArray[Any]) -> bool:
    first, last = truth.corners[one], truth.corners[other]
    axis = 1 if abs(first[1] - last[1]) < abs(first[0] - last[0]) else 0
    low, high = sorted((first[axis], last[axis]))
    more = abs(truth.slack[side]) if side < 2 else 0.0
    place = box[axis] if (low + high) / 2 < truth.corners[:, axis].mean() else box[2 + axis]
    room = RIGHT * scan.scale + more
    return bool(low - room <= place <= high + room)


def area(points: NDArray[Any]) -> float:
    x, y = points[:, 0], points[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def within(polygon: NDArray[Any], box: NDArray[Any]) -> float:
    """Area of the part of a polygon that lies in a box."""
    points = [tuple(point) for point in polygon]
    for axis, limit, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        before, points = points, []
        for index, one in enumerate(before):
            other = before[(index + 1) % len(before)]
            a, b = sign * (one[axis] - limit), sign * (other[axis] - limit)
            if a >= 0:
                points.append(one)
            if a * b < 0:
                t = a / (a - b)
                points.append((one[0] + t * (other[0] - one[0]), one[1] + t * (other[1] - one[1])))
        if not points:
            return 0.0
    return area(np.array(points))
