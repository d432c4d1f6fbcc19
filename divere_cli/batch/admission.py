"""Decide how many scans may run at once without driving the machine into swap.

Covers the memory budget and the predicted peak of a scan (from its header and from the
peaks of similar scans). Measuring memory (``system.memory``) and enforcing a worker's
limit (``isolation``) are elsewhere.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from divere_cli.batch.journal.record import Peak
from divere_cli.image.layout import Header
from divere_cli.records.job import Encoding
from divere_cli.system import memory
from divere_cli.system.capacity import BASE

log = logging.getLogger(__name__)

LEAST_CAP = 1 << 30
# shares of the raw bytes: read in bands; developed by LibRaw (18 bytes a pixel)
_SHARES = {"tiff": 0.5, "raw": 3.0}
_WHOLE = 2.5
_STREAMED = 0.5
# infrared repair: 26 to 41 MB were measured at 24 megapixels, 36 at 350; the rest is its rows
_REPAIR, _REPAIR_ROWS = 50 << 20, 160
_REMEMBERED = 200
_ENOUGH = 3
_LIKE = 2.0  # scans are similar if neither is more than twice as large as the other


def raw_bytes(header: Header) -> int:
    """Return the bytes of the stored picture, decoded.

    The headers of some camera files do not contain the size of the picture; then six
    bytes for each stored byte are assumed, more than any camera compresses.

    Parameters
    ----------
    header : Header
        Header of the scan.
    """
    if header.pixels == 0:
        return header.file_size * 6
    return header.pixels * (header.channels + len(header.extra)) * -(-header.bits // 8)


def _expected(header: Header, raw: int) -> int:
    """Return the bytes in addition to an idle worker: the reader's value, or a share of raw."""
    if header.memory or header.reader or header.format in ("pnm", "dump"):
        return int(raw * _STREAMED) + header.memory
    return int(raw * _SHARES.get(header.format, _WHOLE))


def sort(header: Header, encodings: Sequence[Encoding]) -> str:
    """Return a key that is equal for scans that need similar memory for their size.

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

    Used as a limit that stops a decoder which never stops writing.

    Parameters
    ----------
    header : Header or None
        Header of the scan; None where it is not known.
    """
    if header is None or not header.pixels:
        return None
    return 2 * header.pixels * max(3, header.channels) * 4 + (1 << 30)


def _unusual(encoding: Encoding) -> tuple[str, ...]:
    """Return further parts of the key for outputs with unusual memory; empty for older kinds."""
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


def repair_bytes(header: Header) -> int:
    """Return the bytes that infrared repair needs: what it measures, and rows of the scan.

    Parameters
    ----------
    header : Header
        Header of the scan.
    """
    samples = header.width * (header.channels + 1)
    return _REPAIR + _REPAIR_ROWS * samples * -(-header.bits // 8)


class Admission:
    """Predicts memory, learns from peaks, and decides whether one more scan fits."""

    def __init__(
        self,
        budget_bytes: int,
        learned: Iterable[Peak] = (),
        available: Callable[[], int] = lambda: memory.lately_available().bytes,
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
        """Return the predicted peak memory of a worker in bytes.

        This is the 95th percentile of similar scans, scaled up if this scan is larger than
        all of them. With fewer than three similar scans it is a share of the raw bytes that
        no measured format exceeds.
        """
        raw = raw_bytes(header)
        similar = [
            peak
            for peak in self._peaks.get(sort(header, encodings), ())
            if raw <= peak.raw_bytes * _LIKE and peak.raw_bytes <= raw * _LIKE
        ]
        if len(similar) < _ENOUGH:
            extra = sum(held_bytes(header, each) for each in encodings)
            if any(each.infrared == "repair" for each in encodings):
                extra += repair_bytes(header)
            return BASE + _expected(header, raw) + extra
        peaks = sorted(peak.peak_bytes for peak in similar)
        high = peaks[min(len(peaks) - 1, int(0.95 * len(peaks)))]
        return int(high * max(1.0, raw / max(peak.raw_bytes for peak in similar)))

    def fits(self, predicted: int, reserved: int) -> bool:
        """Return whether a scan may start beside others that reserve ``reserved`` bytes in all.

        A single scan may always start. Another one may start while the budget suffices and
        the machine, which other programs use too, has enough memory available.
        """
        if reserved == 0:
            return True
        if reserved + predicted > self.budget_bytes:
            return False
        try:
            return predicted <= self._available()
        except OSError as problem:  # too many open files: fewer scans at once help here, too
            log.debug("free memory is unknown, no more scans at once: %s", problem)
            return False

    def cap(self, predicted: int, requested: int | None, *, alone: bool) -> int:
        """Return the memory in bytes at which a worker is stopped."""
        if requested is not None:
            return requested
        usual = max(LEAST_CAP, 4 * predicted)
        return max(usual, self.budget_bytes) if alone else usual
