"""Make the contact sheet of a roll: every picture of every scan, with its grade as label.

Covers the parent's side: workers reduce the scans, those without a preset of the user are
measured and decided, and one worker draws. Each scan is read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from divere_cli.errors import DivereError
from divere_cli.films import notes
from divere_cli.image import header as headers
from divere_cli.image.layout import Header
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.profile.select import Selection, Selector
from divere_cli.proof import run
from divere_cli.proof.orders import Cells, ContactOrder, ContactTile, SmallOrder
from divere_cli.proof.variants import CONTACT_ASPECT, columns_for, gains_text
from divere_cli.records import serialize
from divere_cli.records.job import Frame, Job, Target
from divere_cli.records.outcome import ErrorRecord, FilmEdge
from divere_cli.records.roll import Decisions, Measured, RollFrame
from divere_cli.roll import auto

SMALL, CONTACT = "divere_cli.proof.task:small", "divere_cli.proof.task:contact"
LARGEST = 1600  # pixels of a picture; a contact sheet needs no more


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of the roll: its name for labels, and its path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Request:
    """Settings of a contact sheet."""

    scans: tuple[Scan, ...]
    output: str
    profile: str
    size: int
    isolation: IsolationRequest = field(default_factory=IsolationRequest)


@dataclass(frozen=True, slots=True)
class Made:
    """A contact sheet: the content of the file, or an error; errors of scans by name."""

    data: bytes = b""
    error: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()
    failed: dict[str, ErrorRecord] = field(default_factory=dict)


@dataclass(slots=True)
class _Work:
    """A scan with its preset, its frames with temporary files, and the worker's results."""

    scan: Scan
    selection: Selection | None = None
    user_preset: bool = True  # graded by a preset of the user's
    header: Header | None = None
    frames: tuple[Frame, ...] = ()
    cells: Cells | None = None
    film_edge: FilmEdge | None = None
    error: ErrorRecord | None = None


def contact_sheet(request: Request) -> Made:
    """Make the contact sheet of a roll.

    Parameters
    ----------
    request : Request
        The settings.

    Raises
    ------
    ProfileError, UsageError
        A preset cannot be used.
    """
    works = [_chosen(scan, request) for scan in request.scans]
    counts = [len(work.selection.frames) if work.selection else 0 for work in works]
    with run.temporary(sum(counts) + 1) as (sheet, *temps):
        remaining = iter(temps)
        for work in works:
            if work.selection is not None:
                assert work.header is not None
                work.frames = tuple(
                    run.frame_of(work.selection, work.header, cut, Target("", "", next(remaining)))
                    for cut in work.selection.frames
                )
        warnings = tuple(_read(works, request))
        decided = _decided(works)
        tiles, frames = _tiles(works, decided)
        failed = {work.scan.name: work.error for work in works if work.error is not None}
        order = ContactOrder(
            tiles, _title(works, decided), run.space(), request.size, run.form(request.output)
        )
        first = next((work for work in works if work.error is None), None)
        if first is None:
            return Made(error=next(iter(failed.values())), warnings=warnings, failed=failed)
        job = run.job_of(0, first.scan.path, frames, CONTACT, serialize.to_text(order))
        job = replace(job, sidecar=Target("sheet", request.output, sheet))
        (outcome,) = run_tasks([job], request=request.isolation)
        if outcome.result is None:
            return Made(error=run.error_of(outcome), warnings=warnings, failed=failed)
        with open(sheet, "rb") as file:
            return Made(file.read(), warnings=warnings, failed=failed)


def _chosen(scan: Scan, request: Request) -> _Work:
    work = _Work(scan)
    selector = Selector(request.profile)
    try:
        header = headers.read(scan.path)
    except DivereError as error:
        work.error = ErrorRecord.of_scan(error)
        return work
    work.selection = selector.choose(scan.path, header)
    work.user_preset = not work.selection.shipped
    work.header = header
    return work


