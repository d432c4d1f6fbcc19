"""Reads the header of an AVIF: the boxes that describe its primary picture.

Covers size, depth, gray, alpha, orientation (irot, imir), transfer function and ICC profile (colr),
grids, and what else the file holds. Bounded reads, no decoder, standard library only. Not covered:
sequences, which are refused by name, and Exif and XMP.

Source: ISO/IEC 23008-12 section 6.5; ISO/IEC 14496-12 section 12.1.5; ISO/IEC 23000-22 section 7.3
(MIAF); AV1 codec ISO media file format binding section 2.3; ITU-T H.273.
"""

from __future__ import annotations

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.avif import items as boxes
from divere_cli.image.avif import sequence
from divere_cli.image.avif.items import EXPORT, Content, Items, Property, Span, first
from divere_cli.image.layout import Header
from divere_cli.image.limits import check_size
from divere_cli.image.orientation import TURNS
from divere_cli.image.png.header import H273_TRANSFERS
from divere_cli.image.source import Source

_BRANDS = (b"avif", b"avis")
# brands of HEIF whatever the codec: the brands after the first tell it
_GENERAL = (b"mif1", b"mif2", b"miaf")
_ALPHA = (
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
)
_METADATA_ITEMS = (b"Exif", b"mime", b"uri ")
# an essential property that is not one of these changes how the picture is shown
_KNOWN = (b"ispe", b"pixi", b"av1C", b"colr", b"irot", b"imir", b"clap", b"pasp", b"auxC")
_UNSPECIFIED = 2
# limits of libavif, as imagecodecs uses it
_DECODER_SIDE, _DECODER_PIXELS = 32768, 1 << 28
# largest number of pictures in memory during reading, besides the file (measured, rounded up)
_TIMES = 5


