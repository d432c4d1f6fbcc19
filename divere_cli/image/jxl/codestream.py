"""The head of a JPEG XL codestream: size, depth and color space.

Covers reading the head, and replacing its color space: libjxl's encoder is used through
imagecodecs, which can write sRGB only. Pixels do not change by that: lossless ones are stored as
they are, and those of a lossy picture are absolute (XYB), so that the space is what a reader gives
them back in. Not covered: spaces with an encoding that is neither linear nor a power, which need
an ICC profile there.

Source: ISO/IEC 18181-1:2024, annexes D and E.
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.errors import CorruptInput, Internal, Unsupported
from divere_cli.image.jxl.bits import ENUM, BitReader, BitWriter, Choices
from divere_cli.records.grade import XY, Space

START = b"\xff\x0a"
# more than any head without an embedded profile
HEAD_BYTES = 256
_SIDE: Choices = ((9, 1), (13, 1), (18, 1), (30, 1))
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_INTEGER_BITS: Choices = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_BITS: Choices = ((0, 32), (0, 16), (0, 24), (6, 1))
_EXTRA_CHANNELS: Choices = ((0, 0), (0, 1), (4, 2), (12, 1))
_SHIFTS: Choices = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAME_LENGTHS: Choices = ((0, 0), (4, 0), (5, 16), (10, 48))
_ALPHA = 0
_TRANSFERS = {1: "bt709", 8: "linear", 13: "srgb", 16: "pq", 18: "hlg"}
_MILLIONTHS: Choices = ((19, 0), (19, 524_288), (20, 1_048_576), (21, 2_097_152))
_RGB, _GRAY = 0, 1
_EXPONENT = 8
_D65, _CUSTOM, _LINEAR, _SRGB, _RELATIVE = 1, 2, 8, 13, 1


@dataclass(frozen=True, slots=True)
class Head:
    """Values in the head of a codestream.

    ``small`` is whether 16-bit buffers suffice. ``size_end`` is the first bit behind the
    sizes, ``end`` the first behind the head where that is plain, else 0. ``transfer`` is the
    encoding as :class:`divere_cli.image.layout.Header` names it.
    """

    width: int
    height: int
    bits: int
    floats: bool
    orientation: int
    gray: bool
    lossy: bool
    small: bool
    size_end: int
    end: int
    alpha: bool = False
    premultiplied: bool = False
    transfer: str = "srgb"


def read(data: bytes) -> Head:
    """Read the head of a codestream.

    Parameters
    ----------
    data : bytes
        The codestream's start, ``HEAD_BYTES`` of it or all.

    Raises
    ------
    CorruptInput, Unsupported
    """
    if not data.startswith(START):
        raise CorruptInput("no JPEG XL codestream")
    source = BitReader(data, 16)
    width, height = _size(source)
    size_end = source.at
    if source.flag():  # all defaults: 8 bits, XYB, sRGB
        end = source.at + 1 if source.flag() else 0
        return Head(width, height, 8, False, 1, False, True, True, size_end, end)
    orientation, plain = 1, not source.flag()
    if not plain:
        orientation = 1 + source.bits(3)
        if source.flag():
            _size(source)
        if source.flag() or source.flag():
            raise Unsupported("a JPEG XL with a preview or an animation")
    bits, floats = _depth(source)
    small = source.flag()
    alpha, premultiplied = _extra(source, source.u32(_EXTRA_CHANNELS))
    lossy = source.flag()
    gray, profile, transfer = _color(source)
    end = 0
    if not alpha and plain and not profile and not source.bits(2):  # no extensions
        end = source.at + 1 if source.flag() else 0  # the usual transforms
    return Head(
        width, height, bits, floats, orientation, gray, lossy, small, size_end, end,
        alpha, premultiplied, transfer,
    )  # fmt: skip


def named(data: bytes | memoryview, space: Space, bits: int) -> tuple[bytes, int]:
    """Return the head of a codestream with another color space.

    Parameters
    ----------
    data : bytes or memoryview
        A whole codestream, as libjxl writes it.
    space : Space
        With an encoding that is linear or a power.
    bits : int
        Of a sample: 8 and 16 are integers, 32 is float. Lossless pixels have it already;
        to a reader of lossy ones it says what to give back.

    Returns
    -------
    bytes
        The head.
    int
        Where in ``data`` the rest begins that follows it.

    Raises
    ------
    Internal
        The head is of a form that was not foreseen: another libjxl.
    """
    start = bytes(data[:HEAD_BYTES])
    head = read(start)
    padding = data[head.end // 8] >> (head.end % 8) if head.end % 8 else 0
    if not head.end or padding or not (head.lossy or head.bits == bits):
        raise Internal("libjxl wrote a head that divere does not know")
    out = BitWriter()
    out.bits(BitReader(start).bits(head.size_end), head.size_end)
    out.bits(0, 2)  # not all as usual, no extra fields
    out.bits(bits == 32, 1)
    out.u32(bits, _FLOAT_BITS if bits == 32 else _INTEGER_BITS)
    if bits == 32:
        out.bits(_EXPONENT - 1, 4)
    out.bits(head.small, 1)
    out.u32(0, _EXTRA_CHANNELS)
    out.bits(head.lossy, 1)
    _put_color(out, space, head)
    out.bits(0, 2)  # no extensions
    out.bits(1, 1)  # the usual transforms
    return out.bytes(), -(-head.end // 8)


def _size(source: BitReader) -> tuple[int, int]:
    small = source.flag()
    height = 8 * (1 + source.bits(5)) if small else source.u32(_SIDE)
    ratio = source.bits(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height * across // down, height
    return (8 * (1 + source.bits(5)) if small else source.u32(_SIDE)), height


def _depth(source: BitReader) -> tuple[int, bool]:
    if source.flag():
        bits = source.u32(_FLOAT_BITS)
        source.bits(4)  # of the exponent
        return bits, True
    return source.u32(_INTEGER_BITS), False


def _extra(source: BitReader, count: int) -> tuple[bool, bool]:
    """Read the channels beside color; return whether there is alpha, and its premultiplication."""
    if not count:
        return False, False
    if source.flag():  # all defaults: 8-bit alpha
        kind, premultiplied = _ALPHA, False
    else:
        kind = source.u32(ENUM)
        _depth(source)
        shift = source.u32(_SHIFTS)
        source.bits(8 * source.u32(_NAME_LENGTHS))
        premultiplied = kind == _ALPHA and source.flag()
        if shift:
            kind = -1  # a channel of another size
    if count > 1 or kind != _ALPHA:
        raise Unsupported("a JPEG XL with other channels beside color and alpha")
    return True, premultiplied


def _color(source: BitReader) -> tuple[bool, bool, str]:
    """Read a color encoding: whether it is gray, whether a profile follows, the transfer."""
    if source.flag():
        return False, False, "srgb"
    profile = source.flag()
    space = source.u32(ENUM)
    if profile:
        return space == _GRAY, True, "an ICC profile"
    if source.u32(ENUM) == _CUSTOM:
        _pass_points(source, 1)
    if space != _GRAY and source.u32(ENUM) == _CUSTOM:
        _pass_points(source, 3)
    if source.flag():
        exponent = source.bits(24)
        transfer = f"gamma {1e7 / exponent:.5g}" if exponent else "gamma 0"
    else:
        code = source.u32(ENUM)
        transfer = _TRANSFERS.get(code, f"transfer function {code}")
    source.u32(ENUM)
    return space == _GRAY, False, transfer


def _pass_points(source: BitReader, count: int) -> None:
    for _ in range(2 * count):
        source.u32(_MILLIONTHS)


def _put_color(out: BitWriter, space: Space, head: Head) -> None:
    """Write a space; lossy gray uses sRGB: with another curve libjxl returns linear light."""
    out.bits(0, 2)  # not all as usual, no profile
    out.u32(_GRAY if head.gray else _RGB, ENUM)
    if head.gray and head.lossy:
        out.u32(_D65, ENUM)
        out.bits(0, 1)
        out.u32(_SRGB, ENUM)
        out.u32(_RELATIVE, ENUM)
        return
    out.u32(_CUSTOM, ENUM)
    _put_point(out, space.white)
    if not head.gray:
        assert space.primaries is not None
        out.u32(_CUSTOM, ENUM)
        for point in space.primaries:
            _put_point(out, point)
    if space.gamma == 1.0:
        out.bits(0, 1)
        out.u32(_LINEAR, ENUM)
    else:
        out.bits(1, 1)
        out.bits(round(1e7 / space.gamma), 24)
    out.u32(_RELATIVE, ENUM)


def _put_point(out: BitWriter, point: XY) -> None:
    for value in point:
        millionths = round(value * 1e6)
        out.u32(2 * millionths if millionths >= 0 else -2 * millionths - 1, _MILLIONTHS)
