"""``divere batch``: its options, and the run from these to the exit code.

Options become a request in :mod:`.batch_options`, and the run is shown by
:mod:`.batch_display`.
"""

from __future__ import annotations

import gc
from typing import Any

import click

from divere_cli.batch.words import compression_meant, format_meant
from divere_cli.cli import config_file
from divere_cli.cli.options import (
    LONGEST,
    Seconds,
    Size,
    SizeOrPercent,
    Word,
    complete_profile,
    complete_space,
    gray_frame_option,
    isolation_option,
    jobs_option,
    json_option,
    logging_options,
    roll_by_option,
    sandbox_option,
    section,
    transfer,
)
from divere_cli.cli.session import Session
from divere_cli.frames.formats import NAMES

_grade = section(
    "Grade",
    click.option(
        "-p",
        "--profile",
        default="auto",
        show_default=True,
        metavar="PATH|NAME|auto",
        shell_complete=complete_profile,
        help="A preset file or the name of a shipped profile. auto: for each scan its entry in "
        "divere_presets.json beside it, else a shipped profile for its type of file. A folder of "
        "preset files: each serves the scans of its film (docs/film-edge.md).",
    ),
    click.option(
        "--auto",
        type=Word(["auto", "off", "frame", "roll"]),
        default="auto",
        show_default=True,
        help="Measure the scans first, and set gray balance and exposure for each frame or for "
        "each roll. auto: by roll where a shipped profile is used; your own presets stay as they "
        "are.",
    ),
    click.option(
        "--from",
        "from",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="Use the measurements that `divere analyze -o FILE` saved.",
    ),
    roll_by_option,
    gray_frame_option,
    click.option(
        "--exposure-pull",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="How far each frame is moved to the exposure of its roll: 0 not at all, 1 all the "
        "way.  [default: 0.15 to 0.8, by the spread of the roll]",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Fail the scans of a roll that was measured with low confidence.",
    ),
    click.option(
        "--input-transfer",
        default="auto",
        show_default=True,
        metavar="auto|linear|srgb|icc|GAMMA",
        callback=transfer,
        help="How the numbers in the scan relate to light. auto: as your preset says, else as "
        "the file says.",
    ),
)

_scans = section(
    "Scans",
    click.option(
        "-r",
        "--recursive/--no-recursive",
        "recursive",
        default=True,
        help="Also take the scans in sub-folders; OUTPUT gets the same sub-folders.  [default: on]",
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="Take only files whose name matches. May be repeated.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Leave out files whose name matches. May be repeated.",
    ),
    click.option(
        "--pages",
        type=Word(["first", "all"]),
        default="all",
        show_default=True,
        help="Which pictures of a file with several pages to grade; all names the positives "
        "{stem}-{page}.",
    ),
    click.option(
        "--pairs",
        type=Word(["raw", "both"]),
        default="raw",
        show_default=True,
        help="Where a camera wrote a raw file and a JPEG: grade the raw file only, or both (the "
        "JPEG as {stem}-{ext}).",
    ),
    click.option(
        "--settle",
        type=Seconds(min=0, max=LONGEST),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="Leave files that changed less than SECONDS ago for the next run.",
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=2_000_000_000,
        show_default=True,
        metavar="N",
        help="Refuse scans with more pixels.",
    ),
    click.option(
        "--orientation",
        type=Word(["auto", "apply", "ignore"]),
        default="auto",
        show_default=True,
        help="Turn the picture as the file's orientation tag says. auto: yes, unless the scan's "
        "own preset says how to turn it.",
    ),
    click.option(
        "--flat-field",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="A picture of the light source without film; evens out the light of camera scans.",
    ),
    click.option(
        "--frames",
        type=Word(["off", "find"]),
        default="off",
        show_default=True,
        help="find: look for the pictures on scans of strips and holders, and grade each as "
        "{stem}-{crop}.",
    ),
    click.option(
        "--film",
        type=Word([*NAMES, "auto"]),
        default="auto",
        show_default=True,
        help="Film format, for --frames find.",
    ),
    click.option(
        "--deskew",
        is_flag=True,
        help="With --frames find, straighten each picture; one that is not sure stays as it is.",
    ),
)

