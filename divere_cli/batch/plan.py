"""The plan before anything is written: what each scan is, its profile, its outputs' names.

Covers reading headers, choosing profiles, naming, and name collisions: all of them are
found and reported together, before the first write. It does not decide which outputs are
up to date (:mod:`.staleness`) or which existing files block one (:mod:`.ownership`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from divere_cli.batch import film_edges, naming
from divere_cli.batch.discover import SUFFIXES, identity
from divere_cli.batch.film_edges import Edges
from divere_cli.batch.journal.record import Failure, OutputStamp
from divere_cli.batch.journal.state import State
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.walked import Scan, WalkResult
from divere_cli.errors import DivereError, LimitExceeded, PlanError, ProfileError, ScanError
from divere_cli.files import stamp
from divere_cli.files.output_folder import Folder
from divere_cli.films import notes
from divere_cli.image.header import read as read_header
from divere_cli.image.layout import Header
from divere_cli.records.film import FilmNotes
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding
from divere_cli.records.outcome import FilmEdge

if TYPE_CHECKING:
    from divere_cli.profile.select import Selection


_CURE = ", as --pages first says"
Action = Literal[
    "", "check", "grade", "up_to_date", "moved", "kept", "known_failure", "deferred", "fail"
]


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """One scan and what will be done with it.

    ``outputs`` are the positives' names below OUTPUT, one for each frame of ``selection``;
    ``also`` has the names of each further output; ``encodings`` has the encoding of each output,
    the main one first. ``film`` is the film data of the scan, ``films`` that of each frame where
    frames differ. ``edge`` is the code at the film's edge where it was read before, by an earlier
    run or to name outputs; ``edge_known`` is also true where that reading found no code.
    ``error`` is set when the scan cannot be graded.

    The other fields are filled in once OUTPUT is locked (:mod:`.staleness`): ``action``
    (``moved``: up to date, but the time stamps changed; ``check``: the SHA-256 of ``unsure`` is
    needed first), ``key`` of the work, keys of ``earlier`` versions with the same meaning,
    ``recipes`` of the frames as decided (``basis``: digest of the inputs of that decision;
    ``decided``: its text in the journal), ``notes`` and ``warnings`` for the report. ``unsure``
    has names of outputs, and an empty name for the scan itself; ``kept`` are outputs that the
    user changed; ``failure`` is the failure of an earlier run. ``stale`` are the indices of the
    outputs to make (0 is the main one), ``recorded`` the files of the outputs that are up to
    date.
    """

    scan: Scan
    header: Header | None = None
    selection: Selection | None = None
    outputs: tuple[str, ...] = ()
    sidecar: str = ""
    also: tuple[tuple[str, ...], ...] = ()
    encodings: tuple[Encoding, ...] = ()
    film: FilmNotes | None = None
    films: tuple[FilmNotes | None, ...] = ()
    edge: FilmEdge | None = None
    edge_known: bool = False
    error: DivereError | None = None
    action: Action = ""
    key: str = ""
    earlier: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failure: Failure | None = None
    recipes: tuple[Recipe, ...] = ()
    basis: str = ""
    decided: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stale: tuple[int, ...] = (0,)
    recorded: tuple[OutputStamp, ...] = ()

    @property
    def main(self) -> tuple[str, ...]:
        """Names of the main output, the sidecar last."""
        return (*self.outputs, self.sidecar) if self.sidecar else self.outputs

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of all outputs, the sidecar last."""
        if not self.also:
            return (*self.outputs, self.sidecar) if self.sidecar else self.outputs
        further = tuple(name for names in self.also for name in names)
        return (*self.outputs, *further, *self.main[len(self.outputs) :])

    @property
    def makes(self) -> tuple[str, ...]:
        """Names of the outputs to make, output by output, the sidecar last."""
        made = [name for index in self.stale for name in (self.outputs, *self.also)[index]]
        return (*made, self.sidecar) if self.sidecar and 0 in self.stale else tuple(made)


def make(
    request: BatchRequest,
    walked: WalkResult,
    state: State,
    folder: Folder | None,
    stopped: Callable[[], bool] = lambda: False,
    edges: Edges | None = None,
) -> list[ScanPlan]:
    """Plan every scan, in the order of the walk.

    ``stopped`` is called between scans; once it returns true, the other scans are left out.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    walked : WalkResult
        The scans found in INPUT.
    state : State
        State read from the journal.
    folder : Folder or None
        The output folder, held open.
    stopped : callable, default lambda: False
        Returns whether the run is to stop.
    edges : Edges, optional
        Codes at the films' edges, by the path of a scan, read in order to name outputs.

    Raises
    ------
    PlanError
        Two outputs would have one name, or an output is an input.
    ProfileError
        A requested profile cannot be used.
    """
    plans: list[ScanPlan] = []
    encodings = request.outputs.encodings  # one tuple for all plans
    for scan in walked.scans:
        if stopped():
            break
        plans += _pictures(request, scan, state, edges, encodings)
    problems: list[str] = []
    if request.outputs.folder:  # without OUTPUT nothing is written
        problems += [*_same_name(plans), *_inputs_hit(plans, folder), *_reports_hit(request, plans)]
    if problems:
        raise PlanError(
            "nothing was written: " + "; ".join(problems),
            hint="rename scans, use --name (name= in --also), "
            "or grade each INPUT into an OUTPUT of its own",
        )
    return plans


