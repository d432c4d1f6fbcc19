"""``divere inspect``: what a scan is, from its headers alone."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import dataclass
from typing import Any

import click

from divere_cli.cli.options import json_option
from divere_cli.cli.session import complain
from divere_cli.errors import ScanError
from divere_cli.image import about as abouts
from divere_cli.image import header as headers
from divere_cli.image.about import About
from divere_cli.image.layout import Header
from divere_cli.profile.select import Selection, Selector
from divere_cli.report.summary import digits
from divere_cli.text import quote, safe

SCHEMA = "divere-inspect/1"
_TEXT = 200
_UNITS = {1: "", 2: "dpi", 3: "pixels/cm"}
_FORMATS = {"tiff": "TIFF", "png": "PNG", "jpeg": "JPEG", "raw": "camera raw"}
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
    """All that was found out about one file."""

    name: str
    header: Header
    about: About
    preset: Selection | None
    preset_error: ScanError | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that cannot be graded, and why."""

    name: str
    error: ScanError


@click.command("inspect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@json_option
def inspect(files: tuple[str, ...], json: bool) -> int:
    """Say what each FILE is, and which preset would serve it.

    Size, bits, channels, compression, infrared, ICC profile, metadata; warnings
    that a run would give. Only headers are read. A file that cannot be graded is
    an error on stderr, the others go on, and the exit code is 3.
    """
    selector = Selector()
    code = 0
    documents: list[dict[str, Any]] = []
    for index, name in enumerate(files):
        item = _scan(name, selector)
        if json:
            documents.append(_as_json(item))
        elif isinstance(item, Scan):
            _show(item, first=index == 0)
        code = _complain(item) or code
    if json:
        click.echo(json_text.dumps({"schema": SCHEMA, "files": documents}, indent=2))
    return code


def _complain(item: Scan | Failed) -> int:
    error = item.preset_error if isinstance(item, Scan) else item.error
    if error is None:
        return 0
    complain(f"{quote(item.name)}: {error.kind}: {error.message}")
    if error.hint:
        complain(error.hint, word="hint")
    return ScanError.exit_code


def _scan(name: str, selector: Selector) -> Scan | Failed:
    try:
        header = headers.read(name)
        about = abouts.read(name, header)
    except ScanError as error:
        return Failed(name, error)
    try:
        return Scan(name, header, about, selector.choose(name, header), None)
    except ScanError as error:
        return Scan(name, header, about, None, error)


def _as_json(item: Scan | Failed) -> dict[str, Any]:
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
        "infrared": _infrared(header),
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
    said: dict[str, Any] = {key: safe(text, _TEXT) for key, text in texts.items() if text}
    return said | {"exif": about.exif, "gps": about.gps, "xmp": about.xmp, "iptc": about.iptc}


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
    return (*item.header.warnings, *(item.preset.warnings if item.preset else ()))


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


def _rows(item: Scan) -> list[tuple[str, str]]:
    """The facts as people read them, in the order of their weight; empty ones left out."""
    header, about = item.header, item.about
    said = _metadata(item)
    known = header.width and header.height
    size = f"{header.width} x {header.height}, {digits(header.pixels / 1e6)} MP"
    rows = [
        ("format", _format(header)),
        ("size", size if known else "told by the raw decoder only"),
        ("samples", _samples(header)),
        ("storage", _compression(header)),
        ("resolution", _resolution(header)),
        ("orientation", f"{header.orientation} (not applied)" if header.orientation != 1 else ""),
        ("profile", about.icc),
        ("scanner", " ".join(said[name] for name in ("make", "model") if name in said)),
        ("software", said.get("software", "")),
        ("date", said.get("taken") or said.get("date", "")),
        ("author", ", ".join(filter(None, (about.artist, about.copyright)))),
        ("description", about.description),
        ("metadata", _blocks(about)),
        ("preset", _served(item)),
        ("balance", _white_balance(item).replace("_", " ")),
    ]
    rows += [("warning", text) for text in _warnings(item)]
    rows += [("note", text) for text in header.notes]
    return [(name, safe(text, _TEXT)) for name, text in rows if text]


def _format(header: Header) -> str:
    order = ", big-endian" if header.big_endian else ""
    variant = _VARIANTS.get(header.variant, header.variant.upper())
    name = _FORMATS[header.format]
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
    """What the preset asks for; empty but for a camera's raw file."""
    if item.preset is None or item.header.format != "raw":
        return ""
    return item.preset.frames[0].recipe.camera_white_balance


def _show(scan: Scan, first: bool) -> None:
    if not first:
        click.echo()
    if sys.stdout.isatty():
        _show_table(scan)
    else:
        _show_lines(scan)


def _show_lines(scan: Scan) -> None:
    click.echo(safe(scan.name))
    for name, text in _rows(scan):
        click.echo(f"  {name + ':':<13}{text}")


def _show_table(scan: Scan) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2), pad_edge=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(scan):
        style = "yellow" if name == "warning" else ""
        table.add_row(Text(name), Text(text, style=style))
    console = Console(file=sys.stdout, highlight=False, emoji=False)
    console.print(Text(safe(scan.name), style="bold"), soft_wrap=True)
    console.print(table)
