"""``divere profiles``: list, show, validate and export presets.

Covers printing as text and as JSON. The data is from ``profile``, exported files are from
``color``.
"""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli.options import Word, complete_name, complete_space, json_option
from divere_cli.text import quote, safe

if TYPE_CHECKING:
    from divere_cli.profile.description import Described, Description
    from divere_cli.profile.schema import Metadata, Preset
    from divere_cli.profile.validation import Checked
    from divere_cli.records.grade import Recipe

WRONG = 2
EXPORT_SPACE = "KodakEnduraPremier_gamma_2_2"
LIST_KEYS = ("title", "group", "film_type", "film_stock", "scanner", "print_stock", "note")


_name = click.argument("name", metavar="NAME|FILE", shell_complete=complete_name)
_scan = click.option(
    "--scan",
    metavar="NAME",
    help="Which scan's entry to take, where FILE is a divere_presets.json.",
)


@click.group("profiles")
def profiles() -> None:
    """List, show, check and export profiles. A profile is a preset that divere ships."""


@profiles.command("list", short_help="List the shipped profiles.")
@json_option
def list_profiles(json: bool) -> None:
    """List the shipped profiles by group, and the color spaces for positives."""
    from divere_cli.profile import inherit, library

    metadata_by_name = {
        name: inherit.complete(library.load(name)).metadata for name in library.names()
    }
    spaces = library.in_role("output")
    if json:
        entries = [
            {"name": name, **_listed(metadata)} for name, metadata in metadata_by_name.items()
        ]
        _print_json({"profiles": entries, "output_color_spaces": spaces})
        return
    groups: dict[str, list[str]] = {}
    for name, metadata in metadata_by_name.items():
        groups.setdefault((metadata and metadata.group) or "Other", []).append(name)
    width = max(len(name) for name in metadata_by_name)
    for group in sorted(groups):
        _print_line(group)
        for name in groups[group]:
            metadata = metadata_by_name[name]
            _print_line(f"  {name:<{width}}  {(metadata and metadata.title) or ''}".rstrip())
        _print_line("")
    _print_line("Output color spaces")
    _print_line(f"  {', '.join(spaces)}")


@profiles.command("show", short_help="Show the values of a profile or preset.")
@_name
@_scan
@json_option
def show_profile(name: str, scan: str | None, json: bool) -> None:
    """Show every value of a profile or preset, and where it comes from; draw its curves."""
    from divere_cli.profile import description

    described = description.describe(_preset(name, scan))
    if json:
        _print_json(_described(described))
        return
    _print_line(f"{described.name}: {described.title}" if described.title else described.name)
    for label, note in described.notes:
        _print_line(f"  {label}: {note}")
    for picture in described.pictures:
        _show_picture(picture)
    for warning in described.warnings:
        _print_line(f"warning: {warning}")


@profiles.command("new", short_help="Write a commented preset to edit.")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@click.option(
    "--from",
    "from",
    default="c41-portra-endura",
    show_default=True,
    metavar="NAME",
    shell_complete=complete_name,
    help="Start from the values of this shipped profile.",
)
def new_profile(file: str, **options: str) -> None:
    """Write a preset to FILE with every key explained, to edit. FILE must not exist."""
    from divere_cli.cli import output_checks
    from divere_cli.profile import template

    output_checks.check("FILE", file, [])
    output_checks.save(file, template.text(file, options["from"]).encode(), replace=False)
    _print_line(f"{file}: from {options['from']}; try it with: divere batch IN OUT -p {file}")


