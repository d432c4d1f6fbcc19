"""The ICC profile of an output space, as bytes.

Covers building the profile: littlecms makes it from the space's primaries, white and gamma
(version 4, matrix and curve, adapted to D50 by Bradford), and this module completes it: it has the
space's name and, where its encoding is no power, its curve, and the same space gives the same
bytes on every machine and in every run, because the creation time and the platform are fixed. Not
covered: reading profiles that come with a scan (``inspect`` shows their name only; the preset says
what a scan is).

ICC has no word for a logarithm: ACEScct is a table of its light up to 1, where a
positive ends.
"""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache

from divere_cli.errors import ProfileError
from divere_cli.records.grade import Space

D50_XY = (0.3457, 0.3585)

_HEADER = 128
# ICC.1:2010 7.2: date and time at 24, platform at 40, flags at 44, intent at 64, ID at 84.
_CREATED = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
_RELATIVE_COLORIMETRIC = struct.pack(">I", 1)
# ICC.1:2010 7.2.18: these are zero while the ID is taken.
_ZERO_FOR_ID = ((44, 48), (64, 68), (84, 100))
_CURVES = (b"rTRC", b"gTRC", b"bTRC", b"kTRC")
# length that littlecms keeps; interpolation between two entries is exact to 0.05 %
_TABLE = 4096


@lru_cache(maxsize=16)
def profile(space: Space, gray: bool = False) -> bytes:
    """Build the ICC profile of a positive.

    Parameters
    ----------
    space : Space
        The output space; encoded values are ``linear ** (1 / gamma)``.
    gray : bool
        The positive has one channel: a gray profile with the space's gamma.
        Always so for a space without primaries.

    Returns
    -------
    bytes
        ICC version 4 profile, the same for equal arguments.

    Raises
    ------
    ProfileError
        The figures span no color space.
    """
    from imagecodecs import CmsError, cms_profile

    try:
        if gray or space.primaries is None:
            # Version 4 wants the adapted white, D50; a gray axis has no other figure.
            raw = cms_profile("gray", whitepoint=[*D50_XY, 1.0], gamma=space.gamma)
        else:
            raw = cms_profile(
                "rgb",
                whitepoint=[*space.white, 1.0],
                primaries=[v for xy in space.primaries for v in (*xy, 1.0)],
                gamma=space.gamma,
            )
    except (CmsError, ValueError) as error:
        raise ProfileError(f"color space {space.name!r} gives no ICC profile: {error}") from error
    name = f"{space.name} gray" if gray and space.primaries is not None else space.name
    return _ours(raw, name, _curve(space))


def description(icc: bytes) -> str:
    """Read the name in a profile.

    Parameters
    ----------
    icc : bytes
        Any ICC profile, also a damaged one.

    Returns
    -------
    str
        The first name of its ``desc`` tag (version 2 or 4); empty when there is none.
    """
    try:
        data = dict(_tags(icc)).get(b"desc", b"")
        if data[:4] == b"desc":
            (count,) = struct.unpack_from(">I", data, 8)
            return data[12 : 12 + count].split(b"\0")[0].decode("ascii", "replace")
        if data[:4] == b"mluc":
            length, offset = struct.unpack_from(">II", data, 20)
            return data[offset : offset + length].decode("utf-16-be", "replace").rstrip("\0")
    except struct.error:
        pass
    return ""


def colorants(icc: bytes) -> tuple[tuple[float, ...], ...]:
    """Return the matrix of an RGB profile: linear values to XYZ of D50.

    Parameters
    ----------
    icc : bytes
        An ICC profile.

    Returns
    -------
    tuple of tuple of float
        Rows X, Y and Z; columns red, green and blue.

    Raises
    ------
    KeyError
        It is no matrix profile.
    """
    tags = dict(_tags(icc))
    columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    return tuple(tuple(value / 65536 for value in row) for row in zip(*columns, strict=True))


def _tags(icc: bytes) -> list[tuple[bytes, bytes]]:
    """Yield signature and data of each tag that is really in the profile."""
    (count,) = struct.unpack_from(">I", icc, _HEADER)
    entries = [
        struct.unpack_from(">4sII", icc, _HEADER + 4 + 12 * i) for i in range(min(count, 100))
    ]
    return [(name, icc[offset : offset + size]) for name, offset, size in entries]


def _curve(space: Space) -> bytes:
    """Return the curve of an encoding that is no power (ICC.1:2022, 10.6, 10.18); else empty."""
    if space.transfer == "l_star":
        # from encoded values to light: g, a, b, c, d of function type 3
        figures = (3.0, 1 / 1.16, 0.16 / 1.16, 2700 / 24389, 0.08)
        fixed = struct.pack(">5i", *(round(figure * 65536) for figure in figures))
        return struct.pack(">4sIHH", b"para", 0, 3, 0) + fixed
    if space.transfer == "acescct":
        lights = (_acescct_light(code / (_TABLE - 1)) for code in range(_TABLE))
        table = struct.pack(f">{_TABLE}H", *(round(light * 65535) for light in lights))
        return struct.pack(">4sII", b"curv", 0, _TABLE) + table
    return b""


def _acescct_light(code: float) -> float:
    """Decode ACEScct (Academy S-2016-001, section 4.4), clipped to 0..1."""
    if code > 0.155251141552511:
        return min(1.0, float(2.0 ** (code * 17.52 - 9.72)))
    return max(0.0, (code - 0.0729055341958355) / 10.5402377416545)


def _ours(raw: bytes, name: str, curve: bytes) -> bytes:
    """Put the name, a curve and fixed times into a profile that littlecms wrote."""
    tags = [(n, _text(name) if n == b"desc" else data) for n, data in _tags(raw)]
    if curve:
        tags = [(n, curve if n in _CURVES else data) for n, data in tags]
    head = bytearray(raw[:_HEADER])
    head[24:36] = _CREATED
    head[40:44] = bytes(4)
    head[64:68] = _RELATIVE_COLORIMETRIC
    table, body = struct.pack(">I", len(tags)), b""
    first = _HEADER + 4 + 12 * len(tags)
    stored: dict[bytes, int] = {}
    for tag, data in tags:
        if data not in stored:
            stored[data] = first + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", tag, stored[data], len(data))
    head[0:4] = struct.pack(">I", first + len(body))
    head[84:100] = _identity(bytes(head) + table + body)
    return bytes(head) + table + body


def _identity(icc: bytes) -> bytes:
    """Return the profile ID: the MD5 with the fields zeroed that the ICC excludes."""
    blank = bytearray(icc)
    for start, end in _ZERO_FOR_ID:
        blank[start:end] = bytes(end - start)
    return hashlib.md5(blank, usedforsecurity=False).digest()


def _text(value: str) -> bytes:
    """A multi-localized text (``mluc``) with one English entry."""
    text = value.encode("utf-16-be")
    return b"mluc" + struct.pack(">III4sII", 0, 1, 12, b"enUS", len(text), 28) + text
