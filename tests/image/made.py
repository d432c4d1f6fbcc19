"""Files as other programs leave them, made here byte by byte or by a codec, with what is in them.

``docs/formats.md`` has a row for each of :data:`MADE`; ``tests/image/test_made.py`` reads them.
"""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[Any]
Values = tuple[int, Any]  # TIFF type and values

_LETTERS = {1: "B", 3: "H", 4: "I", 5: "II", 7: "B", 10: "ii", 11: "f", 16: "Q"}


@dataclass(frozen=True)
class Made:
    """One file: ``build`` gives its bytes and the picture in it, of 0 to 65535.

    ``within`` is of 65535. ``says`` are words of its warnings and notes, ``refused`` the
    kind of error and words of it; ``tags`` further facts of the header.
    """

    row: str
    file: str
    build: Callable[[], tuple[bytes, Picture | None]]
    within: float = 0.0
    says: str = ""
    refused: tuple[str, str] | None = None
    pictures: int = 1
    infrared: bool = False


@functools.cache
def rgb(height: int = 60, width: int = 93, seed: int = 1) -> Picture:
    """A picture with grain, uint16; rows of odd length, and no edge is like another."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 100
    planes = [0.5 + 0.4 * np.sin(3 * x + 2 * y + k + seed) for k in range(3)]
    made = np.stack(planes, -1) + rng.normal(0, 0.02, (height, width, 3))
    made[:8, :12] = (0.97, 0.6, 0.3)
    return np.round(made.clip(0, 1) * 65535).astype(np.uint16)


def gray(seed: int = 1) -> Picture:
    return rgb(seed=seed)[:, :, 1]


def bits(a: Picture, n: int) -> Picture:
    """Codes of n bits of a 16-bit picture."""
    kind = np.uint32 if n > 16 else np.uint16 if n > 8 else np.uint8
    return np.round(a / 65535 * (2**n - 1)).astype(kind)


def up(codes: Picture, n: int) -> Picture:
    """Codes of n bits as 16 bits."""
    return np.round(codes.astype(np.float64) / (2**n - 1) * 65535)


def entry(order: str, big: bool, out: bytearray, code: int, kind: int, values: Any) -> bytes:
    """Put the values of a tag into ``out`` where they do not fit; give its entry."""
    if kind == 2:
        data = values.encode() + b"\0"
        count = len(data)
    elif isinstance(values, bytes):
        data, count = values, len(values)
    else:
        letters = _LETTERS[kind]
        count = len(values) // len(letters)
        data = struct.pack(order + letters * count, *values)
    room = 8 if big else 4
    if len(data) > room:
        place = len(out)
        out += data + b"\0" * (len(data) % 2)
        data = struct.pack(order + ("Q" if big else "I"), place)
    return struct.pack(order + ("HHQ" if big else "HHI"), code, kind, count) + data.ljust(
        room, b"\0"
    )


@dataclass
class Page:
    """A directory: its segments, and its tags but for where these are."""

    segments: list[bytes]
    tags: dict[int, Values]
    tiled: bool = False
    subs: Sequence[Page] = ()
    drop: tuple[int, ...] = ()
    counts: list[int] | None = None


def tiff(*pages: Page, order: str = "<", big: bool = False) -> bytes:
    """A file of these pages."""
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 0) if big else (42, 0)))
    out = bytearray(mark + head)
    link = 8 if big else 4
    for page in pages:
        start, after = _put(out, page, order, big)
        struct.pack_into(order + ("Q" if big else "I"), out, link, start)
        link = after
    return bytes(out)


def _put(out: bytearray, page: Page, order: str, big: bool) -> tuple[int, int]:
    places = []
    for segment in page.segments:
        places.append(len(out))
        out += segment + b"\0" * (len(segment) % 2)
    word = 16 if big else 4
    tags = dict(page.tags)
    where, size = (324, 325) if page.tiled else (273, 279)
    tags.setdefault(where, (word, places))
    tags.setdefault(size, (word, page.counts or [len(s) for s in page.segments]))
    if page.subs:
        tags[330] = (4, [_put(out, sub, order, big)[0] for sub in page.subs])
    for code in page.drop:
        tags.pop(code, None)
    entries = b"".join(entry(order, big, out, code, *tags[code]) for code in sorted(tags))
    start = len(out)
    out += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries
    after = len(out)
    out += bytes(8 if big else 4)
    return start, after


def page(
    a: Picture,
    order: str = "<",
    encode: Callable[[Picture], bytes] | None = None,
    rows: int = 16,
    depth: int | None = None,
    photometric: int | None = None,
    more: dict[int, Values] | None = None,
    **kw: Any,
) -> Page:
    """A page in strips; ``encode`` makes the bytes of one."""
    height, width = a.shape[:2]
    samples = 1 if a.ndim == 2 else a.shape[2]
    plain = encode or (lambda s: s.astype(s.dtype.newbyteorder(order)).tobytes())
    meaning = photometric if photometric is not None else 1 if samples < 3 else 2
    tags: dict[int, Values] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [depth or 8 * a.dtype.itemsize] * samples),
        259: (3, [1]),
        262: (3, [meaning]),
        277: (3, [samples]),
        278: (4, [rows]),
    }
    if a.dtype.kind == "f":
        tags[339] = (3, [3] * samples)
    strips = [plain(np.ascontiguousarray(a[i : i + rows])) for i in range(0, height, rows)]
    return Page(strips, tags | (more or {}), **kw)


def pack(n: int, mirrored: bool = False) -> Callable[[Picture], bytes]:
    """Packs samples of n bits, the highest bit first, each row to a byte."""

    def packed(a: Picture) -> bytes:
        spread = (a.reshape(len(a), -1, 1).astype(np.uint32) >> np.arange(n - 1, -1, -1)) & 1
        flat = spread.astype(np.uint8).reshape(len(a), -1)
        return np.packbits(flat, axis=1, bitorder="little" if mirrored else "big").tobytes()

    return packed


def by_tifffile(a: Picture, **options: Any) -> bytes:
    out = io.BytesIO()
    options.setdefault("photometric", "rgb" if a.ndim == 3 and a.shape[2] >= 3 else "minisblack")
    tifffile.imwrite(out, a, metadata=None, software=False, **options)
    return out.getvalue()


def by_pillow(a: Picture, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(a).save(out, format_, **options)
    return out.getvalue()


# ------------------------------------------------------------------ TIFF


def packed(
    n: int, order: str = "<", color: bool = True, mirrored: bool = False, code: str = ""
) -> Callable[[], tuple[bytes, Picture]]:
    def build() -> tuple[bytes, Picture]:
        a = bits(rgb() if color else gray(), n)
        raw = pack(n, mirrored)
        coders = {"": (1, raw), "lzw": (5, lambda s: bytes(imagecodecs.lzw_encode(raw(s)))),
                  "deflate": (8, lambda s: zlib.compress(raw(s)))}  # fmt: skip
        number, encode = coders[code]
        more = {259: (3, [number]), **({266: (3, [2])} if mirrored else {})}
        return tiff(page(a, order, encode, depth=n, more=more), order=order), up(a, n)

    return build


def wide(kind: str, color: bool = True, **options: Any) -> Callable[[], tuple[bytes, Picture]]:
    def build() -> tuple[bytes, Picture]:
        a = rgb() if color else gray()
        made = (a / 65535).astype(kind) if kind[0] == "f" else a.astype(kind) * 65537
        return by_tifffile(made, rowsperstrip=16, **options), a

    return build


def coded(
    name: str, eight: bool = False, color: bool = True, **options: Any
) -> Callable[[], tuple[bytes, Picture]]:
    def build() -> tuple[bytes, Picture]:
        a = rgb(64, 96) if color else rgb(64, 96)[:, :, 1]
        made = bits(a, 8) if eight else a
        return by_tifffile(made, compression=name, **options), up(made, 8) if eight else a

    return build


def _float24() -> tuple[bytes, Picture]:
    a = rgb()

    def encode(s: Picture) -> bytes:
        return bytes(imagecodecs.float24_encode(s, byteorder=">"))

    made = page((a / 65535).astype(np.float32), ">", encode, depth=24)
    return tiff(made, order=">"), a


def _palette(n: int, small: bool = False, order: str = "<") -> tuple[bytes, Picture]:
    rng = np.random.default_rng(3)
    colors = rng.integers(0, 256 if small else 65536, (1 << n, 3))
    index = rng.integers(0, 1 << n, (60, 93)).astype(np.uint8 if n <= 8 else np.uint16)
    more = {320: (3, colors.T.ravel().tolist())}
    encode = pack(n) if n not in (8, 16) else None
    made = page(index, order, encode, depth=n, photometric=3, more=more)
    return tiff(made, order=order), colors[index] * (257 if small else 1)


def _white(most: int, order: str = "<", eight: bool = False) -> tuple[bytes, Picture]:
    a = np.round(rgb() / 65535 * most).astype(np.uint8 if eight else np.uint16)
    more = {280: (3, [0] * 3), 281: (3, [most] * 3)}
    return tiff(page(a, order, more=more), order=order), np.round(a / most * 65535)


def _ycbcr(across: int, down: int, n: int = 8) -> tuple[bytes, Picture]:
    """Chroma that is even over 4 x 4 pixels, so that sharing it loses nothing."""
    rng = np.random.default_rng(5)
    luma = rng.integers(60, 180, (64, 96)).astype(np.float64)
    chroma = rng.integers(110, 146, (16, 24, 2)).repeat(4, 0).repeat(4, 1).astype(np.float64)
    cb, cr = chroma[..., 0] - 128, chroma[..., 1] - 128
    want = np.stack(
        [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb], -1
    )
    y = luma.astype(np.uint8).reshape(64 // down, down, 96 // across, across)
    units = [y.transpose(0, 2, 1, 3).reshape(64 // down, 96 // across, -1)]
    units += [chroma[::down, ::across, k : k + 1].astype(np.uint8) for k in (0, 1)]
    stored = np.concatenate(units, -1)
    strips = [stored[i : i + 16 // down].tobytes() for i in range(0, 64 // down, 16 // down)]
    made = page(np.zeros((64, 96, 3), np.uint8), photometric=6, more={530: (3, [across, down])})
    made.segments = strips
    return tiff(made), want.clip(0, 255) * 257


def _ccitt(kind: str, photometric: int) -> tuple[bytes, Picture]:
    a = (gray() > 33000).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(a * 255).convert("1").save(data, "tiff", compression=kind)
    raw = bytearray(data.getvalue())
    with tifffile.TiffFile(io.BytesIO(raw)) as found:
        tag = found.pages[0].tags[262]  # type: ignore[union-attr]
        stored = int(tag.value)
    struct.pack_into("<H", raw, tag.valueoffset, photometric)
    want = a if stored == photometric else 1 - a
    return bytes(raw), want.astype(np.float64) * 65535


def _lossless_jpeg(color: bool) -> tuple[bytes, Picture]:
    a = rgb(64, 96) if color else rgb(64, 96)[:, :, 1]

    def encode(s: Picture) -> bytes:
        if color:
            return bytes(imagecodecs.jpeg8_encode(s, lossless=True, bitspersample=16))
        return bytes(imagecodecs.ljpeg_encode(s))

    return tiff(page(a, encode=encode, more={259: (3, [7])})), a


def _integers24(order: str) -> tuple[bytes, Picture]:
    codes = bits(rgb(), 24)
    made = page(codes, order, depth=24)
    planes = codes[..., None] >> np.array([16, 8, 0] if order == ">" else [0, 8, 16])
    made.segments = [planes[i : i + 16].astype(np.uint8).tobytes() for i in range(0, 60, 16)]
    return tiff(made, order=order), up(codes, 24)


def _float24_predicted() -> tuple[bytes, Picture]:
    a = rgb()

    def encode(s: Picture) -> bytes:
        code = np.frombuffer(imagecodecs.float24_encode(s, byteorder=">"), np.uint8)
        planes = code.reshape(len(s), -1, 3).transpose(0, 2, 1).reshape(len(s), -1, 3)
        steps = np.diff(planes, axis=1, prepend=np.zeros_like(planes[:, :1]))
        return zlib.compress(steps.tobytes())

    more: dict[int, Values] = {259: (3, [8]), 317: (3, [3])}
    return tiff(page((a / 65535).astype(np.float32), "<", encode, depth=24, more=more)), a


def sof3(a: Picture, restart_rows: int = 0, shift: int = 0) -> bytes:
    """Lossless JPEG of 16-bit gray with restart intervals or a point transform.

    Predictor 1; codes of 5 bits for each of the 17 categories (T.81 annex H).
    """
    height, width = a.shape
    codes = a.astype(np.int64) >> shift
    out = bytearray(
        b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, 16, height, width, 1, 1, 17, 0)
    )
    out += b"\xff\xc4" + struct.pack(">HB", 36, 0) + bytes([0] * 4 + [17] + [0] * 11)
    out += bytes(range(17))
    if restart_rows:
        out += b"\xff\xdd" + struct.pack(">HH", 4, restart_rows * width)
    out += b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, shift)
    run = ""
    for y in range(height):
        first = y == 0 or bool(restart_rows and y % restart_rows == 0)
        if first and y:
            out += _entropy(run) + bytes([0xFF, 0xD0 + (y // restart_rows - 1) % 8])
            run = ""
        for x in range(width):
            start = 1 << (15 - shift) if first else int(codes[y - 1, 0])
            step = int(codes[y, x]) - (int(codes[y, x - 1]) if x else start)
            step = (step + 32768) % 65536 - 32768
            size = abs(step).bit_length()
            run += f"{size:05b}"
            if 0 < size < 16:
                run += f"{step if step > 0 else step + (1 << size) - 1:0{size}b}"
    return bytes(out + _entropy(run) + b"\xff\xd9")


def _entropy(run: str) -> bytes:
    run += "1" * (-len(run) % 8)
    return int(run, 2).to_bytes(len(run) // 8, "big").replace(b"\xff", b"\xff\0")


def _lossless_kind(restart_rows: int, shift: int) -> tuple[bytes, Picture]:
    a = gray()
    data = tiff(page(a, encode=lambda s: sof3(s, restart_rows, shift), more={259: (3, [7])}))
    return data, a >> shift << shift


def _packbits_without_counts() -> tuple[bytes, Picture]:
    a = bits(gray(), 8)

    def encode(s: Picture) -> bytes:
        return b"".join(bytes(imagecodecs.packbits_encode(row.tobytes())) for row in s)

    return tiff(page(a, encode=encode, more={259: (3, [32773])}, drop=(279,))), up(a, 8)


def _jpeg_without_counts() -> tuple[bytes, Picture]:
    a = bits(rgb(), 8)
    parts = [
        bytes(
            imagecodecs.jpeg8_encode(
                np.ascontiguousarray(a[i : i + 16]), level=95, subsampling="444"
            )
        )
        for i in range(0, 60, 16)
    ]
    made = page(a, photometric=6, more={259: (3, [7]), 530: (3, [1, 1])}, drop=(279,))
    made.segments = parts
    return tiff(made), up(np.concatenate([imagecodecs.jpeg8_decode(part) for part in parts]), 8)


def _dng_of_halves() -> tuple[bytes, Picture]:
    a = (rgb(64, 96) / 65535).astype(np.float16)

    def encode(s: Picture) -> bytes:
        return bytes(imagecodecs.jpegxl_encode(s, lossless=True))

    made = page(a, encode=encode, photometric=34892, more={**DNG, 259: (3, [52546])})
    return tiff(made), a.astype(np.float64) * 65535


def _old_jpeg(color: bool) -> tuple[bytes, Picture]:
    a = bits(rgb() if color else gray(), 8)
    code = bytes(imagecodecs.jpeg8_encode(a, level=95, subsampling="444" if color else None))
    made = page(a, encode=lambda _: code, rows=60, photometric=6 if color else 1)
    made.tags |= {259: (3, [6]), 513: (4, [8]), 514: (4, [len(code)])}
    return tiff(made), up(imagecodecs.jpeg8_decode(code), 8)


def _extra(samples: int, codes: Sequence[int], order: str, software: str) -> tuple[bytes, Picture]:
    a = np.dstack([rgb(), *[gray(seed=k) for k in range(2, samples - 1)]])
    more: dict[int, Values] = {305: (2, software)} if software else {}
    if codes:
        more[338] = (3, list(codes))
    return tiff(page(a, order, more=more), order=order), rgb()


def _min_is_black(extras: bool) -> tuple[bytes, Picture]:
    more: dict[int, Values] = {338: (3, [0, 0])} if extras else {}
    return tiff(page(rgb(), photometric=1, more=more)), rgb()


def _without_counts(**kw: Any) -> Callable[[], tuple[bytes, Picture]]:
    return lambda: (tiff(page(rgb(), **kw)), rgb())


def _white_is_zero(n: int) -> tuple[bytes, Picture]:
    a = bits(gray(), n)
    return tiff(page(a, encode=pack(n), depth=n, photometric=0)), 65535 - up(a, n)


# ------------------------------------------------------------------ pages


def _pages(*what: str, software: str = "", number: bool = False) -> Callable[[], tuple[bytes, Any]]:
    """Pages by name: color, gray, small, infrared (tagged), unsaid (gray, not tagged)."""

    def build() -> tuple[bytes, Picture]:
        made = []
        for index, name in enumerate(what):
            more: dict[int, Values] = {}
            a = rgb(64, 96, seed=index + 1)
            if name in ("gray", "infrared", "unsaid"):
                a = a[:, :, 1]
            if name in ("small", "tagged-small"):
                a = bits(rgb(64, 96)[::4, ::4], 8)
            if name == "infrared":
                more[254] = (4, [4])
            if name == "tagged-small":
                more[254] = (4, [1])
            if number:
                more |= {254: (4, [2]), 297: (3, [index, len(what)])}
            if software:
                more[305] = (2, software)
            made.append(page(a, more=more))
        first = next(i for i, name in enumerate(what) if name in ("color", "gray"))
        want = rgb(64, 96, seed=first + 1)
        return tiff(*made), want if what[first] == "color" else want[:, :, 1]

    return build


# ------------------------------------------------------------------ DNG

DNG: dict[int, Values] = {
    50706: (1, [1, 4, 0, 0]),
    50708: (2, "Film Scanner"),
    50721: (10, [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]),
}


def linear(a: Picture, more: dict[int, Values] | None = None, order: str = "<", **kw: Any) -> bytes:
    return tiff(page(a, order, photometric=34892, more=DNG | (more or {}), **kw), order=order)


def _black(pattern: bool = False, deltas: bool = False, one: bool = False) -> tuple[bytes, Picture]:
    a = rgb().astype(np.float64) / 65535
    white = np.array([60000.0, 61000.0, 62000.0])
    black = np.zeros((60, 93, 3))
    black[:] = (500, 500, 500) if one else (1024, 2048, 512)
    more: dict[int, Values] = {50717: (4, white.astype(int).tolist())}
    if pattern:
        black[1::2] += 40
        rows = [*black[0, 0], *black[1, 0]]
        more |= {50713: (3, [2, 1]), 50714: (4, [int(v) for v in rows])}
    else:
        more[50714] = (4, [500] if one else [1024, 2048, 512])
    if deltas:
        across, down = np.arange(93) % 7 - 3, np.arange(60) % 5
        black += across[None, :, None] + down[:, None, None]
        more[50715] = (10, [v for k in across for v in (int(k), 1)])
        more[50716] = (10, [v for k in down for v in (int(k), 1)])
    codes = np.round(black + a * (white - black)).astype(np.uint16)
    want = ((codes - black) / (white - black)).clip(0, 1) * 65535
    return linear(codes, more), want


def _crop() -> tuple[bytes, Picture]:
    more = {50829: (4, [2, 4, 58, 91]), 50719: (5, [3, 1, 2, 1]), 50720: (5, [80, 1, 50, 1])}
    return linear(rgb(), more), rgb()[4:54, 7:87]


def _linearized() -> tuple[bytes, Picture]:
    table = np.round((np.arange(4096) / 4095) ** 2 * 65535).astype(np.uint16)
    codes = np.round(np.sqrt(rgb() / 65535) * 4095).astype(np.uint16)
    made = linear(codes, {50712: (3, table.tolist()), 50717: (4, [65535] * 3)}, encode=pack(12),
                  depth=12)  # fmt: skip
    return made, table[codes]


def _jpeg_rows() -> tuple[bytes, Picture]:
    """Lossless JPEG of twice the width and half the rows, as DNG allows."""
    a = rgb(64, 96)[:, :, 1]

    def encode(s: Picture) -> bytes:
        return bytes(imagecodecs.ljpeg_encode(np.ascontiguousarray(s.reshape(len(s) // 2, -1))))

    more = {**DNG, 259: (3, [7])}
    return tiff(page(a, encode=encode, photometric=34892, more=more)), a


def _dng_lossy() -> tuple[bytes, Picture]:
    a = bits(rgb(), 8)
    codes: list[bytes] = []

    def encode(s: Picture) -> bytes:
        codes.append(bytes(imagecodecs.jpeg8_encode(s, level=95, subsampling="444")))
        return codes[-1]

    made = tiff(page(a, encode=encode, photometric=34892, more={**DNG, 259: (3, [34892])}))
    return made, up(np.concatenate([imagecodecs.jpeg8_decode(code) for code in codes]), 8)


def _dng_xl() -> tuple[bytes, Picture]:
    def encode(s: Picture) -> bytes:
        return bytes(imagecodecs.jpegxl_encode(s, lossless=True))

    a = rgb(64, 96)
    return tiff(page(a, encode=encode, photometric=34892, more={**DNG, 259: (3, [52546])})), a


def _dng_infrared() -> tuple[bytes, Picture]:
    a = np.dstack([rgb(), gray(seed=2)])
    return linear(a, {305: (2, "VueScan 9 x64 (9.8.30)")}), rgb()


# ------------------------------------------------------------------ PNG, JPEG, pixmaps, others


def png(a: Picture, color: int, depth: int, raw: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", a.shape[1], a.shape[0], depth, color, 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *(chunk(*c) for c in chunks),
                     chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")))  # fmt: skip


def _png_gray(n: int) -> tuple[bytes, Picture]:
    a = bits(gray(), n)
    rows = np.frombuffer(pack(n)(a), np.uint8).reshape(len(a), -1)
    raw = np.concatenate([np.zeros((len(a), 1), np.uint8), rows], 1).tobytes()
    return png(a, 0, n, raw), up(a, n)


def _png_palette(n: int) -> tuple[bytes, Picture]:
    rng = np.random.default_rng(4)
    colors = rng.integers(0, 256, (1 << n, 3)).astype(np.uint8)
    index = rng.integers(0, 1 << n, (60, 93)).astype(np.uint8)
    rows = np.frombuffer(pack(n)(index), np.uint8).reshape(60, -1)
    # the filter "up" on every row: it works on bytes, not on indices
    above = np.concatenate([np.zeros((1, rows.shape[1]), np.uint8), rows[:-1]])
    raw = np.concatenate([np.full((60, 1), 2, np.uint8), rows - above], 1).tobytes()
    return png(index, 3, n, raw, (b"PLTE", colors.tobytes())), colors[index].astype(float) * 257


def pnm(magic: bytes, a: Picture, most: int, comment: bytes = b"") -> bytes:
    head = magic + b"\n" + comment + b"%d %d\n%d\n" % (a.shape[1], a.shape[0], most)
    return head + a.astype(a.dtype.newbyteorder(">")).tobytes()


def _plain(color: bool) -> tuple[bytes, Picture]:
    a = bits(rgb() if color else gray(), 8)
    words = " ".join(str(v) for v in a.ravel().tolist())
    head = f"{'P3' if color else 'P2'}\n# by hand\n{a.shape[1]} {a.shape[0]}\n255\n"
    return (head + words.replace(" ", "\n") + "\n").encode(), up(a, 8)


def _pbm() -> tuple[bytes, Picture]:
    a = (gray() > 33000).astype(np.uint8)
    return b"P4 93 60\n" + pack(1)(a), (1 - a).astype(float) * 65535


def _pam() -> tuple[bytes, Picture]:
    a = np.dstack([rgb(), gray(seed=2)])
    head = b"P7\nWIDTH 93\nHEIGHT 60\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    return head + a.astype(">u2").tobytes(), rgb()


def _pfm(magic: bytes, order: str) -> tuple[bytes, Picture]:
    a = rgb() if magic == b"PF" else gray()
    head = magic + b"\n93 60\n%s\n" % (b"-1.0" if order == "<" else b"1.0")
    return head + (a[::-1] / 65535).astype(order + "f4").tobytes(), a


def _dump(
    head: bool, color: bool = True, size: tuple[int, int] = (60, 93)
) -> tuple[bytes, Picture]:
    a = rgb(*size) if color else rgb(*size)[:, :, 1]
    planes = np.moveaxis(a, -1, 0) if color else a
    start = struct.pack("<IIII", 16, size[1], size[0], 48 if color else 16) if head else b""
    return start + planes.astype("<u2").tobytes(), a


def _jp2(code: str, n: int = 16, color: bool = True) -> tuple[bytes, Picture]:
    a = bits(rgb() if color else gray(), n)
    made = imagecodecs.jpeg2k_encode(a, reversible=True, level=0, codecformat=code, bitspersample=n)
    return bytes(made), up(a, n)


def _jxl(n: int, color: bool = True) -> tuple[bytes, Picture]:
    a = bits(rgb() if color else gray(), n)
    return bytes(imagecodecs.jpegxl_encode(a, lossless=True)), up(a, n)


def avif(n: int, color: bool = True, alpha: bool = False) -> tuple[bytes, Picture]:
    """A lossless AVIF of n bits."""
    codes = bits(rgb() if color else gray(), n)
    stored = np.dstack([codes, bits(gray(seed=2), n)]) if alpha else codes
    return bytes(imagecodecs.avif_encode(stored, level=100, speed=9, bitspersample=n)), up(codes, n)


def _eight(format_: str, color: bool = True, **options: Any) -> tuple[bytes, Picture]:
    a = bits(rgb() if color else gray(), 8)
    want = up(a, 8)
    return by_pillow(a, format_, **options), want if color else want[:, :, None].repeat(3, 2)


def _refused(data: bytes) -> Callable[[], tuple[bytes, None]]:
    return lambda: (data, None)


VUESCAN, SILVERFAST = "VueScan 9 x64 (9.6.09)", "SilverFast 9.2.7 r1"

MADE = (
    *(Made(f"TIFF {n}-bit gray, packed", f"gray{n}.tif", packed(n, color=False), 0 if n in (1, 2, 4)
           else 0.5) for n in (1, 2, 4, 6, 10, 12, 14)),
    *(Made(f"TIFF {n}-bit RGB, packed{', big-endian' * (o == '>')}", f"rgb{n}.tif",
           packed(n, o), 0.5) for n, o in ((5, "<"), (10, "<"), (12, ">"), (14, "<"))),
    Made("TIFF 12-bit RGB, LZW", "rgb12-lzw.tif", packed(12, code="lzw"), 0.5),
    Made("TIFF 10-bit gray, deflate", "gray10.tif", packed(10, color=False, code="deflate"), 0.5),
    Made("TIFF FillOrder 2, 1 bit", "fill1.tif", packed(1, color=False, mirrored=True)),
    Made("TIFF FillOrder 2, 4 bits", "fill4.tif", packed(4, color=False, mirrored=True)),
    Made("TIFF MinIsWhite of 1 bit", "white1.tif", lambda: _white_is_zero(1)),
    Made("TIFF MinIsWhite of 12 bits", "white12.tif", lambda: _white_is_zero(12), 0.5),
    Made("TIFF 14 bits in 16, MaxSampleValue 16383", "max14.tif", lambda: _white(16383), 0.5,
         "MaxSampleValue"),
    Made("TIFF 12 bits in 16, MaxSampleValue 4095, big-endian", "max12.tif",
         lambda: _white(4095, ">"), 0.5, "MaxSampleValue"),
    Made("TIFF 7 bits in 8, MaxSampleValue 127", "max7.tif", lambda: _white(127, eight=True), 0.5,
         "MaxSampleValue"),
    Made("TIFF 32-bit integer RGB, deflate with predictor", "u32.tif",
         wide("u4", compression="zlib", predictor=2), says="32-bit samples"),
    Made("TIFF 32-bit integer gray, big-endian", "u32be.tif", wide("u4", False, byteorder=">")),
    Made("TIFF 32-bit integer RGB, planar", "u32p.tif", lambda: (by_tifffile(
        np.moveaxis(rgb().astype("u4") * 65537, -1, 0), planarconfig="separate",
        photometric="rgb", rowsperstrip=16), rgb())),
    Made("TIFF 64-bit float RGB", "f64.tif", wide("f8")),
    Made("TIFF 64-bit float gray, deflate with float predictor", "f64p.tif",
         wide("f8", False, compression="zlib", predictor=3)),
    Made("TIFF 24-bit float RGB, big-endian", "f24.tif", _float24, 0.6),
    Made("TIFF 16-bit float gray, LZW with float predictor", "f16.tif",
         wide("f2", False, compression="lzw", predictor=3), 20),
    Made("TIFF 32-bit float RGB, tiles, big-endian, float predictor", "f32.tif",
         wide("f4", compression="zlib", predictor=3, byteorder=">", tile=(32, 32)), 0.01),
    Made("TIFF 24-bit integer RGB", "u24.tif", lambda: _integers24("<"), 0.6, "24-bit samples"),
    Made("TIFF 24-bit integer RGB, big-endian", "u24be.tif", lambda: _integers24(">"), 0.6,
         "24-bit samples"),
    Made("TIFF 24-bit float RGB, deflate with float predictor", "f24p.tif", _float24_predicted,
         0.6),
    Made("TIFF 12 bits in 16, SMaxSampleValue 4095", "smax12.tif", lambda: (
        tiff(page(bits(rgb(), 12), more={341: (3, [4095] * 3)})), up(bits(rgb(), 12), 12)), 0.5,
        "4095"),
    *(Made(f"TIFF palette of {n} bits", f"palette{n}.tif", functools.partial(_palette, n))
      for n in (1, 2, 4, 8)),
    Made("TIFF palette whose color map has 8 bits", "palette-small.tif",
         lambda: _palette(8, small=True), 0, "the palette have 8 bits"),
    Made("TIFF palette, big-endian", "palette-be.tif", lambda: _palette(8, order=">")),
    *(Made(f"TIFF YCbCr, chroma shared by {a} x {b}", f"ycbcr{a}{b}.tif",
           functools.partial(_ycbcr, a, b), 2) for a, b in ((1, 1), (2, 1), (2, 2), (4, 2))),
    *(Made(f"TIFF CCITT {name}, {'white is 0' if p == 0 else 'black is 0'}", f"{kind}{p}.tif",
           functools.partial(_ccitt, kind, p))
      for kind, name in (("group3", "Group 3"), ("group4", "Group 4"), ("tiff_ccitt", "RLE"))
      for p in (0, 1)),
    Made("TIFF LZMA", "lzma.tif", coded("lzma", rowsperstrip=16)),
    Made("TIFF LZMA with predictor, gray", "lzmap.tif",
         coded("lzma", color=False, predictor=2, rowsperstrip=16)),
    Made("TIFF WebP", "webp.tif", coded("webp", True, compressionargs={"lossless": True},
                                        rowsperstrip=16)),
    Made("TIFF LERC, 16 bit", "lerc.tif", coded("lerc", rowsperstrip=16)),
    Made("TIFF LERC, 8-bit gray", "lerc8.tif", coded("lerc", True, False, rowsperstrip=16)),
    Made("TIFF JPEG 2000, tiles", "j2k.tif", coded("jpeg2000", tile=(32, 32), compressionargs={
        "reversible": True, "level": 0})),
    Made("TIFF JPEG 2000, strips, gray", "j2kg.tif", coded("jpeg2000", color=False, rowsperstrip=24,
         compressionargs={"reversible": True, "level": 0})),
    Made("TIFF JPEG XR", "jxr.tif", coded("jpegxr", rowsperstrip=64)),
    Made("TIFF JPEG XR, 8 bit, tiles", "jxr8.tif", coded("jpegxr", True, tile=(32, 32))),
    Made("TIFF JPEG XL", "jxl.tif", coded("jpegxl", rowsperstrip=16,
                                          compressionargs={"lossless": True})),
    Made("TIFF lossless JPEG, gray", "sof3.tif", lambda: _lossless_jpeg(False)),
    Made("TIFF lossless JPEG, RGB", "sof3c.tif", lambda: _lossless_jpeg(True)),
    Made("TIFF lossless JPEG with restart intervals", "sof3r.tif", lambda: _lossless_kind(4, 0)),
    Made("TIFF lossless JPEG with a point transform", "sof3p.tif", lambda: _lossless_kind(0, 2)),
    Made("TIFF old-style JPEG", "ojpeg.tif", lambda: _old_jpeg(True)),
    Made("TIFF old-style JPEG, gray", "ojpegg.tif", lambda: _old_jpeg(False)),
    Made("TIFF RGB that is called MinIsBlack", "mib.tif", lambda: _min_is_black(False), 0,
         "MinIsBlack"),
    Made("TIFF RGB that is called MinIsBlack, with extra samples", "mibx.tif",
         lambda: _min_is_black(True), 0, "MinIsBlack"),
    Made("TIFF without StripByteCounts", "nocounts.tif", _without_counts(drop=(279,)), 0,
         "StripByteCounts"),
    Made("TIFF PackBits without StripByteCounts", "nocountsp.tif", _packbits_without_counts, 0,
         "StripByteCounts"),
    Made("TIFF JPEG without StripByteCounts", "nocountsj.tif", _jpeg_without_counts, 300,
         "StripByteCounts"),
    Made("TIFF whose StripByteCounts are 0", "zero.tif", _without_counts(counts=[0] * 4), 0,
         "byte counts"),
    Made("TIFF RGB + infrared in a fourth sample without a word, by VueScan", "rgbi.tif",
         lambda: _extra(4, (), "<", VUESCAN), 0, "fourth sample", infrared=True),
    Made("TIFF RGB + infrared in a fourth sample, big-endian", "rgbib.tif",
         lambda: _extra(4, (0,), ">", ""), infrared=True),
    Made("TIFF three pictures", "three.tif", _pages("color", "color", "color"), pictures=3),
    Made("TIFF pictures in color and gray that are numbered", "mixed.tif",
         _pages("color", "gray", number=True), pictures=2),
    Made("TIFF thumbnail first, without a word", "thumb0.tif", _pages("small", "color"), 0,
         "reduced copy"),
    Made("TIFF thumbnail last, without a word", "thumb1.tif", _pages("color", "small"), 0,
         "reduced copy"),
    Made("TIFF thumbnail first, tagged", "thumb2.tif", _pages("tagged-small", "color")),
    Made("SilverFast HDRi, color, infrared tagged", "hdri.tif",
         _pages("color", "infrared", software=SILVERFAST), infrared=True),
    Made("SilverFast HDRi, gray, infrared not tagged", "hdrig.tif",
         _pages("gray", "unsaid", software=SILVERFAST), 0, "infrared", infrared=True),
    Made("Linear DNG, a black for each channel", "black.dng", _black, 1),
    Made("Linear DNG, one black for all", "black1.dng", lambda: _black(one=True), 1),
    Made("Linear DNG, a pattern of blacks", "pattern.dng", lambda: _black(pattern=True), 1),
    Made("Linear DNG, black that changes with row and column", "deltas.dng",
         lambda: _black(deltas=True), 1),
    Made("Linear DNG, ActiveArea and DefaultCrop", "crop.dng", _crop),
    Made("Linear DNG of 12 bits with a LinearizationTable", "table.dng", _linearized, 0.5),
    Made("Linear DNG, float", "float.dng", lambda: (
        linear((rgb() / 65535).astype(np.float32)), rgb()), 0.01),
    Made("Linear DNG, lossless JPEG of other rows", "rows.dng", _jpeg_rows),
    Made("Linear DNG, lossy JPEG", "lossy.dng", _dng_lossy),
    Made("Linear DNG, JPEG XL", "xl.dng", _dng_xl),
    Made("Linear DNG, JPEG XL of half floats", "xl16.dng", _dng_of_halves, 0.6),
    Made("DNG without raw samples", "rendered.dng", lambda: (tiff(page(rgb(), more=DNG)), rgb()), 0,
         "without raw samples"),
    Made("Linear DNG, RGB + infrared (VueScan)", "rgbi.dng", _dng_infrared, infrared=True,
         says="fourth sample"),
    *(Made(f"PNG {n}-bit gray", f"gray{n}.png", functools.partial(_png_gray, n))
      for n in (1, 2, 4)),
    *(Made(f"PNG palette of {n} bits", f"palette{n}.png", functools.partial(_png_palette, n))
      for n in (1, 2, 4, 8)),
    Made("PPM, 8 bit", "a.ppm", lambda: (pnm(b"P6", bits(rgb(), 8), 255), up(bits(rgb(), 8), 8))),
    Made("PPM, 16 bit, with a comment", "b.ppm", lambda: (pnm(b"P6", rgb(), 65535, b"# GIMP\n"),
                                                          rgb())),
    Made("PPM with a comment behind its white", "d.ppm", lambda: (
        b"P6 93 60 65535 # by hand\n" + rgb().astype(">u2").tobytes(), rgb())),
    Made("PGM whose white is 4095", "a.pgm", lambda: (pnm(b"P5", bits(gray(), 12), 4095),
                                                      up(bits(gray(), 12), 12)), 0.5),
    Made("PGM whose white is 1000", "b.pgm", lambda: (
        pnm(b"P5", np.round(gray() / 65535 * 1000).astype(np.uint16), 1000),
        np.round(np.round(gray() / 65535 * 1000) / 1000 * 65535)), 0.5, "1000 is white"),
    Made("PBM", "a.pbm", _pbm),
    Made("PPM in plain text", "c.ppm", lambda: _plain(True)),
    Made("PGM in plain text", "c.pgm", lambda: _plain(False)),
    Made("PAM with alpha", "a.pam", _pam),
    Made("PFM, little-endian", "a.pfm", lambda: _pfm(b"PF", "<"), 0.01),
    Made("PFM, gray, big-endian", "b.pfm", lambda: _pfm(b"Pf", ">"), 0.01),
    Made("JPEG XL, 16 bit", "a.jxl", lambda: _jxl(16)),
    Made("JPEG XL, 8-bit gray", "b.jxl", lambda: _jxl(8, False)),
    Made("JPEG XL, 16 bit, with alpha", "c.jxl", lambda: (bytes(imagecodecs.jpegxl_encode(
        np.dstack([rgb(), gray(seed=2)]), lossless=True)), rgb())),
    Made("JPEG 2000", "a.jp2", lambda: _jp2("jp2")),
    Made("JPEG 2000, 12-bit gray codestream", "a.j2k", lambda: _jp2("j2k", 12, False), 0.5),
    *(Made(f"AVIF, {n}-bit RGB", f"rgb{n}.avif", functools.partial(avif, n)) for n in (8, 10, 12)),
    *(Made(f"AVIF, {n}-bit gray", f"gray{n}.avif", functools.partial(avif, n, False))
      for n in (8, 12)),
    Made("AVIF, 10 bit, with alpha", "alpha.avif", lambda: avif(10, alpha=True)),
    Made("BMP", "a.bmp", lambda: _eight("BMP")),
    Made("BMP of gray", "b.bmp", lambda: _eight("BMP", False)),
    Made("WebP, lossless", "a.webp", lambda: _eight("WEBP", lossless=True)),
    Made("Pakon dump with its head", "a.raw", lambda: _dump(True), 0, "Pakon"),
    Made("Pakon dump of gray with its head", "b.raw", lambda: _dump(True, False), 0, "Pakon"),
    Made("Pakon dump without a head, 1500 x 1000", "c.raw",
         lambda: _dump(False, size=(1000, 1500)), 0, "Pakon"),
)  # fmt: skip

SIGNED = {339: (3, [2, 2, 2])}
REFUSED_MADE = (
    Made("TIFF of signed integers", "signed.tif", lambda: (
        tiff(page(rgb(), more=SIGNED)), None), refused=("unsupported", "signed")),
    Made("TIFF LogLuv", "logluv.tif", lambda: (
        tiff(page(rgb(), photometric=32845)), None), refused=("unsupported", "LogLuv")),
    Made("TIFF of samples of different sizes", "565.tif", lambda: (
        tiff(page(bits(rgb(), 8), more={258: (3, [5, 6, 5])})), None),
        refused=("unsupported", "different sizes")),
    Made("TIFF of three samples that are called MinIsWhite", "white3.tif", lambda: (
        tiff(page(rgb(), photometric=0)), None), refused=("unsupported", "MinIsWhite")),
    Made("TIFF of four CMYK samples", "cmyk.tif", lambda: (
        tiff(page(np.dstack([rgb(), gray()]), photometric=5)), None),
        refused=("unsupported", "CMYK")),
    Made("HEIC", "a.heic", _refused(b"\0\0\0\x18ftypheic" + bytes(40)),
         refused=("unsupported", "HEIC")),
    Made("AVIF sequence", "a.avif", _refused(b"\0\0\0\x18ftypavis" + bytes(16)),
         refused=("unsupported", "sequence")),
    Made("Photoshop file", "a.psd", _refused(b"8BPS\0\x01" + bytes(40)),
         refused=("unsupported", "Photoshop")),
    Made("OpenEXR", "a.exr", _refused(b"v/1\x01" + bytes(40)), refused=("unsupported", "OpenEXR")),
    Made("FITS", "a.fits", _refused(b"SIMPLE  =" + bytes(40)), refused=("unsupported", "FITS")),
    Made("A dump whose size leaves no reading (Noritsu)", "n.raw", _refused(b"\x12\x34" * 4711),
         refused=("unsupported", "dump")),
    Made("JPEG-LS", "ls.jpg", _refused(b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"
                                       b"\xff\xda\0\x08\x01\x01\0\0\0\0\xff\xd9"),
         refused=("unsupported", "JPEG-LS")),
)  # fmt: skip
