"""Find frame numbers of a roll that are missing, or on two scans.

Covers scans of one or several frames of one film, by the codes at their edges. Standard
library only. Codes are 19 mm apart, two for each frame of 135 film. A scan may show codes of
its neighbors, or not all of its own: so one missing code means nothing, two successive ones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from divere_cli.text import quote

ALIKE = 2  # shared codes from which on two scans show the same frame
SINGLE = 4  # most codes of a scan of one frame; longer strips may overlap
APART = 2  # missing codes between two scans from which on a frame is missing


@dataclass(frozen=True, slots=True)
class ScanCodes:
    """The codes of a scan, in half frames: 24 is frame 12, 25 is 12A."""

    name: str
    halves: tuple[int, ...]


def scan_codes(name: str, frames: Sequence[str]) -> ScanCodes:
    """Return the codes of a scan from its frame numbers.

    Parameters
    ----------
    name : str
        Name of the scan.
    frames : sequence of str
        Frame numbers as on the film: ``12``, ``12A``.
    """
    halves = (2 * int(frame.removesuffix("A")) + frame.endswith("A") for frame in frames)
    return ScanCodes(name, tuple(sorted(halves)))


def number_warnings(scans: Sequence[ScanCodes], unread: int = 0) -> list[str]:
    """Return warnings about frames that are missing, or on two scans.

    Parameters
    ----------
    scans : sequence of ScanCodes
        Scans of one film.
    unread : int
        Number of other scans whose codes were not read; a missing frame may be on one of them.

    Returns
    -------
    list of str
        One sentence for each problem.
    """
    ordered = sorted(scans, key=lambda scan: (scan.halves[0], scan.name))
    pairs = list(pairwise(ordered))
    return [*_missing(pairs, unread), *(_twice(*pair) for pair in pairs if _same(*pair))]


def _missing(pairs: Sequence[tuple[ScanCodes, ScanCodes]], unread: int) -> list[str]:
    lines = []
    for before, after in pairs:
        between = range(before.halves[-1] + 1, after.halves[0])
        frames = [str(half // 2) for half in between if half % 2 == 0]
        if len(between) < APART or not frames:
            continue
        noun = "frame" if len(frames) == 1 else "frames"
        line = f"no scan shows {noun} {_listed(frames)} ({quote(before.name)} and then"
        line += f" {quote(after.name)})"
        if unread:
            line += f"; the film's edge was not read on {unread} of the folder's scans"
        lines.append(line)
    return lines


def _listed(frames: Sequence[str]) -> str:
    return ", ".join(frames) if len(frames) < 5 else f"{frames[0]} to {frames[-1]}"


def _same(first: ScanCodes, second: ScanCodes) -> bool:
    shared = len(set(first.halves) & set(second.halves))
    return shared >= ALIKE and max(len(first.halves), len(second.halves)) <= SINGLE


def _twice(first: ScanCodes, second: ScanCodes) -> str:
    half = min(set(first.halves) & set(second.halves))
    number = (half + 1) // 2  # the frame that the two codes belong to
    return f"{quote(first.name)} and {quote(second.name)} both show frame {number}"
