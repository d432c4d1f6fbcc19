"""``divere frames``: find the pictures on strips, and write their crops as a preset."""

from __future__ import annotations

import base64
import json as json_text
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli import output_checks
from divere_cli.cli.options import ParamType, Word, isolation_option, jobs_option, json_option
from divere_cli.cli.session import Session, complain
from divere_cli.errors import DivereError, ScanError, UsageError
from divere_cli.files import regular
from divere_cli.frames.formats import NAMES
from divere_cli.profile.schema import FOLDER_FILE
from divere_cli.records.outcome import ErrorRecord
from divere_cli.text import quote, safe

if TYPE_CHECKING:
    from divere_cli.batch.framing import Answers, FrameSearch, Page
    from divere_cli.frames.answer import FoundScan

PICTURES = {".jpg": "jpg", ".jpeg": "jpg", ".png": "png"}


class Count(ParamType):
    """How many pictures a strip has: a number, or ``auto``."""

    name = "n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number, None for ``auto``."""
        if value is None or value == "auto":
            return None
        try:
            number = int(value)
        except ValueError:
            number = 0
        if not 1 <= number <= 99:
            self.fail(f"{value!r} is not a number of pictures: give 1 to 99, or auto", param, ctx)
        return number


@click.command("frames")
@click.argument("scans", metavar="SCAN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--film",
    type=Word([*NAMES, "auto"]),
    default="auto",
    show_default=True,
    help="Film format.",
)
@click.option(
    "--count",
    type=Count(),
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Number of pictures on each scan.",
)
@click.option(
    "--deskew",
    is_flag=True,
    help="Also write how many degrees each picture is turned; `divere batch` then straightens it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the crops into this divere_presets.json; its other content stays.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw what was found on the scan; .jpg or .png. With several scans, one each.",
)
@click.option("--overwrite", is_flag=True, help="Replace pictures, and crops that FILE has.")
@isolation_option
@jobs_option
@json_option
@click.pass_context
def frames(ctx: click.Context, /, **values: Any) -> int:
    """Find the pictures on strips and holders: SCANs of 135, 120 and 110 film.

    Scans are never changed, and no picture is cut: a frame that is not sure is kept
    whole and named. With -o, the crops go into a divere_presets.json that DiVERE
    opens, where they can be corrected, and that `divere batch` takes from beside the
    scans. Strips of one roll are best given together: they help each other.
    """
    from divere_cli.batch import framing

    ctx.ensure_object(Session).answers_on_stdout = True
    scans = tuple(dict.fromkeys(values["scans"]))
    pictures = _check_files(values, scans)
    pages = [(scan, index) for scan in scans for index in range(_picture_count(scan))]
    by_page = framing.look(_search(values), pages, _show_progress)
    answers = {page: by_page[page] for page in pages}
    several = {scan for scan, index in pages if index}
    with_frames = {
        scan: answer
        for scan in scans
        if scan not in several
        and not isinstance(answer := answers[scan, 0], ErrorRecord)
        and answer.frames
    }
    if values["output"] and with_frames:
        _save(values, with_frames)
    for path, picture_path in pictures.items():
        answer = answers[path, 0]
        if not isinstance(answer, ErrorRecord):
            output_checks.save(picture_path, base64.b64decode(answer.picture))
    _show(values, answers, several)
    if values["output"] and with_frames and not values["json"]:
        click.echo(f"written: {safe(values['output'])}")
    return _complain(values, answers, several)


def _picture_count(scan: str) -> int:
    """Return how many pictures a file holds; 1 for one that cannot be read: its worker reports."""
    from divere_cli.image import header

    try:
        return header.read(scan).pictures
    except DivereError:
        return 1


def _check_files(values: dict[str, Any], scans: tuple[str, ...]) -> dict[str, str]:
    """Return the paths of pictures by scan; refuse paths that would overwrite other files."""
    output, picture = values["output"], values["picture"]
    if output and os.path.basename(output) != FOLDER_FILE:
        output_checks.check("-o", output, scans)
        if not output.endswith(".json"):
            raise UsageError(f"-o {quote(output)}: is not a .json file")
    if not picture:
        return {}
    root, suffix = os.path.splitext(picture)
    if suffix.lower() not in PICTURES:
        raise UsageError(f"--picture {quote(picture)}: is not a .jpg or .png file")
    places = {scans[0]: picture}
    if len(scans) > 1:
        names = [os.path.splitext(os.path.basename(scan))[0] for scan in scans]
        if len(set(names)) < len(names):
            raise UsageError("--picture: two scans have the same name", hint="give them one by one")
        places = {s: f"{root}-{n}{suffix}" for s, n in zip(scans, names, strict=True)}
    for picture_path in places.values():
        output_checks.check("--picture", picture_path, scans, picture=True)
        if os.path.lexists(picture_path) and not values["overwrite"]:
            raise UsageError(f"{quote(picture_path)} exists", hint="use --overwrite to replace it")
    return places