def check_places(inputs: Iterable[str], output: str) -> None:
    """Raise ``PlanError`` if OUTPUT is an INPUT or contains one; links are resolved.

    Parameters
    ----------
    inputs : iterable of str
        Paths of the INPUTs.
    output : str
        Path of OUTPUT.
    """
    suffix = os.path.splitext(output)[1].lower()
    if suffix in SUFFIXES and not os.path.isdir(output):
        raise PlanError(
            f"OUTPUT '{output}' has the suffix of a picture, but OUTPUT is a folder",
            hint="name a folder; each positive is called after its scan, or as --name says",
        )
    this = identity(output)
    if this is None:
        return
    for path in inputs:
        here = os.path.realpath(path)
        while True:
            if identity(here) == this:
                same = here == os.path.realpath(path)
                raise PlanError(
                    f"OUTPUT '{output}' {'is' if same else 'contains'} INPUT '{path}'",
                    hint="choose a folder of its own; it may be inside INPUT",
                )
            parent = os.path.dirname(here)
            if parent == here:
                break
            here = parent


def _pictures(
    request: BatchRequest,
    scan: Scan,
    state: State,
    edges: Edges | None,
    encodings: tuple[Encoding, ...],
) -> Iterator[ScanPlan]:
    """Plan each picture of a file; names of outputs have the film edge of the first one."""
    has_edge = edges is not None and scan.path in edges
    edge = edges[scan.path] if edges is not None and has_edge else None
    first = _plan(request, scan, state, encodings, edge)
    if has_edge:
        first = replace(first, edge=edge, edge_known=True)
    yield first
    count = first.header.pictures if first.header else 1
    if request.inputs.pages == "all":
        for picture in range(1, count):
            yield _plan(request, scan.further(picture), state, encodings)


def _plan(
    request: BatchRequest,
    scan: Scan,
    state: State,
    encodings: tuple[Encoding, ...],
    edge: FilmEdge | None = None,
) -> ScanPlan:
    if scan.problem is not None:
        return ScanPlan(scan, error=scan.problem)
    header: Header | None = None
    try:
        header = _header(request, scan, state)
        selection = request.chooser.choose(scan.path, header)
        outputs = request.outputs
        main, *also = (
            _positives(request, scan, header, selection, template, encoding, edge)
            for template, encoding in zip(
                (outputs.name, *(each.name for each in outputs.also)),
                encodings,
                strict=True,
            )
        )
        sidecar = _sidecar(outputs.encoding, scan, header, _page(request, scan, header))
        sidecar = outputs.payload + sidecar if sidecar else ""
    except ProfileError:
        raise
    except ScanError as problem:
        return ScanPlan(scan, header, error=problem)
    film, films = _film(request, scan, selection, edge)
    was_read, recorded = film_edges.recorded(request, scan, state)
    return ScanPlan(
        scan,
        header,
        selection,
        main,
        sidecar,
        tuple(also),
        encodings,
        film,
        films,
        edge=recorded,
        edge_known=was_read,
    )


def _film(
    request: BatchRequest, scan: Scan, selection: Selection, edge: FilmEdge | None
) -> tuple[FilmNotes | None, tuple[FilmNotes | None, ...]]:
    """Return the film data of a scan, and that of each of its crops where they differ."""
    log = request.film_log
    # the frame number read at the edge is that of the scan's first frame, not of each crop
    bare = replace(edge, frames=()) if edge is not None else None
    if len(selection.frames) > 1:
        edge = bare
    if log is None:
        return notes.completed(None, edge), ()
    rows = [log.of(scan.file, crop) for crop in crop_names(selection)]
    if all(each == rows[0] for each in rows):
        return notes.completed(rows[0], edge), ()
    return None, tuple(notes.completed(each, bare) for each in rows)


def crop_names(selection: Selection) -> list[str]:
    """Return the names of a scan's crops as used in its outputs; empty for an uncropped scan.

    Parameters
    ----------
    selection : Selection
        The preset that was chosen.
    """
    several = len(selection.frames) > 1
    return [
        frame.crop_name or (str(index) if several else "")
        for index, frame in enumerate(selection.frames, 1)
    ]


def _header(request: BatchRequest, scan: Scan, state: State) -> Header:
    """Read the header, or reuse the one in the journal while the file is unchanged."""
    most = request.inputs.max_pixels
    done = state.done.get(scan.name)
    # several pages: read again, because earlier versions recorded only one picture
    if done is None or done.header.pages > 1 or not stamp.same(done.stamp, scan.stamp):
        header = read_header(scan.path, most, scan.picture)
        return _slim(_with_rest(header, request.inputs.pages))
    if done.header.pixels > most:
        raise LimitExceeded(f"{done.header.pixels} pixels; --max-pixels is {most}")
    return _share(done.header)