_positives = section(
    "Positives",
    click.option(
        "--format",
        type=Word(["tiff", "jpeg", "png", "jxl", "dng"], format_meant),
        default="tiff",
        show_default=True,
        help="File format. dng: a flat master for raw converters.",
    ),
    click.option(
        "--bit-depth",
        type=Word(["8", "16", "32"]),
        help="Bits for each channel. 32 is floating point (tiff, jxl); jpeg is always 8.  "
        "[default: 16, jpeg 8]",
    ),
    click.option(
        "--color-space",
        metavar="NAME",
        shell_complete=complete_space,
        help="Color space; its ICC profile is embedded. `divere profiles list` shows the names.  "
        "[default: DisplayP3 for 8 bit, else KodakEnduraPremier_gamma_2_2]",
    ),
    click.option(
        "--compression",
        type=Word(["none", "lzw", "deflate", "zstd"], compression_meant),
        default="none",
        show_default=True,
        help="TIFF compression.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="N",
        help="JPEG and JPEG XL quality; JPEG XL at 100 is lossless.  [default: 95, jxl 100]",
    ),
    click.option(
        "--size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Reduce the long edge to N pixels, in linear light. Pictures are never enlarged.  "
        "[default: as scanned]",
    ),
    click.option(
        "--flat",
        is_flag=True,
        help="Leave out the print's contrast curve: a flat master for further editing.",
    ),
    click.option("--dither", is_flag=True, help="Add dither noise to 8-bit positives."),
    click.option(
        "--also",
        multiple=True,
        metavar="SPEC",
        help="Write one more positive of each scan, in the same pass: FORMAT[,size=N]"
        "[,quality=N][,color-space=NAME][,bit-depth=N][,compression=C][,dither][,flat]"
        "[,name=TEMPLATE]. May be repeated.",
    ),
    click.option(
        "--name",
        default="",
        metavar="TEMPLATE",
        help="File name without suffix, made of {stem}, {crop}, {index}, {profile}, {ext}, "
        "{page}, {film} and {frame}.  "
        "[default: {stem}, with crops {stem}-{crop}, with pages {stem}-{page}]",
    ),
)

_film = section(
    "Infrared, film and metadata",
    click.option(
        "--ir",
        type=Word(["drop", "sidecar", "repair"]),
        default="drop",
        show_default=True,
        help="The scan's infrared channel. drop: leave it out; sidecar: write it as a file beside "
        "the positive; repair: use it to remove dust and scratches.",
    ),
    click.option(
        "--ir-strength",
        type=Word(["low", "normal", "high"]),
        default="normal",
        show_default=True,
        help="How much --ir repair removes: high also takes faint marks.",
    ),
    click.option(
        "--ir-mask",
        is_flag=True,
        help="Write which pixels --ir repair filled, as {stem}-ir-mask.png.",
    ),
    click.option(
        "--film-edge",
        type=Word(["auto", "off"]),
        default="auto",
        show_default=True,
        help="Read the DX bar code at the edge of 135 film: film stock and frame numbers.",
    ),
    click.option(
        "--film-data",
        type=click.Path(dir_okay=False),
        metavar="FILE.csv",
        help="A table with a row for each scan (camera, lens, film, date, ...), written into "
        "Exif, XMP and IPTC.",
    ),
    click.option(
        "--no-metadata", is_flag=True, help="Do not copy the scan's metadata to the positive."
    ),
)

_output = section(
    "Output folder",
    click.option(
        "--overwrite",
        is_flag=True,
        help="Replace files in OUTPUT, even those that divere did not write.",
    ),
    click.option("--force", is_flag=True, help="Grade all scans again, also those up to date."),
    click.option(
        "--dry-run", is_flag=True, help="Show what would be done; grade and write nothing."
    ),
    click.option("--wait", is_flag=True, help="If another run uses OUTPUT, wait until it ends."),
    click.option(
        "--lock-wait",
        type=Seconds(min=0, max=LONGEST),
        metavar="SECONDS",
        help="Wait at most SECONDS for the other run, then stop with exit code 11.",
    ),
    click.option(
        "--manifest",
        is_flag=True,
        help="Write the SHA-256 of every file in OUTPUT to manifest-sha256.txt.",
    ),
    click.option(
        "--bag",
        is_flag=True,
        help="Make OUTPUT a BagIt bag, with the positives in data/; later runs add to it.",
    ),
)