def _search(values: dict[str, Any]) -> FrameSearch:
    from divere_cli.batch.framing import FrameSearch
    from divere_cli.frames.answer import FrameRequest
    from divere_cli.isolation.runner import IsolationRequest
    from divere_cli.profile import library
    from divere_cli.records.job import Encoding, InputTransfer, Limits

    picture = values["picture"]
    form = PICTURES[os.path.splitext(picture)[1].lower()] if picture else ""
    return FrameSearch(
        expected=FrameRequest(values["film"], values["count"], picture=form),
        encoding=Encoding("tiff", 16, library.output_space("KodakEnduraPremier_gamma_2_2")),
        isolation=IsolationRequest(values["isolation"], jobs=values["jobs"] or 1),
        limits=Limits(),
        transfer=InputTransfer(),
        film_edge=True,
    )


def _show_progress(path: str) -> None:
    if sys.stderr.isatty():
        complain(quote(path), word="looked at")


def _save(values: dict[str, Any], scans: dict[str, FoundScan]) -> None:
    """Write the crops into the presets file; existing crops may be edited and are kept."""
    from divere_cli.frames import preset
    from divere_cli.profile import strict_json
    from divere_cli.profile.select import Selector

    file = values["output"]
    text = None
    if os.path.lexists(file):
        try:
            with open(file, "rb", opener=regular.opener) as stream:
                text = stream.read()
        except OSError as error:
            raise UsageError(
                f"{quote(file)} cannot be read: {error.strerror}",
                hint="give -o a presets file, or a name that is free",
            ) from error
    existing = strict_json.parse(text, file) if text is not None else {}
    selector = Selector()
    entries = {}
    for path, scan in scans.items():
        name = os.path.basename(path)
        if name in entries:
            raise UsageError(
                f"two scans have the name {quote(name)}",
                hint="give the scans of one folder at a time",
            )
        entry = existing.get(name) if isinstance(existing, dict) else None
        if isinstance(entry, dict) and entry.get("crops") and not values["overwrite"]:
            raise UsageError(
                f"{quote(file)} has crops of {quote(name)} already",
                hint="use --overwrite to replace them",
            )
        entries[name] = (scan, selector.choose(path).frames[0].recipe)
    output_checks.save(file, preset.merged(text, file, entries, deskew=values["deskew"]))


def _show(values: dict[str, Any], answers: Answers, several: set[str]) -> None:
    right = [(p, answer) for p, answer in answers.items() if not isinstance(answer, ErrorRecord)]
    if values["json"]:
        scans = [_object(page, scan, several) for page, scan in right]
        click.echo(json_text.dumps({"scans": scans}))
        return
    for page, scan in right:
        sure = sum(frame.sure for frame in scan.frames)
        description = f"{safe(scan.film)}, turned {scan.turn:+.2f} degrees, " if scan.frames else ""
        frames = "1 frame" if len(scan.frames) == 1 else f"{len(scan.frames)} frames"
        count = f"{frames}, {sure} of them sure" if scan.frames else "no frames"
        click.echo(f"{_label(page, several)}: {description}{count}")
        for frame in scan.frames:
            box = " ".join(f"{value:.4f}" for value in frame.crop)
            number = f"  frame {frame.number}" if frame.number else ""
            why = "" if frame.sure else f"  not sure: {safe(frame.why)}"
            click.echo(f"  {frame.id:>2}  {box}{number}{why}")


def _label(page: Page, several: set[str]) -> str:
    path, index = page
    return f"{quote(path)}, picture {index + 1}" if path in several else quote(path)


def _object(page: Page, scan: FoundScan, several: set[str]) -> dict[str, Any]:
    frames = [
        {"id": f.id, "crop": list(f.crop), "sure": f.sure, "why": f.why, "turn": f.turn}
        | ({"number": f.number} if f.number else {})
        for f in scan.frames
    ]
    path, index = page
    source = {"input": path} | ({"picture": index + 1} if path in several else {})
    return {**source, "film": scan.film or None, "turn": scan.turn, "frames": frames}


def _complain(values: dict[str, Any], answers: Answers, several: set[str]) -> int:
    failed = [(p, answer) for p, answer in answers.items() if isinstance(answer, ErrorRecord)]
    for page, error in failed:
        complain(f"{_label(page, several)}: {error.kind}: {error.message}")
        if error.hint:
            complain(error.hint, word="hint")
    for path in sorted(several):
        if values["output"]:
            complain(
                f"{quote(path)} holds several pictures: its crops are not written, "
                "because a preset has one set of crops for a file",
                word="warning",
            )
            complain("use `divere batch --frames find`: it cuts each picture", word="hint")
        if values["picture"]:
            complain(f"{quote(path)}: only its first picture is drawn", word="warning")
    return ScanError.exit_code if failed else 0
