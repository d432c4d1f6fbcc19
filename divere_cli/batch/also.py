"""``--also``: a further output of the same decode and grade, given as one argument.

Covers parsing of ``FORMAT[,KEY=VALUE...]`` and invalid combinations of settings, also for
the main output. Where outputs go and which are up to date is decided elsewhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from divere_cli.batch import naming
from divere_cli.batch.words import compression_meant, format_meant
from divere_cli.errors import UsageError
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding

Format = Literal["tiff", "jpeg", "png", "jxl", "dng"]
BitDepth = Literal[8, 16, 32]

FORMATS: tuple[Format, ...] = ("tiff", "jpeg", "png", "jxl", "dng")
DEPTHS: dict[Format, tuple[BitDepth, ...]] = {
    "tiff": (16, 8, 32),
    "jpeg": (8,),
    "png": (16, 8),
    "jxl": (16, 8, 32),
    "dng": (16,),
}  # the first is the default
QUALITIES = {"jpeg": 95, "jxl": 100}
LOSSLESS = 100
KEYS = ("size", "quality", "color-space", "name", "bit-depth", "compression", "dither", "flat")
_COMPRESSIONS = ("none", "lzw", "deflate", "zstd")
_YES_NO = {"": True, "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Also:
    """One further output: its encoding, and the template of its name without suffix."""

    encoding: Encoding
    name: str = ""


def depth(format_: Format, requested: BitDepth | None) -> BitDepth:
    """Return the bits of each channel.

    Parameters
    ----------
    format_ : Format
        The file format.
    requested : BitDepth or None
        The requested bits; None for the default.

    Raises
    ------
    UsageError
        The format does not support this depth.
    """
    bits = DEPTHS[format_]
    if requested is None:
        return bits[0]
    if requested not in bits:
        has = "a jpeg has 8 bits" if format_ == "jpeg" else f"a {format_} has {_listed(bits)} bits"
        formats = "tiff" if requested == 32 else "tiff or png"
        raise UsageError(f"--bit-depth {requested}: {has}", hint=f"use --format {formats}")
    return requested


def check(encoding: Encoding) -> None:
    """Raise ``UsageError`` for an output that cannot be written.

    Parameters
    ----------
    encoding : Encoding
        How the positive is written.
    """
    if encoding.dither and encoding.bit_depth != 8:
        raise UsageError("--dither is for 8-bit outputs", hint="add --bit-depth 8")
    if encoding.format == "jxl" and encoding.color_space.transfer != "power":
        raise UsageError(
            f"JPEG XL cannot describe the encoding of {encoding.color_space.name}",
            hint="use --format tiff, or another --color-space",
        )


def parse(spec: str, main: Encoding, space: Callable[[str | None, BitDepth], Space]) -> Also:
    """Parse one SPEC.

    Parameters
    ----------
    spec : str
        For example ``jpeg,size=2048,quality=90,color-space=sRGB,name={stem}-proof``.
    main : Encoding
        Encoding of the main output: metadata and infrared are handled alike in all outputs.
    space : callable
        Returns the output space of a name, or the default of a bit depth.

    Raises
    ------
    UsageError, ProfileError
    """
    try:
        return _parse(spec, main, space)
    except UsageError as problem:
        raise UsageError(f"--also '{spec}': {problem.message}", hint=problem.hint) from problem


def _parse(spec: str, main: Encoding, space: Callable[[str | None, BitDepth], Space]) -> Also:
    format_, *parts = [part.strip() for part in spec.split(",")]
    kind = cast(Format, format_meant(format_))
    if kind not in FORMATS:
        raise UsageError(f"does not begin with a format: {_suggestion(format_, FORMATS)}")
    settings = _pairs(parts)
    bits = depth(kind, _depth(settings.get("bit-depth")))
    for key, formats in (("quality", ("jpeg", "jxl")), ("compression", ("tiff",))):
        if key in settings and kind not in formats:
            raise UsageError(f"{key} is for {' and '.join(formats)}, not {kind}")
    if kind == "dng" and "color-space" in settings:
        raise UsageError("a dng is linear light of the working space: leave out color-space")
    name = settings.get("name", "")
    naming.check(name)
    encoding = replace(
        main,
        format=kind,
        bit_depth=bits,
        color_space=space(settings.get("color-space"), bits),
        compression=_one_of(
            "compression", compression_meant(settings.get("compression", "none")), _COMPRESSIONS
        ),
        quality=_number("quality", settings.get("quality"), 100) or QUALITIES.get(kind, 95),
        size=_number("size", settings.get("size"), None) or 0,
        dither=_flag("dither", settings),
        flat=_flag("flat", settings) or kind == "dng",
    )
    check(encoding)
    return Also(encoding, name)


def _pairs(parts: list[str]) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if key not in KEYS:
            raise UsageError(f"no key {key!r}: {_suggestion(key, KEYS)}")
        if key in values:
            raise UsageError(f"{key} is given twice")
        if not value and (equals or key not in ("dither", "flat")):
            raise UsageError(f"{key} has no value")
        values[key] = value
    return values


def _suggestion(word: str, allowed: tuple[str, ...]) -> str:
    """Return a suggestion for a mistyped word, and the allowed words."""
    close = difflib.get_close_matches(word.replace("_", "-").casefold(), allowed, n=1, cutoff=0.6)
    suggestion = f"did you mean {close[0]!r}? " if close else ""
    return f"{suggestion}There are: {', '.join(allowed)}"


def _depth(value: str | None) -> BitDepth | None:
    if value is None:
        return None
    return cast(BitDepth, int(_one_of("bit-depth", value, ("8", "16", "32"))))


def _number(key: str, value: str | None, top: int | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or int(value) < 1 or (top and int(value) > top):
        upper = f" to {top}" if top else " on"
        raise UsageError(f"{key}={value} is not a whole number from 1{upper}")
    return int(value)


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise UsageError(f"{key}={value}: {_suggestion(value, allowed)}")
    return value


def _flag(key: str, settings: Mapping[str, str]) -> bool:
    value = settings.get(key, "no")
    if value not in _YES_NO:
        raise UsageError(f"{key}={value}: give yes or no, or {key} alone")
    return _YES_NO[value]


def _listed(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, sorted(numbers)))