def _slim(header: Header) -> Header:
    """Reduce a header to what planning and reports need; scans of one scanner then share it."""
    bare = replace(
        header,
        file_size=0,
        page=None,
        infrared_page=None,
        icc=None,
        resolution=None,
        make="",
        model="",
        software="",
        date="",
    )
    return _share(bare)


def _with_rest(header: Header, pages: str) -> Header:
    """Add a warning about the pictures of a file that are not graded."""
    count = header.pictures - 1
    if pages == "all" or not count:
        return header
    warning = f"1 further picture of the file is left out{_CURE}"
    if count > 1:
        warning = f"{count} further pictures of the file are left out{_CURE}"
    return replace(header, warnings=(*header.warnings, warning))


@functools.lru_cache(maxsize=64)
def _share(header: Header) -> Header:
    return header


def _positives(
    request: BatchRequest,
    scan: Scan,
    header: Header,
    selection: Selection,
    template: str,
    encoding: Encoding,
    edge: FilmEdge | None,
) -> tuple[str, ...]:
    page = _page(request, scan, header)
    outputs = []
    for index, crop in enumerate(crop_names(selection), 1):
        parts = naming.Parts(
            scan.file,
            crop,
            index,
            selection.profile.name,
            page,
            paired=scan.paired,
            film=notes.film(edge),
            frame=notes.frame(edge),
        )
        name = request.outputs.payload + naming.output(template, parts, encoding.format)
        outputs.append(scan.name if name == scan.name else name)  # keep one string, not two
    return tuple(outputs)


def _page(request: BatchRequest, scan: Scan, header: Header) -> str:
    several = header.pictures > 1 and request.inputs.pages == "all"
    return str(scan.picture + 1) if several else ""


def _sidecar(encoding: Encoding, scan: Scan, header: Header, page: str) -> str:
    sidecar = ""
    if encoding.infrared == "sidecar" and _has_infrared(header):
        plain = naming.output("", naming.Parts(scan.file, page=page), encoding.format)
        sidecar = naming.sidecar(plain, encoding.format)
    elif encoding.infrared == "repair" and encoding.ir_mask and "infrared" in header.extra:
        plain = naming.output("", naming.Parts(scan.file, page=page), encoding.format)
        sidecar = naming.mask(plain, encoding.format)
    return sidecar


def _has_infrared(header: Header) -> bool:
    """Whether there is infrared; a single extra sample of unknown meaning counts as infrared."""
    return "infrared" in header.extra or header.extra.count("unknown") == 1


def _same_name(plans: list[ScanPlan]) -> Iterator[str]:
    planned: dict[str, tuple[ScanPlan, str]] = {}
    for plan in plans:
        for output in plan.writes:
            twin = naming.twin(output)
            if twin not in planned:
                planned[twin] = (plan, output)
                continue
            earlier, earlier_output = planned[twin]
            first, second = _told_apart(earlier.scan, plan.scan)
            if earlier is plan and earlier_output == output:
                noun = "outputs" if plan.also else "frames"
                yield f"two {noun} of '{first}' would both be '{output}'"
            elif earlier_output == output:
                yield f"'{first}' and '{second}' would both be '{output}'"
            else:
                yield (
                    f"'{first}' and '{second}' would be '{earlier_output}' and "
                    f"'{output}', which are the same name on some file systems"
                )


def _told_apart(first: Scan, second: Scan) -> tuple[str, str]:
    """Return the names of two scans, or their paths where the names are equal."""
    if first.name == second.name and first is not second:
        return first.path, second.path
    return first.name, second.name


def _inputs_hit(plans: list[ScanPlan], folder: Folder | None) -> Iterator[str]:
    if folder is None:
        return
    scans = {(d.scan.stamp.dev, d.scan.stamp.ino): d.scan.name for d in plans if d.scan.stamp.ino}
    for plan in plans:
        for output in plan.writes:
            try:
                status = folder.look(output)
            except ScanError:  # the ownership check reports it for this scan alone
                continue
            if status is not None and (status.st_dev, status.st_ino) in scans:
                name = scans[status.st_dev, status.st_ino]
                yield f"'{output}' in OUTPUT is the scan '{name}' itself"


def _reports_hit(request: BatchRequest, plans: list[ScanPlan]) -> Iterator[str]:
    reports = {os.path.realpath(report.path): report.path for report in request.reports}
    root = os.path.join(os.path.realpath(request.outputs.folder), "")
    inside = {real: real.removeprefix(root).replace(os.sep, "/") for real in reports}
    names, files = set(inside.values()), {identity(real) for real in reports}
    written = {output for plan in plans for output in plan.writes if output in names}
    stamps = (plan.scan.stamp for plan in plans if plan.scan.stamp.ino)
    scans = {(each.dev, each.ino) for each in stamps if (each.dev, each.ino) in files}
    for real, path in reports.items():
        if inside[real] in written:
            yield f"the report '{path}' would be an output, too"
        elif identity(real) in scans:
            yield f"the report '{path}' is a scan"
