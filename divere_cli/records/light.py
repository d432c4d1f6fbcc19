"""The map of a light as plain data: what evens out scans of one run, and its line in the report."""

from __future__ import annotations

from dataclasses import dataclass

ODD_ASPECT, MOST_ASPECT = 0.01, 0.05  # that a scan's shape may be off: a warning, a failure


@dataclass(frozen=True, slots=True)
class LightMap:
    """Gains at the centers of cells, a ring of cells beyond the picture's rim included.

    ``across`` and ``down`` are a cell's sides in parts of the picture's width and
    height; ``aspect`` is its width over its height. ``gains`` is text of 16-bit
    logarithms (``develop.flat_field.packed``).
    """

    rows: int
    columns: int
    channels: int
    across: float
    down: float
    aspect: float
    gains: str

    def aspect_off(self, width: int, height: int) -> float:
        """Return by what share a scan's shape differs from that of the flat field.

        Parameters
        ----------
        width, height : int
            Of the scan, pixels.
        """
        ratio = width / height / self.aspect
        return max(ratio, 1.0 / ratio) - 1.0


@dataclass(frozen=True, slots=True)
class FlatFieldRecord:
    """What ``--flat-field`` was: an entry of the report.

    ``lowest`` and ``highest`` are the gains within the light, over all channels, ``dust``
    the share of it that was taken for dust and left out, ``clipped`` that of its pixels
    that were clipped.
    """

    file: str
    sha256: str
    lowest: float
    highest: float
    dust: float
    clipped: float
