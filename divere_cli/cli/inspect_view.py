"""Format the facts about a scan for ``divere inspect``: as JSON, and as rows of text.

All text from a file passes through :func:`divere_cli.text.safe` here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from divere_cli.errors import ScanError
from divere_cli.image.layout import Header
from divere_cli.image.metadata.summary import About
from divere_cli.profile.select import Selection
from divere_cli.records.outcome import FilmEdge, TaskResult
from divere_cli.records.serialize import to_plain
from divere_cli.report.summary import digits
from divere_cli.text import safe

_TEXT = 200
_UNITS = {1: "", 2: "dpi", 3: "pixels/cm"}
_FORMATS = {
    "tiff": "TIFF",
    "png": "PNG",
    "jpeg": "JPEG",
    "raw": "camera raw",
    "jxl": "JPEG XL",
    "jp2": "JPEG 2000",
    "avif": "AVIF",
    "pnm": "portable pixmap",
    "webp": "WebP",
    "bmp": "BMP",
    "gif": "GIF",
    "dump": "scanner's dump",
}
_VARIANTS = {
    "bigtiff": "BigTIFF",
    "hdr": "SilverFast HDR",
    "hdri": "SilverFast HDRi",
    "vuescan": "VueScan",
    "fff": "Imacon/Hasselblad .fff",
    "nikon-scan": "Nikon Scan NEF",
    "interlaced": "interlaced",
    "progressive": "progressive",
}


@dataclass(frozen=True, slots=True)
class Scan:
    """All facts about one file."""

    name: str
    header: Header
    about: About
    preset: Selection | None
    preset_error: ScanError | None
    measured: TaskResult = field(default_factory=TaskResult)

    @property
    def film_edge(self) -> FilmEdge | None:
        """Data of the code at the film's edge."""
        return self.measured.film_edge


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that cannot be graded, and why."""

    name: str
    error: ScanError


def as_json(item: Scan | Failed) -> dict[str, Any]:
    """Return what ``divere inspect --json`` prints for one file.

    Parameters
    ----------
    item : Scan or Failed
        One file.
    """
    if not isinstance(item, Scan):
        return {"file": item.name, "error": _error(item.error)}
    header, about = item.header, item.about
    resolution = header.resolution
    return {
        "file": item.name,
        "error": None,
        "format": header.format,
        "variant": header.variant,
        "bytes": header.file_size,
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "extra": list(header.extra),
        "bits": header.bits,
        "sample": header.sample,
        "compression": header.compression,
        "storage": _storage(header),
        "planar": header.planar,
        "big_endian": header.big_endian,
        "min_is_white": header.inverted,
        "orientation": header.orientation,
        "resolution": resolution
        and {"x": resolution.x, "y": resolution.y, "unit": _UNITS.get(resolution.unit, "")},
        "pages": header.pages,
        "pictures": header.pictures,
        "infrared": _infrared(header),
        "film_edge": None if item.film_edge is None else to_plain(item.film_edge),
        "clipped": None if item.measured.clipped is None else to_plain(item.measured.clipped),
        "quality": _quality(item.measured),
        "icc": safe(about.icc, _TEXT) or None,
        "metadata": _metadata(item),
        "preset": _preset(item),
        "warnings": [safe(text) for text in _warnings(item)],
        "notes": [safe(text) for text in header.notes],
    }


def _error(error: ScanError) -> dict[str, str]:
    return {"kind": error.kind, "message": safe(error.message), "hint": error.hint}


def _metadata(item: Scan) -> dict[str, Any]:
    header, about = item.header, item.about
    texts = {
        "make": header.make or about.make,
        "model": header.model or about.model,
        "software": header.software or about.software,
        "date": header.date or about.date,
        "taken": about.taken,
        "artist": about.artist,
        "copyright": about.copyright,
        "description": about.description,
    }
    facts: dict[str, Any] = {key: safe(text, _TEXT) for key, text in texts.items() if text}
    return facts | {"exif": about.exif, "gps": about.gps, "xmp": about.xmp, "iptc": about.iptc}


def _preset(item: Scan) -> dict[str, Any]:
    if item.preset is None:
        return {"error": _error(item.preset_error)} if item.preset_error else {}
    frames = [
        {"crop": list(cut.crop), "orientation": cut.orientation, "name": cut.crop_name}
        for cut in item.preset.frames
    ]
    return {
        "name": item.preset.profile.name,
        "sha256": item.preset.profile.sha256,
        "source": item.preset.source,
        "camera_white_balance": _white_balance(item) or None,
        "frames": frames,
    }


def _warnings(item: Scan) -> tuple[str, ...]:
    preset = item.preset.warnings if item.preset else ()
    return (*item.header.warnings, *preset, *item.measured.warnings)


def _quality(measured: TaskResult) -> dict[str, Any] | None:
    if measured.quality is None:
        return None
    return {**to_plain(measured.quality), "range": list(measured.quality.range)}


def _quality_rows(measured: TaskResult) -> list[tuple[str, str]]:
    """Return the quality of the scan as rows of text; empty if it was not measured."""
    clipped, quality = measured.clipped, measured.quality
    if clipped is None or quality is None:
        return []
    base = quality.film_base
    base_text = "none seen on this scan alone" if base is None else _densities(base)
    return [
        ("clipped", f"white {_shares(clipped.top)}, black {_shares(clipped.bottom)}"),
        ("film base", base_text),
        ("range", f"{_densities(quality.range)} (density {_densities(quality.thin)} and up)"),
        ("noise", " ".join(f"{value:.4f}" for value in quality.noise)),
    ]


def _shares(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1%}" for value in values)


def _densities(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def _infrared(header: Header) -> str | None:
    if "infrared" not in header.extra:
        return None
    return "page" if header.infrared_page is not None else "channel"


def _storage(header: Header) -> str:
    page = header.page
    if page is None:
        return ""
    if page.tile is not None:
        return f"tiles of {page.tile[0]} x {page.tile[1]}"
    if page.rows_per_strip >= page.height:
        return "one strip"
    return f"strips of {page.rows_per_strip} row{'s' if page.rows_per_strip > 1 else ''}"


def rows(item: Scan) -> list[tuple[str, str]]:
    """Return the facts as pairs of name and text, the important ones first; none is empty.

    Parameters
    ----------
    item : Scan
        One file.
    """
    header, about = item.header, item.about
    facts = _metadata(item)
    has_size = header.width and header.height
    size = f"{header.width} x {header.height}, {digits(header.pixels / 1e6)} MP"
    rows = [
        ("format", _format(header)),
        ("size", size if has_size else "known to the raw decoder only"),
        ("samples", _samples(header)),
        ("storage", _compression(header)),
        ("pictures", str(header.pictures) if header.pictures > 1 else ""),
        ("resolution", _resolution(header)),
        ("orientation", str(header.orientation) if header.orientation != 1 else ""),
        ("profile", about.icc),
        ("scanner", " ".join(facts[name] for name in ("make", "model") if name in facts)),
        ("software", facts.get("software", "")),
        ("date", facts.get("taken") or facts.get("date", "")),
        ("author", ", ".join(filter(None, (about.artist, about.copyright)))),
        ("description", about.description),
        ("metadata", _blocks(about)),
        ("film", _film(item.film_edge)),
        *_quality_rows(item.measured),
        ("preset", _served(item)),
        ("balance", _white_balance(item).replace("_", " ")),
    ]
    rows += [("warning", text) for text in _warnings(item)]
    rows += [("note", text) for text in header.notes]
    return [(name, safe(text, _TEXT)) for name, text in rows if text]


def _film(edge: FilmEdge | None) -> str:
    """Return the data of the film's edge as text: stock, number, frames."""
    if edge is None:
        return ""
    frames = f", frames {', '.join(edge.frames)}" if edge.frames else ""
    name = f"{edge.film} (DX {edge.dx})" if edge.film else f"DX {edge.dx}"
    return name + frames + (", mirrored" if edge.mirrored else "")


