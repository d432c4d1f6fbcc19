"""Locates the strips or tiles of a page: reads, checks and repairs their tables.

Covers the tables of offsets and byte counts with all that can be checked of
them before decoding. Byte counts that are missing, zero or too large are
computed where there is one reading: of uncompressed samples that are all in
the file, and of codes that end by themselves. What does not fit is an error
that names the segment; no segment is ever taken as empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.reader import parse, size_of
from divere_cli.image.ifd.tags import Compression, Photometric
from divere_cli.image.layout import Page, Tag
from divere_cli.image.source import Source
from divere_cli.image.tiff.checks import stored_row

Table = NDArray[np.uint64]
# an uncompressed segment of so many times its rows' bytes is no longer rounding
_TOO_LONG = 2
# PackBits: smaller control bytes begin literal bytes, larger ones a repeated byte
_REPEAT = 128


@dataclass(frozen=True, slots=True)
class Places:
    """Offset and size of each segment, and notes on computed values."""

    offsets: Table
    counts: Table
    warnings: tuple[str, ...] = ()


def read(source: Source, page: Page, order: str) -> Places:
    """Read and check the locations of a page's segments.

    Parameters
    ----------
    source : Source
    page : Page
        A page that :func:`divere_cli.image.header.read` let pass.
    order : str
        ``<`` or ``>``.

    Raises
    ------
    CorruptInput
        A segment is empty, lies in the head, over a directory or over another
        one, ends after the end of the file, or is too short for what it holds.
    """
    offsets = _table(source, page, page.offsets, order)
    if page.counts is None or not page.counts.count:
        stored = np.zeros(len(offsets), np.uint64)
        notes = ["StripByteCounts is missing; the bytes of each segment are computed"]
    else:
        stored, notes = _table(source, page, page.counts, order), []
    _check_starts(page, offsets, source, order)
    if page.compression == Compression.NONE:
        counts = _uncompressed(page, offsets, stored, source.size, notes)
        _check_directory(page, offsets, counts, source)
    else:
        counts = _compressed(page, offsets, stored, source, notes)
    return Places(offsets, counts, tuple(notes))


def _table(source: Source, page: Page, tag: Tag | None, order: str) -> Table:
    assert tag is not None, "the header was not checked"
    kind = np.dtype(f"{order}u{size_of(tag) // tag.count}")
    size = page.segments * kind.itemsize
    data = source.read(tag.offset, size, f"the {page.segment_name} table")
    return np.frombuffer(data, dtype=kind).astype(np.uint64)


def _check_starts(page: Page, offsets: Table, source: Source, order: str) -> None:
    head = 16 if source.read(0, 4) in (b"II+\0", b"MM\0+") else 8
    early = offsets < head
    if early.any():
        index = int(np.argmax(early))
        raise CorruptInput(f"{page.segment_name} {index} begins in the header of the file")
    beyond = offsets >= np.uint64(source.size)
    if beyond.any():
        index = int(np.argmax(beyond))
        raise CorruptInput(f"{page.segment_name} {index} ends after the end of the file")


def _needed(page: Page) -> Table:
    """Return the bytes that each uncompressed segment must have."""
    if page.subsampling != (1, 1):
        return _needed_subsampled(page)
    needed = np.full(page.segments, page.segment_rows, dtype=np.uint64)
    if page.tile is None:
        last = page.height - (page.down - 1) * page.segment_rows
        needed.reshape(page.planes, -1)[:, -1] = last
    return needed * np.uint64(stored_row(page))


def _needed_subsampled(page: Page) -> Table:
    """Return the sizes for YCbCr: units of pixels share one Cb and one Cr."""
    across, down = page.subsampling
    last = page.height - (page.down - 1) * page.segment_rows
    rows = np.full(page.segments, page.segment_rows, dtype=np.uint64)
    rows[-1] = last
    units = -(-page.width // across) * -(-rows.astype(np.int64) // down)
    return (units * (across * down + 2)).astype(np.uint64)


def _uncompressed(page: Page, offsets: Table, stored: Table, size: int, notes: list[str]) -> Table:
    """Return the sizes of uncompressed segments, which must be in the file."""
    needed = _needed(page)
    short = (stored < needed) & (stored > 0)
    if short.any():
        index = int(np.argmax(short))
        raise CorruptInput(
            f"{page.segment_name} {index} has {stored[index]} bytes, too few for its pixels"
        )
    beyond = offsets + needed > np.uint64(size)
    if beyond.any():
        index = int(np.argmax(beyond))
        raise CorruptInput(f"{page.segment_name} {index} ends after the end of the file")
    _check_overlap(page, offsets, needed)
    if not notes and (stored == 0).any():
        notes.append(f"byte counts of {page.segment_name}s are 0; they are computed")
    elif (offsets + stored > np.uint64(size)).any():
        notes.append(
            f"a byte count ends after the end of the file; all rows of its {page.segment_name}"
            " are there"
        )
    long = stored > needed * np.uint64(_TOO_LONG)
    if long.any():
        index = int(np.argmax(long))
        if page.levels is not None or page.photometric == Photometric.CFA:
            raise CorruptInput(
                f"{page.segment_name} {index} has {stored[index]} bytes, and its pixels need"
                f" {needed[index]}"
            )
        notes.append(
            f"{page.segment_name} {index} has {stored[index]} bytes, many more than the"
            f" {needed[index]} that its pixels need: the file may be damaged"
        )
    return needed


def _check_directory(page: Page, offsets: Table, counts: Table, source: Source) -> None:
    start, end = parse(source).extent(page.ifd)
    over = (offsets < np.uint64(end)) & (offsets + counts > np.uint64(start))
    if over.any():
        index = int(np.argmax(over))
        raise CorruptInput(f"{page.segment_name} {index} overlaps the directory of its page")


def _check_overlap(page: Page, offsets: Table, counts: Table) -> None:
    order = np.argsort(offsets, kind="stable")
    ends = (offsets + counts)[order]
    over = ends[:-1] > offsets[order][1:]
    if over.any():
        first, second = (int(order[int(np.argmax(over)) + step]) for step in (0, 1))
        raise CorruptInput(
            f"{page.segment_name}s {min(first, second)} and {max(first, second)} lie over each"
            " other in the file"
        )


def _compressed(
    page: Page, offsets: Table, stored: Table, source: Source, notes: list[str]
) -> Table:
    """Return the sizes of compressed segments; missing or too large ones are computed."""
    behind = _behind(page, offsets, source)
    missing = stored == 0
    long = stored > behind
    if missing.any() and not notes:
        notes.append(f"byte counts of {page.segment_name}s are 0; they are computed")
    elif long.any():
        index = int(np.argmax(long))
        notes.append(
            f"the byte count of {page.segment_name} {index} ends after the end of the file or"
            " in what follows; it is computed"
        )
    counts: Table = np.where(missing | long, behind, stored)
    if missing[-1] and page.compression == Compression.PACKBITS:
        counts[-1] = _packbits_bytes(page, int(offsets[-1]), int(behind[-1]), source)
    return counts


def _packbits_bytes(page: Page, offset: int, most: int, source: Source) -> int:
    """Return the bytes of the last segment: PackBits ends where all of its rows are there."""
    data = source.read(offset, most)
    needed, unpacked, at = int(_needed(page)[-1]), 0, 0
    while unpacked < needed and at < most:
        control = data[at]
        literal = control < _REPEAT
        length = control + 1 if literal else 2 * _REPEAT + 1 - control
        unpacked += length if control != _REPEAT else 0
        at += 1 + (length if literal else int(control != _REPEAT))
    return min(at, most)


def _behind(page: Page, offsets: Table, source: Source) -> Table:
    """Return the bytes from each offset to the next segment, the directory or the file's end."""
    start, _ = parse(source).extent(page.ifd)
    walls = np.unique(np.concatenate([offsets, np.array([start, source.size], np.uint64)]))
    return walls[np.searchsorted(walls, offsets, side="right")] - offsets