def _read(works: list[_Work], request: Request) -> Iterator[str]:
    """Let workers reduce every scan, and store the results; yield warnings."""
    jobs: list[Job] = []
    count = sum(len(work.frames) for work in works)
    side = min(LARGEST, -(-request.size // columns_for(max(1, count), CONTACT_ASPECT)))
    for index, work in enumerate(works):
        if work.error is not None:
            continue
        order = serialize.to_text(SmallOrder(not work.user_preset, side))
        try:
            job = run.job_of(index, work.scan.path, work.frames, SMALL, order)
            assert work.selection is not None
            transfer = run.transfer_of(work.selection)
            jobs.append(replace(job, transfer=transfer, film_edge=True))
        except DivereError as error:
            work.error = ErrorRecord.of_scan(error)
    for outcome in run_tasks(jobs, request=request.isolation):
        work = works[outcome.job_id]
        if outcome.result is None:
            work.error = run.error_of(outcome)
            continue
        work.cells = serialize.from_text(Cells, outcome.result.measurement)
        work.film_edge = outcome.result.film_edge
        yield from (f"{work.scan.name}: {warning}" for warning in outcome.result.warnings)


def _decided(works: list[_Work]) -> Decisions:
    """Decide for the scans that were measured, as ``--auto roll`` does."""
    measured = []
    for work in works:
        if work.user_preset or work.cells is None or work.selection is None:
            continue
        frames = tuple(
            replace(frame, target=Target("", "", ""), crop_name=cut.crop_name)
            for frame, cut in zip(work.frames, work.selection.frames, strict=True)
        )
        name, path = work.scan.name, work.scan.path
        base = work.selection
        text = work.cells.measurement
        measured.append(Measured(name, path, frames, text, base.film_base, base.film_base_region))
    if not measured:
        return Decisions({})
    stocks = {work.scan.name: notes.film(work.film_edge) for work in works if work.film_edge}
    return auto.Auto("roll").decide(tuple(measured), stocks=stocks)


def _tiles(
    works: list[_Work], decided: Decisions
) -> tuple[tuple[ContactTile, ...], tuple[Frame, ...]]:
    frames_by_name = {
        (frame.input, frame.crop_name): frame for roll in decided.rolls for frame in roll.frames
    }
    tiles: list[ContactTile] = []
    frames: list[Frame] = []
    for work in works:
        if work.error is not None or work.cells is None or work.selection is None:
            message = work.error.message if work.error else "was not read"
            tiles.append(ContactTile(work.scan.name, (), failed=message))
            continue
        decision = decided.scans.get(work.scan.name)
        for index, cut in enumerate(work.selection.frames):
            recipe = decision.recipes[index] if decision else cut.recipe
            name = work.scan.name + (f" ({cut.crop_name})" if cut.crop_name else "")
            if work.cells.numbers:
                name = f"frame {work.cells.numbers[index]}, {name}"
            frame = frames_by_name.get((work.scan.name, cut.crop_name))
            lines = (_frame_label(work.selection, frame), gains_text(recipe))
            tiles.append(ContactTile(name, lines, work.cells.shapes[index]))
            frames.append(replace(work.frames[index], recipe=recipe))
    return tuple(tiles), tuple(frames)


def _frame_label(selection: Selection, frame: RollFrame | None) -> str:
    """Return exposure relative to the roll and confidence, or the name of the user's preset."""
    if frame is None:
        return f"preset {selection.profile.name}"
    kind = "" if frame.kind == "picture" else f", {frame.kind.replace('_', ' ')}"
    return f"{frame.exposure + 0.0:+.2f} D, {frame.confidence}{kind}"


def _title(works: Sequence[_Work], decided: Decisions) -> str:
    scan_count = "1 scan" if len(works) == 1 else f"{len(works)} scans"
    films = dict.fromkeys(notes.film(work.film_edge) for work in works if work.film_edge)
    confidences = "; ".join(
        f"{roll.name}: {roll.confidence} confidence" for roll in decided.rolls[:3]
    )
    parts = [scan_count, *films, *([confidences] if confidences else [])]
    return f"{'; '.join(parts)}; labels: exposure, confidence, rgb_gains"
