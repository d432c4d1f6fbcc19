"""``divere batch``: the options, and the way from them through the run to the exit code.

What it does not: how options become a request (:mod:`.batch_options`) and what
the run looks like (:mod:`.batch_display`).
"""

from __future__ import annotations

from typing import Any

import click

from divere_cli.cli import config_file
from divere_cli.cli.options import (
    LONGEST,
    Format,
    Seconds,
    Size,
    SizeOrPercent,
    combined,
    complete_profile,
    complete_space,
    isolation_option,
    jobs_option,
    json_option,
    logging_options,
    roll_by_option,
    sandbox_option,
)
from divere_cli.cli.session import Session
from divere_cli.frames.formats import NAMES

_which = combined(
    click.option(
        "-p",
        "--profile",
        default="auto",
        show_default=True,
        metavar="PATH|NAME|auto",
        shell_complete=complete_profile,
        help="A preset file, a shipped profile, or each scan's own from divere_presets.json.",
    ),
    click.option(
        "-r",
        "--recursive/--no-recursive",
        "recursive",
        default=True,
        show_default="on",
        help="Go into sub-folders, and mirror them under OUTPUT.",
    ),
    click.option("--include", multiple=True, metavar="GLOB", help="Only these files."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Not these files."),
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=2_000_000_000,
        show_default=True,
        metavar="N",
        help="Refuse larger scans.",
    ),
    click.option(
        "--pages",
        type=click.Choice(["first", "all"]),
        default="all",
        show_default=True,
        help="Pictures of a file that holds several: all gives {stem}-{page} for each.",
    ),
    click.option(
        "--pairs",
        type=click.Choice(["raw", "both"]),
        default="raw",
        show_default=True,
        help="A raw file and its JPEG: the raw alone, or both ({stem}-{ext} for the JPEG).",
    ),
    click.option(
        "--settle",
        type=Seconds(min=0, max=LONGEST),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="Leave a scan that changed more recently for the next run.",
    ),
)

_decide = combined(
    click.option(
        "--auto",
        type=click.Choice(["auto", "off", "frame", "roll"]),
        default="auto",
        show_default=True,
        help="Measure all scans first and decide gray and exposure, for each frame or each roll. "
        "auto: as roll where a shipped profile serves; your own presets are taken as they are.",
    ),
    click.option(
        "--input-transfer",
        default="auto",
        show_default=True,
        metavar="auto|linear|srgb|icc|GAMMA",
        help="How samples relate to light. auto: as your preset says, else as the file does.",
    ),
    click.option(
        "--orientation",
        type=click.Choice(["auto", "apply", "ignore"]),
        default="auto",
        show_default=True,
        help="The file's own tag. auto: applied, but where the scan's own preset says how it lies.",
    ),
    click.option(
        "--exposure-pull",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="How much of what a frame differs from its roll's exposure is taken back, 0 to 1.  "
        "[default: by the roll's own spread, 0.15 to 0.8]",
    ),
    click.option(
        "--from",
        "from",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="Grade by a saved analysis (`divere analyze -o FILE`).",
    ),
    roll_by_option,
    click.option("--strict", is_flag=True, help="Low confidence in a roll fails its scans."),
)

_what = combined(
    click.option(
        "--format",
        type=Format(["tiff", "jpeg", "png", "jxl", "dng"]),
        default="tiff",
        show_default=True,
        help="Container of the positives; dng is a flat master for raw converters.",
    ),
    click.option(
        "--bit-depth",
        type=click.Choice(["8", "16", "32"]),
        help="Bits a channel; 32 is float (tiff, jxl), jpeg is always 8.  [default: 16, jpeg 8]",
    ),
    click.option(
        "--color-space",
        metavar="NAME",
        shell_complete=complete_space,
        help="Output space; its ICC profile is embedded.  "
        "[default: DisplayP3 for 8 bit, else KodakEnduraPremier_gamma_2_2]",
    ),
    click.option(
        "--compression",
        type=click.Choice(["none", "lzw", "deflate", "zstd"]),
        default="none",
        show_default=True,
        help="Of TIFF.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="N",
        help="JPEG quality; of jxl, 100 is lossless.  [default: 95, jxl 100]",
    ),
    click.option(
        "--size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Long edge in pixels, made smaller in linear light; never larger.  "
        "[default: as scanned]",
    ),
    click.option("--flat", is_flag=True, help="Leave out the print's curve: a master to grade on."),
    click.option(
        "--also",
        multiple=True,
        metavar="SPEC",
        help="One more output of the same decode: FORMAT[,size=N][,quality=N][,color-space=NAME]"
        "[,bit-depth=N][,compression=C][,dither][,flat][,name=TEMPLATE]. May be repeated.",
    ),
    click.option(
        "--name",
        default="",
        metavar="TEMPLATE",
        help="Output file stem, from {stem}, {crop}, {index}, {profile}, {ext}, {page}, {film},"
        " {frame}.  "
        "[default: {stem}, with crops {stem}-{crop}, with pages {stem}-{page}]",
    ),
    click.option(
        "--ir",
        type=click.Choice(["drop", "sidecar", "repair"]),
        default="drop",
        show_default=True,
        help="The infrared channel: leave it out, write it beside the positive, or fill what dust"
        " and scratches it shows.",
    ),
    click.option(
        "--ir-strength",
        type=click.Choice(["low", "normal", "high"]),
        default="normal",
        show_default=True,
        help="How little --ir repair takes for dust: high fills more.",
    ),
    click.option(
        "--ir-mask",
        is_flag=True,
        help="Write what --ir repair filled as {stem}-ir-mask.png.",
    ),
    click.option(
        "--film-data",
        type=click.Path(dir_okay=False),
        metavar="FILE.csv",
        help="What was written down about the film, a row a scan, into Exif, XMP and IPTC.",
    ),
    click.option(
        "--film-edge",
        type=click.Choice(["auto", "off"]),
        default="auto",
        show_default=True,
        help="Read the DX edge code where a scan shows rebate: stock and frame numbers.",
    ),
    click.option("--no-metadata", is_flag=True, help="Carry no metadata over."),
    click.option("--dither", is_flag=True, help="Dither 8-bit outputs."),
)

