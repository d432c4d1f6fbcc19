"""Walking over ISO boxes and WebP chunks; JPEG segments and PNG chunks are in ``test_blocks``."""

from __future__ import annotations

import struct

import pytest

from divere_cli.errors import CorruptInput
from divere_cli.image.containers import Held, boxes, webp_chunks


def box(kind: bytes, data: bytes, *, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, kind, len(data) + 16) + data
    return struct.pack(">I4s", len(data) + 8, kind) + data


def walk(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(kind, data[start:end]) for kind, start, end in boxes(Held(data), 0, len(data))]


def test_boxes_of_both_lengths() -> None:
    data = box(b"ftyp", b"crx ") + box(b"mdat", b"pixels", long=True) + box(b"free", b"")
    assert walk(data) == [(b"ftyp", b"crx "), (b"mdat", b"pixels"), (b"free", b"")]


def test_a_box_without_a_size_goes_to_the_end() -> None:
    assert walk(struct.pack(">I4s", 0, b"mdat") + b"rest") == [(b"mdat", b"rest")]


@pytest.mark.parametrize(
    "data",
    [
        box(b"mdat", b"x" * 20)[:-1],
        box(b"mdat", b"x" * 20, long=True)[:-1],
        struct.pack(">I4s", 7, b"mdat"),
        struct.pack(">I4sQ", 1, b"mdat", 15),
        box(b"free", b"") + b"\0\0",
        box(b"free", b"") * 5_000,
    ],
)
def test_boxes_that_do_not_fill_the_file(data: bytes) -> None:
    with pytest.raises(CorruptInput):
        walk(data)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = (name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
             for name, data in chunks)  # fmt: skip
    return b"RIFF\0\0\0\0WEBP" + b"".join(parts)


def test_chunks_of_odd_and_even_length() -> None:
    data = riff((b"VP8X", b"0123456789"), (b"ICCP", b"odd"), (b"VP8L", b"pixels"))
    found = [(name, data[at : at + length]) for name, at, length in webp_chunks(Held(data))]
    assert found == [(b"VP8X", b"0123456789"), (b"ICCP", b"odd"), (b"VP8L", b"pixels")]


@pytest.mark.parametrize("data", [riff((b"ICCP", b"x" * 20))[:-1], riff(*[(b"ABCD", b"")] * 5_000)])
def test_chunks_that_are_cut_or_too_many(data: bytes) -> None:
    with pytest.raises(CorruptInput):
        list(webp_chunks(Held(data)))


def test_reads_beyond_held_bytes_are_refused() -> None:
    held = Held(b"0123456789")
    assert held.read(2, 3) == b"234"
    with pytest.raises(CorruptInput):
        held.read(8, 3)