def _format(header: Header) -> str:
    order = ", big-endian" if header.big_endian else ""
    variant = _VARIANTS.get(header.variant, header.variant.upper())
    name = _FORMATS.get(header.format, header.format.upper())
    dialect = f" ({variant})" if variant not in ("", name, header.format.upper()) else ""
    return f"{name}{dialect}{order}"


def _samples(header: Header) -> str:
    color = "RGB" if header.channels == 3 else "gray"
    kind = "float" if header.sample == "float" else "integer"
    where = {"page": " (a page of its own)"}.get(_infrared(header) or "", "")
    extra = "".join(f" + {name}{where if name == 'infrared' else ''}" for name in header.extra)
    flags = [
        word
        for word, there in (("planar", header.planar), ("MinIsWhite", header.inverted))
        if there
    ]
    return ", ".join((f"{color}{extra}", f"{header.bits}-bit {kind}", *flags))


def _compression(header: Header) -> str:
    method = "uncompressed" if header.compression == "none" else header.compression
    return ", ".join(filter(None, (method, _storage(header))))


def _resolution(header: Header) -> str:
    if header.resolution is None:
        return ""
    x, y = header.resolution.x, header.resolution.y
    both = f"{x:g}" if x == y else f"{x:g} x {y:g}"
    return f"{both} {_UNITS.get(header.resolution.unit, '')}".strip()


def _blocks(about: About) -> str:
    named = (("Exif", about.exif), ("GPS", about.gps), ("XMP", about.xmp), ("IPTC", about.iptc))
    return ", ".join(name for name, there in named if there)


def _served(item: Scan) -> str:
    if item.preset is None:
        return "cannot be used" if item.preset_error else ""
    count = len(item.preset.frames)
    frames = f", {count} positives" if count > 1 else ""
    return f"{item.preset.profile.name} ({item.preset.source}){frames}"


def _white_balance(item: Scan) -> str:
    """Return the white balance in the preset; empty except for raw files of cameras."""
    if item.preset is None or item.header.format != "raw":
        return ""
    return item.preset.frames[0].recipe.camera_white_balance
