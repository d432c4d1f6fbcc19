"""What in the docs and under ``profiles/schema`` is generated from the classes and the library.

``python -m tests.profile.generated`` writes it; ``test_generated`` says when that is due.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from divere_cli.cli.curve_plot import at
from divere_cli.profile import inherit, json_schema, library
from divere_cli.profile.fields import Items, Key, Object, keys
from divere_cli.profile.schema import Preset
from divere_cli.records.grade import Curves, Points

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "profiles.md"
LIBRARY_PAGE = ROOT / "docs" / "profiles-library.md"
CURVES = ROOT / "docs" / "curves"
SCHEMAS = ROOT / "profiles" / "schema"
ENCODINGS = {"l_star": "CIE lightness", "acescct": "logarithm"}
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def files() -> dict[Path, str]:
    """Each generated file, or page with generated parts, as it should be."""
    found = {
        SCHEMAS / name: json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
        for name, schema in json_schema.FILES.items()
    }
    for page in (PAGE, LIBRARY_PAGE):
        found[page] = _PART.sub(_part, page.read_text(encoding="utf-8"))
    for name, curves in library.curves().items():
        if curves != Curves():
            found[CURVES / f"{slug(name)}.svg"] = svg(name, curves)
    return found


def _part(found: re.Match[str]) -> str:
    begin, name, end = found.groups()
    return f"{begin}\n{PARTS[name]()}\n{end}"


# ---------------------------------------------------------------- keys


def key_table() -> str:
    """Every key of a preset: meaning, what is allowed, unit, what its absence means."""
    rows = ["| key | meaning | allowed | unit | when absent |", "|---|---|---|---|---|"]
    for path, entry in _walk(Preset, ""):
        if entry.text == "Note":
            continue
        absent = "must be there" if entry.required else entry.absent
        rows.append(f"| `{path}` | {entry.text} | {_allowed(entry)} | {entry.unit} | {absent} |")
    return "\n".join(rows) + "\n"


def note_keys() -> str:
    """Keys of ``metadata`` that are read past."""
    names = [path for path, entry in _walk(Preset, "") if entry.text == "Note"]
    own = [name for name in names if not name.startswith("crops")]
    return ", ".join(f"`{name}`" for name in own) + "\n"


def _walk(cls: type, prefix: str) -> Iterator[tuple[str, Key]]:
    for name, entry in keys(cls).items():
        path = prefix + name
        kind = entry.kind
        yield path, entry
        if isinstance(kind, Object):
            if path.endswith((".r", ".g", ".b")) and kind.cls.__name__ == "Chromaticity":
                continue
            yield from _walk(kind.cls, path + ".")
        elif isinstance(kind, Items) and isinstance(kind.kind, Object):
            yield f"{path}[].metadata", keys(kind.kind.cls)["metadata"]
            yield f"{path}[].idt", keys(kind.kind.cls)["idt"]
            yield f"{path}[].cc_params", keys(kind.kind.cls)["cc_params"]


def _allowed(entry: Key) -> str:
    return entry.kind.words().replace("|", "\\|")


# ---------------------------------------------------------------- the library


def profile_list() -> str:
    """Every shipped profile, by group."""
    groups: dict[str, list[str]] = {}
    for name in library.names():
        metadata = inherit.complete(library.load(name)).metadata
        assert metadata is not None
        row = (
            f"| `{name}` | {metadata.title} | {metadata.film_stock} | {metadata.scanner} "
            f"| {metadata.print_stock or ''} | {metadata.note or ''} |"
        )
        groups.setdefault(metadata.group or "", []).append(row)
    head = "| name | what | film | scanner | print stock | note |\n|---|---|---|---|---|---|\n"
    parts = [f"### {group}\n\n{head}" + "\n".join(groups[group]) for group in sorted(groups)]
    return "\n\n".join(parts) + "\n"


def space_table() -> str:
    """Every shipped color space."""
    rows = ["| space | serves as | gamma | |", "|---|---|---|---|"]
    for name, shipped in library.spaces().items():
        note = "as input only by its name, without figures" if shipped.legacy else ""
        space, roles = shipped.space, ", ".join(sorted(shipped.roles))
        encoding = f"{space.gamma:g}" if space.transfer == "power" else ENCODINGS[space.transfer]
        rows.append(f"| `{name}` | {roles} | {encoding} | {note} |")
    return "\n".join(rows) + "\n"


def matrix_list() -> str:
    """Every shipped matrix."""
    return ", ".join(f"`{name}`" for name in library.matrices()) + "\n"


def curve_gallery() -> str:
    """Every shipped curve with its picture."""
    document = json.loads((library.folder() / "curves.json").read_text(encoding="utf-8"))
    rows = ["| curve | source | |", "|---|---|---|"]
    for name, entry in document["curves"].items():
        picture = f"![{name}](curves/{slug(name)}.svg)"
        rows.append(f"| `{name}` | {entry['source']} | {picture} |")
    return "\n".join(rows) + "\n"


def sources() -> str:
    """Where the shipped figures come from, as the files say."""
    rows = []
    for name in ("color_spaces", "output_spaces", "density_matrices", "curves", "film_types"):
        document = json.loads((library.folder() / f"{name}.json").read_text(encoding="utf-8"))
        rows.append(f"- `profiles/{name}.json`: {document['source']}.")
        for entry, value in document.get(name, {}).items():
            if name == "output_spaces":
                rows.append(f"  - `{entry}`: {value['source']}.")
    return "\n".join(rows) + "\n"


# ---------------------------------------------------------------- pictures of curves


def slug(name: str) -> str:
    """A curve's name as a file name."""
    return name.lower().replace(" ", "-")


def svg(name: str, curves: Curves, size: int = 200, margin: int = 22) -> str:
    """A curve as the grade applies it: in and out are 1 - density / log10(65536)."""
    full = size + 2 * margin
    channels = [("#c33", curves.r), ("#293", curves.g), ("#36c", curves.b)]
    if not any(points for _, points in channels):
        channels = [("#333", ())]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{full}" height="{full}" '
        f'font-family="sans-serif" font-size="10">',
        f"<title>{name}</title>",
        f'<rect x="{margin}" y="{margin}" width="{size}" height="{size}" '
        'fill="#fff" stroke="#999"/>',
        f'<text x="{margin}" y="{margin - 7}">{name}</text>',
        f'<text x="{margin}" y="{full - 8}">black</text>',
        f'<text x="{full - margin}" y="{full - 8}" text-anchor="end">white</text>',
    ]
    for color, points in channels:
        path = " ".join(_dots(curves.rgb, points, size, margin))
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _dots(common: Points, own: Points, size: int, margin: int) -> Iterator[str]:
    for step in range(101):
        x = step / 100
        y = at(own, at(common, x))
        yield f"{margin + x * size:g},{margin + (1 - y) * size:.1f}"


PARTS = {
    "keys": key_table,
    "note-keys": note_keys,
    "profiles": profile_list,
    "spaces": space_table,
    "matrices": matrix_list,
    "curves": curve_gallery,
    "credits": sources,
}


def write() -> None:
    """Write all that is generated."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