_failures = section(
    "Failures",
    click.option(
        "--timeout",
        type=Seconds(min=0, max=LONGEST, min_open=True),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="Stop a scan that takes longer.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Try a scan N times more after a crash or a timeout.  "
        "[default: 3 after a crash, 0 after a timeout]",
    ),
    click.option(
        "--known-failures",
        type=Word(["retry", "skip"]),
        default="retry",
        show_default=True,
        help="skip: do not try scans again that failed before and have not changed; they do not "
        "cause exit code 3.",
    ),
    click.option(
        "--max-failures",
        type=click.IntRange(min=1),
        metavar="N",
        help="Start no more scans after N failures.",
    ),
    click.option("--fail-fast", is_flag=True, help="Start no more scans after the first failure."),
)

_machine = section(
    "Processes and memory",
    jobs_option,
    click.option(
        "--memory-budget",
        type=SizeOrPercent(),
        metavar="SIZE|PERCENT",
        default="70%",
        show_default=True,
        help="Memory for all workers together: a size, or a share of what is free.",
    ),
    click.option(
        "--worker-memory",
        type=Size(),
        metavar="SIZE",
        help="Most memory for one worker.  [default: from the scan's size]",
    ),
    isolation_option,
    sandbox_option,
    click.option(
        "--start-method",
        type=Word(["forkserver", "spawn", "fork"]),
        help="How worker processes are started.  [default: the best that this system has]",
    ),
    click.option(
        "--engine",
        type=Word(["local", "dask"]),
        default="local",
        show_default=True,
        help="Where scans are graded: on this machine, or on a Dask cluster.",
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
        help="Folder A on this machine is folder B on the machines of the cluster. "
        "May be repeated.",
    ),
)

_messages = section(
    "Reports and messages",
    click.option(
        "--report",
        multiple=True,
        type=click.Path(dir_okay=False),
        help="Write a report; the suffix gives the format: .json, .csv, .html, .xml (JUnit) or "
        ".prom (Prometheus). "
        "May be repeated.  [default: OUTPUT/divere-report.json]",
    ),
    click.option(
        "--report-inline",
        is_flag=True,
        help="Put the pictures of an .html report into the page itself, not into a folder beside "
        "it.",
    ),
    json_option,
    click.option(
        "--progress/--no-progress",
        default=None,
        help="Live display on stderr.  [default: on if stderr is a terminal]",
    ),
    logging_options,
    click.option(
        "--settings",
        type=click.Path(dir_okay=False),
        help="Take defaults from a DiVERE app_settings.json.",
    ),
    config_file.option,
)


@click.command(cls=config_file.Configured)
@click.argument(
    "inputs", metavar="INPUT...", nargs=-1, required=True, type=click.Path(readable=False)
)
@click.argument("output", metavar="OUTPUT", type=click.Path())
@_grade
@_scans
@_positives
@_film
@_output
@_failures
@_machine
@_messages
@click.pass_context
def batch(ctx: click.Context, /, **values: Any) -> int:
    """Grade every scan under INPUT (folders or files) into the folder OUTPUT.

    Scans that are up to date are skipped: the same command again grades only what is new,
    and continues after an interruption. The scans themselves are never changed.

    Without options, each scan is graded by its entry in divere_presets.json beside it, or by
    a shipped profile, and becomes a 16-bit TIFF.
    """
    from divere_cli.batch.run import run
    from divere_cli.cli import batch_display, batch_options

    session = ctx.ensure_object(Session)
    with batch_display.ends_reported(values["json"]):
        options = batch_options.read(ctx, values)
        if options.dry_run:
            return batch_display.preview(options, session)
        # records of 100,000 scans have no cycles: looking for some took an eighth of such a run
        gc.set_threshold(100_000, 20, 100)
        with batch_display.Display(options, session) as display:
            report = run(options.request, display.emit)
        display.conclude(report)
        return report.exit_code
