"""How many scans may be in work at once without driving the machine into swap.

Covers the memory budget, what a scan will take at its most (from its header
and from what like scans took before), and the number of jobs. What it does
not: measuring memory (``isolation.memory``) and capping a worker (``isolation``).
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from divere_cli.batch.journal.state import Peak
from divere_cli.image.layout import Header
from divere_cli.records.job import Encoding
from divere_cli.system import memory
from divere_cli.system.capacity import BASE

log = logging.getLogger(__name__)

LEAST_CAP = 1 << 30
# of the raw bytes: read in bands, decoded as a whole, developed by LibRaw (18 bytes a pixel)
_SHARES = {"tiff": 0.5, "raw": 3.0}
_WHOLE = 2.5
_STREAMED = 0.5
_REPAIR = 90 << 20  # a survey and its bands; 57 MB were seen at 24 megapixels
_REMEMBERED = 200
_ENOUGH = 3
_LIKE = 2.0  # scans are alike when neither is more than twice the other


def raw_bytes(header: Header) -> int:
    """Return the bytes of the stored picture, decoded.

    The header of some camera files does not tell their size: six bytes for
    each stored one is more than the least that cameras store for a pixel.

    Parameters
    ----------
    header : Header
        Header of the scan.
    """
    if header.pixels == 0:
        return header.file_size * 6
    return header.pixels * (header.channels + len(header.extra)) * -(-header.bits // 8)


def _expected(header: Header, raw: int) -> int:
    """Bytes beside those of a worker: what the reader states, or a share of the raw bytes."""
    if header.memory or header.reader or header.format in ("pnm", "dump"):
        return int(raw * _STREAMED) + header.memory
    return int(raw * _SHARES.get(header.format, _WHOLE))


def sort(header: Header, encodings: Sequence[Encoding]) -> str:
    """Return what a scan has in common with others that need as much memory for their size.

    Parameters
    ----------
    header : Header
        Header of the scan.
    encodings : sequence of Encoding
        How its positives are written.
    """
    outputs = [(each.format, each.compression, *_unusual(each)) for each in encodings]
    return "/".join(
        (
            header.reader or header.format,
            header.variant,
            header.compression,
            str(header.bits),
            *(word for words in outputs for word in words),
        )
    )


def most_written(header: Header | None) -> int | None:
    """Return the most bytes that a file of a scan can have.

    For a limit that stops a decoder which writes without an end.

    Parameters
    ----------
    header : Header or None
        Header of the scan; None where it is not known.
    """
    if header is None or not header.pixels:
        return None
    return 2 * header.pixels * max(3, header.channels) * 4 + (1 << 30)


def _unusual(encoding: Encoding) -> tuple[str, ...]:
    """What else of an output tells on memory; nothing for those that there always were."""
    words = [str(encoding.size)] if encoding.size else []
    if encoding.infrared == "repair":
        words.append("repair")
    if encoding.format == "jxl":
        words += [str(encoding.bit_depth), "lossless" if encoding.quality >= 100 else "lossy"]
    return tuple(words)


def held_bytes(header: Header, encoding: Encoding) -> int:
    """Return the bytes that an output's writer keeps in memory as a whole (JPEG XL only).

    Parameters
    ----------
    header : Header
        Header of the scan.
    encoding : Encoding
        How the positive is written.
    """
    if encoding.format != "jxl":
        return 0
    pixels = header.pixels
    if encoding.size:
        pixels = min(pixels, encoding.size**2)
    if encoding.quality < 100:
        return pixels * 36
    return pixels * {8: 11, 16: 22, 32: 44}[encoding.bit_depth]


class Admission:
    """Predicts, learns, and says whether one more scan fits."""

    def __init__(
        self,
        budget_bytes: int,
        learned: Iterable[Peak] = (),
        available: Callable[[], int] = lambda: memory.available().bytes,
    ) -> None:
        self.budget_bytes = budget_bytes
        self._available = available
        self._peaks: dict[str, deque[Peak]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        for peak in learned:
            self.learn(peak)

    def learn(self, peak: Peak) -> None:
        """Take a measured peak into account."""
        self._peaks[peak.sort].append(peak)

    def predict(self, header: Header, encodings: Sequence[Encoding]) -> int:
        """Bytes that a worker will take at its most.

        The 95th percentile of like scans, in proportion where this one is
        larger than any of them; without three of them, a share of the raw
        bytes that no format has been seen to exceed.
        """
        raw = raw_bytes(header)
        like = [
            peak
            for peak in self._peaks.get(sort(header, encodings), ())
            if raw <= peak.raw_bytes * _LIKE and peak.raw_bytes <= raw * _LIKE
        ]
        if len(like) < _ENOUGH:
            held = sum(held_bytes(header, each) for each in encodings)
            if any(each.infrared == "repair" for each in encodings):
                held += _REPAIR
            return BASE + _expected(header, raw) + held
        peaks = sorted(peak.peak_bytes for peak in like)
        high = peaks[min(len(peaks) - 1, int(0.95 * len(peaks)))]
        return int(high * max(1.0, raw / max(peak.raw_bytes for peak in like)))

    def fits(self, predicted: int, reserved: int) -> bool:
        """Whether a scan may join others that have ``reserved`` bytes between them.

        One scan always may. More may while the budget holds and the machine,
        which others use too, still has what the new one will take.
        """
        if reserved == 0:
            return True
        if reserved + predicted > self.budget_bytes:
            return False
        try:
            return predicted <= self._available()
        except OSError as problem:  # too many open files: fewer scans at once is the cure, too
            log.debug("free memory is unknown, no more scans at once: %s", problem)
            return False

    def cap(self, predicted: int, asked: int | None, *, alone: bool) -> int:
        """Bytes at which a worker is stopped."""
        if asked is not None:
            return asked
        usual = max(LEAST_CAP, 4 * predicted)
        return max(usual, self.budget_bytes) if alone else usual