def is_avif(head: bytes) -> bool:
    """Return whether the first bytes are those of an AVIF, by its brands.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    if head[4:8] != b"ftyp":
        return False
    if head[8:12] in _BRANDS:
        return True
    end = min(int.from_bytes(head[:4], "big"), len(head))
    others = [head[at : at + 4] for at in range(16, end - 3, 4)]
    return head[8:12] in _GENERAL and any(brand in _BRANDS for brand in others)


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of an AVIF file.

    Parameters
    ----------
    source : Source
        The open file.
    max_pixels : int
        Larger pictures are refused.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    items = boxes.read(source)
    own = items.properties.get(items.primary, [])
    _check_primary(items, own)
    width, height = _size(source, own)
    check_size(width, height, max_pixels)
    if max(width, height) > _DECODER_SIDE or width * height > _DECODER_PIXELS:
        raise Unsupported(f"an AVIF of {width} x {height} pixels, too many for its decoder",
                          hint=EXPORT)  # fmt: skip
    _check_coded(source, items)
    bits, gray = _samples(source, own)
    alpha, notes = _beside(source, items)
    icc, transfer = _color(source, own, bits)
    channels = 1 if gray else 3
    size = width * height * (channels + alpha) * (1 if bits == 8 else 2)
    return Header(
        format="avif",
        width=width,
        height=height,
        channels=channels,
        bits=bits,
        file_size=source.size,
        extra=("alpha",) if alpha else (),
        compression="AV1",
        variant="avif",
        orientation=_orientation(source, own),
        icc=icc,
        reader="whole",
        band="" if bits == 8 else "uint16",
        memory=source.size + _TIMES * size,
        transfer="icc" if icc else transfer[0],
        transfer_by="colr box" if icc else transfer[1],
        transfer_else=transfer[0] if icc else "",
        transfer_else_by=transfer[1] if icc else "",
        notes=notes,
    )


def _check_primary(items: Items, own: list[Property]) -> None:
    """Raise Unsupported for a primary picture that is shown otherwise than it is stored."""
    kind = items.kinds.get(items.primary)
    if kind is None:
        raise CorruptInput(f"the AVIF has no item {items.primary}, its primary picture")
    if kind not in (b"av01", b"grid"):
        raise Unsupported(f"an AVIF whose picture is of kind {_text(kind)}", hint=EXPORT)
    if any(items.primary == begin for begin, _ in items.of(b"prem")):
        raise Unsupported("an AVIF whose alpha is premultiplied", hint=EXPORT)
    for each in own:
        if each.kind == b"clap":
            raise Unsupported("an AVIF that shows a part of its picture (clap)", hint=EXPORT)
        if each.essential and each.kind not in _KNOWN:
            raise Unsupported(f"an AVIF with the property {_text(each.kind)}", hint=EXPORT)


def _text(kind: bytes) -> str:
    return ascii(kind.decode("latin-1"))


def _size(source: Source, own: list[Property]) -> tuple[int, int]:
    span = first(own, b"ispe")
    if span is None:
        raise CorruptInput("the AVIF does not say how large its picture is")
    content = Content(source, span, "ispe")
    content.version()
    return content.number(4), content.number(4)


def _check_coded(source: Source, items: Items) -> None:
    """Check the sizes of the coded pictures; libavif would resize another one in silence."""
    parts = [end for begin, ends in items.of(b"dimg") if begin == items.primary for end in ends]
    for number in parts if items.kinds[items.primary] == b"grid" else [items.primary]:
        stated = _size(source, items.properties.get(number, []))
        coded = sequence.size(boxes.head(source, items, number))
        if stated != coded:
            raise CorruptInput(
                f"the AVIF says {stated[0]} x {stated[1]} pixels, its data {coded[0]} x {coded[1]}"
            )


def _samples(source: Source, own: list[Property]) -> tuple[int, bool]:
    """Return bits and whether the picture is gray: by av1C, or of a grid by pixi."""
    depths: bytes = b""
    if (span := first(own, b"pixi")) is not None:
        content = Content(source, span, "pixi")
        content.version()
        depths = content.bytes(content.number(1))
    if (span := first(own, b"av1C")) is not None:
        flags = Content(source, span, "av1C").bytes(3)[2]
        bits, gray = (12 if flags & 0x20 else 10) if flags & 0x40 else 8, bool(flags & 0x10)
    elif depths:
        bits, gray = depths[0], len(depths) == 1
    else:
        raise Unsupported("an AVIF that does not say its bits", hint=EXPORT)
    if any(depth != bits for depth in depths):
        raise CorruptInput(f"the AVIF says {bits} bits, and {', '.join(map(str, depths))}")
    if bits not in (8, 10, 12):
        raise Unsupported(f"{bits}-bit samples in an AVIF", hint=EXPORT)
    return bits, gray


def _beside(source: Source, items: Items) -> tuple[bool, tuple[str, ...]]:
    """Return whether there is alpha, and notes about pictures that are left out."""
    alpha, other = False, 0
    for number, _ in items.of(b"auxl", items.primary):
        span = first(items.properties.get(number, []), b"auxC")
        name = source.read(span[0] + 4, min(span[1] - span[0] - 4, 64)) if span else b""
        alpha, other = (True, other) if name.startswith(_ALPHA) else (alpha, other + 1)
    parts = {end for _, ends in items.of(b"dimg") for end in ends}
    parts |= {begin for kind in (b"thmb", b"auxl") for begin, _ in items.of(kind)}
    parts |= {items.primary, *items.hidden}
    rest = [kind for number, kind in items.kinds.items() if number not in parts]
    other += sum(kind not in (*_METADATA_ITEMS, b"tmap", b"") for kind in rest)
    notes = ("its gain map is left out",) if b"tmap" in rest else ()
    if other:
        notes = (*notes, f"its primary picture is taken; the file has {other} more, left out")
    return alpha, notes


def _color(source: Source, own: list[Property], bits: int) -> tuple[Span | None, tuple[str, str]]:
    """Return the ICC profile's place, and the transfer function with the part that says it."""
    icc: Span | None = None
    code: int | None = None
    for each in own:
        if each.kind != b"colr":
            continue
        start, end = each.span
        kind = source.read(start, 4, "the AVIF box colr")
        if kind == b"nclx" and code is None:
            content = Content(source, each.span, "colr")
            code = int.from_bytes(content.bytes(8)[6:], "big")
        elif kind in (b"prof", b"rICC") and icc is None:
            icc = start + 4, end - start - 4
    if code in (None, _UNSPECIFIED):
        # 8 bits without a word are sRGB in all formats of displays; MIAF says so of any depth
        return icc, ("", "") if bits == 8 or icc else ("srgb", "AVIF default")
    return icc, (H273_TRANSFERS.get(code or 0, f"transfer function {code} of H.273"), "colr box")


def _orientation(source: Source, own: list[Property]) -> int:
    """Return the orientation of irot and imir, in the order in which the file lists them."""
    mirrored, degrees = False, 0
    for each in own:
        if each.kind == b"irot":
            degrees += 90 * (Content(source, each.span, "irot").number(1) & 3)
        elif each.kind == b"imir":
            sides = Content(source, each.span, "imir").number(1) & 1
            # a mirror after a turn is the mirror before the opposite turn
            mirrored, degrees = not mirrored, (0 if sides else 180) - degrees
    turn = mirrored, degrees % 360
    return next(value for value, known in TURNS.items() if known == turn)