_scans = combined(
    click.option(
        "--flat-field",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="A picture of the light without film: evens out the light of a camera scan.",
    ),
    click.option(
        "--frames",
        type=click.Choice(["off", "find"]),
        default="off",
        show_default=True,
        help="Find the pictures on strips and holders, and grade each as {stem}-{crop}.",
    ),
    click.option(
        "--film",
        type=click.Choice([*NAMES, "auto"]),
        default="auto",
        show_default=True,
        help="Format of the film, for --frames find.",
    ),
)

_where = combined(
    click.option(
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help="Where scans run: here, or on a Dask cluster.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="The Dask scheduler, for --engine dask.",
    ),
    click.option(
        "--map",
        multiple=True,
        metavar="A=B",
        help="Folder A here is folder B on the machines of the cluster. May be repeated.",
    ),
)

_how = combined(
    isolation_option,
    sandbox_option,
    click.option(
        "--start-method",
        type=click.Choice(["forkserver", "spawn", "fork"]),
        help="How worker processes start.  [default: best of the system]",
    ),
    jobs_option,
    click.option(
        "--timeout",
        type=Seconds(min=0, max=LONGEST, min_open=True),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="Wall clock for one scan.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Fresh attempts after a crash or a timeout.  [default: 3, after a timeout 0]",
    ),
    click.option(
        "--memory-budget",
        type=SizeOrPercent(),
        metavar="SIZE|PERCENT",
        default="70%",
        show_default=True,
        help="For all workers together; the share is of what is available.",
    ),
    click.option(
        "--worker-memory",
        type=Size(),
        metavar="SIZE",
        help="Cap for one worker.  [default: from the scan's size]",
    ),
)

_when = combined(
    click.option(
        "--manifest",
        is_flag=True,
        help="List all of OUTPUT with its SHA-256 in manifest-sha256.txt.",
    ),
    click.option(
        "--bag",
        is_flag=True,
        help="Lay OUTPUT out as a BagIt bag, its positives under data/; a later run adds to it.",
    ),
    click.option("--wait", is_flag=True, help="Wait for another run on OUTPUT to end."),
    click.option(
        "--lock-wait",
        type=Seconds(min=0, max=LONGEST),
        metavar="SECONDS",
        help="Wait so long for another run on OUTPUT, then exit 11.",
    ),
    click.option(
        "--known-failures",
        type=click.Choice(["retry", "skip"]),
        default="retry",
        show_default=True,
        help="skip: leave scans that failed before and have not changed; they make no exit 3.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace outputs, whoever made them."),
    click.option("--force", is_flag=True, help="Grade again what is up to date."),
    click.option(
        "--max-failures",
        type=click.IntRange(min=1),
        metavar="N",
        help="Start no more scans after N failures.",
    ),
    click.option("--fail-fast", is_flag=True, help="The same after the first failure."),
    click.option("--dry-run", is_flag=True, help="Print the plan; write nothing."),
)

_said = combined(
    click.option(
        "--report",
        multiple=True,
        type=click.Path(dir_okay=False),
        help="Write a report; .json, .csv, .html, .xml (JUnit) or .prom (Prometheus). "
        "May be repeated.  "
        "[default: OUTPUT/divere-report.json]",
    ),
    click.option(
        "--report-inline",
        is_flag=True,
        help="An .html report as one file; else its pictures lie beside it, in NAME-files.",
    ),
    json_option,
    click.option(
        "--progress/--no-progress",
        default=None,
        help="Live display on stderr.  [default: where stderr is a terminal]",
    ),
    click.option(
        "--settings",
        type=click.Path(dir_okay=False),
        help="A DiVERE app_settings.json to take defaults from.",
    ),
    logging_options,
)


@click.command(cls=config_file.Configured)
@click.argument(
    "inputs", metavar="INPUT...", nargs=-1, required=True, type=click.Path(readable=False)
)
@click.argument("output", metavar="OUTPUT", type=click.Path())
@_which
@_decide
@_scans
@_what
@_where
@_how
@_when
@_said
@config_file.option
@click.pass_context
def batch(ctx: click.Context, /, **values: Any) -> int:
    """Grade every scan under INPUT (folders or files) into the folder OUTPUT.

    What is up to date is skipped, so the same command again goes on after a
    crash and grades what is new. Inputs are never changed.
    """
    from divere_cli.batch.run import run
    from divere_cli.cli import batch_display, batch_options

    session = ctx.ensure_object(Session)
    with batch_display.ends_reported(values["json"]):
        options = batch_options.read(ctx, values)
        if options.dry_run:
            return batch_display.preview(options, session)
        with batch_display.Display(options, session) as display:
            report = run(options.request, display.emit)
        display.conclude(report)
        return report.exit_code