@profiles.command("validate", short_help="Check preset files for errors.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@json_option
def validate(files: tuple[str, ...], json: bool) -> int:
    """Check preset files and divere_presets.json, and list all errors and warnings.

    The exit code is 2 if a file cannot be used, and 0 if there are only warnings.
    """
    from divere_cli.profile import validation

    checked = [validation.check(file) for file in files]
    bad = [result for result in checked if result.problems]
    if json:
        _print_json({"files": [_as_json(result) for result in checked]})
    else:
        for result in checked:
            _show_checked(result)
    return WRONG if bad else 0


@profiles.command("export", short_help="Export a profile or preset as CLF or .cube.")
@_name
@click.argument("output", metavar="OUT", type=click.Path(dir_okay=False))
@click.option("--format", type=Word(["clf", "cube"]), required=True, help="File format of OUT.")
@click.option(
    "--size",
    type=click.IntRange(2, 129),
    metavar="N",
    help="Grid points of the .cube in each direction.  [default: 65]",
)
@click.option(
    "--shaper",
    is_flag=True,
    help="Put a 1D table before the .cube: more exact, but only Resolve, OpenColorIO and a few "
    "others read it.",
)
@click.option(
    "--color-space",
    default=EXPORT_SPACE,
    show_default=True,
    metavar="NAME",
    shell_complete=complete_space,
    help="Color space of the positive.",
)
@_scan
@click.option("--crop", metavar="NAME", help="Which crop to take, where the preset has several.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@json_option
def export_profile(name: str, output: str, json: bool, **options: Any) -> None:
    """Write the grade of a profile or preset to the file OUT, for other programs.

    A CLF file (Academy/ASC) has the formulas of the grade; a .cube has a grid of sampled
    colors. Both turn the linear scan (0 to 1) into the encoded positive. divere reads the file
    again and prints how much its colors differ from divere's own grade.
    """
    import os

    from divere_cli.cli import output_checks
    from divere_cli.color import export
    from divere_cli.errors import UsageError
    from divere_cli.profile import library
    from divere_cli.records.serialize import to_plain

    output_checks.check("OUT", output, [name])
    if os.path.lexists(output) and not options["overwrite"]:
        raise UsageError(f"{quote(output)} exists", hint="use --overwrite to replace it")
    recipe = _recipe(_preset(name, options["scan"]), name, options["crop"])
    space = library.output_space(options["color_space"])
    kind, size, shaper = options["format"], options["size"], options["shaper"]
    document = export.text(recipe, space, kind, size, shaper=shaper)
    output_checks.save(output, document.encode("utf-8", "replace"))
    written = export.measure(recipe, space, kind, size, output)
    if json:
        _print_json(to_plain(written))
        return
    lattice = f", {written.size} points on a side" if written.size else ""
    _print_line(f"{written.path}: {written.format} of {recipe.profile} to {space.name}{lattice}")
    _print_line(
        f"  measured error, of 65535: at most {written.max_error:.2f}, "
        f"99 % within {written.p99_error:.2f}, mean {written.mean_error:.2f}"
    )
    _print_line(
        f"  as color difference (CIE 1976): at most {written.max_delta_e:.2f}, "
        f"mean {written.mean_delta_e:.3f}"
    )


def _recipe(preset: Preset, name: str, crop: str | None) -> Recipe:
    """Return the recipe of a preset's only picture, or of the crop with a name."""
    from divere_cli.errors import UsageError
    from divere_cli.profile import crops

    cuts = crops.cuts(preset).cuts
    if crop is None and len(cuts) == 1:
        return cuts[0].recipe
    for cut in cuts:
        if cut.crop_name == crop:
            return cut.recipe
    there = ", ".join(cut.crop_name for cut in cuts if cut.crop_name) or "none"
    wrong = "has several crops: choose one with --crop" if crop is None else f"has no crop {crop!r}"
    raise UsageError(f"{quote(name)} {wrong}; there are: {there}")


def _show_checked(result: Checked) -> None:
    count = "1 preset" if result.presets == 1 else f"{result.presets} presets"
    if result.problems:
        wrong = "1 problem" if len(result.problems) == 1 else f"{len(result.problems)} problems"
        _print_line(f"{result.file}: {wrong}")
    else:
        _print_line(f"{result.file}: {count}, ok")
    for problem in result.problems:
        _print_line(f"  error: {problem}")
    for warning in result.warnings:
        _print_line(f"  warning: {warning}")


def _as_json(result: Checked) -> dict[str, Any]:
    from divere_cli.records.serialize import to_plain

    return {**to_plain(result), "ok": not result.problems}


def _show_picture(picture: Described) -> None:
    from divere_cli.cli.curve_plot import plot

    if picture.crop_name:
        _print_line(f"crop {picture.crop_name}")
    _print_line(
        f"  frame: {' '.join(f'{v:g}' for v in picture.crop)}, {picture.orientation} degrees"
    )
    widest = max(len(row.name) for row in picture.rows)
    for row in picture.rows:
        unit = f" ({row.unit})" if row.unit else ""
        _print_line(f"  {row.name + unit:<{widest + 14}} {row.value}   [{row.origin}]")
    curves = picture.recipe.curves
    if any((curves.rgb, curves.r, curves.g, curves.b)):
        for line in plot(curves):
            _print_line(f"  {line}")


def _described(description: Description) -> dict[str, Any]:
    from divere_cli.records.serialize import to_plain

    plain: dict[str, Any] = to_plain(description)
    plain["notes"] = dict(description.notes)
    for picture in plain["pictures"]:
        del picture["rows"]
    return plain


def _preset(name: str, scan: str | None) -> Preset:
    """Return a shipped profile, a preset file, or one entry of a folder's presets."""
    from divere_cli.errors import UsageError
    from divere_cli.profile import library, select
    from divere_cli.profile.schema import FOLDER_DEFAULT, Preset

    loaded = select.find(name)
    if isinstance(loaded, Preset):
        if scan is not None:
            raise UsageError(f"--scan {quote(scan)}: {quote(name)} is a single preset")
        return loaded
    default = loaded.folder_default() if scan == FOLDER_DEFAULT else None
    if default is not None:
        return default
    if scan is not None and loaded.has(scan):
        return loaded.entry(scan)
    there = [*loaded.entries, *([FOLDER_DEFAULT] if loaded.default is not None else [])]
    if scan is None:
        first = f"choose one, as in --scan {there[0]!r}" if there else "it has no entry"
        raise UsageError(f"{quote(name)} has the presets of a whole folder", hint=first)
    raise library.unknown("scan", scan, there)


def _listed(metadata: Metadata | None) -> dict[str, Any]:
    return {key: getattr(metadata, key, None) for key in LIST_KEYS}


def _print_line(line: str) -> None:
    click.echo(safe(line))


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json_text.dumps(document, indent=2))
