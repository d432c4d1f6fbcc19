"""What the page asks for, without HTTP: the roll, pictures, changes, the program's commands.

Covers putting the parts together and what of them goes into an answer. What it
does not: routes and status codes (:mod:`divere_cli.review.app`), and who may
ask (:mod:`divere_cli.review.access`).
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from divere_cli.errors import DivereError, ProfileError, UsageError
from divere_cli.profile import library
from divere_cli.profile.crops import Cut
from divere_cli.profile.schema import FOLDER_FILE
from divere_cli.profile.strict_json import Json
from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target
from divere_cli.review import grades, presets_file, programs
from divere_cli.review.channel import Answer
from divere_cli.review.grades import MEASURED, SHIPPED, Graded, Grades
from divere_cli.review.orders import WHOLE, Box, Pick, PictureFormat, View
from divere_cli.review.presets_file import Change, PresetsFile, State
from divere_cli.review.renderer import Renderer, Request
from divere_cli.review.roll import Roll, Scan, plain
from divere_cli.review.workers import Workers

LEAST_SIZE, MOST_SIZE = 16, 8192
CONFIDENCE = ("high", "medium", "low")


class NotFound(Exception):
    """There is no such scan in the folder."""


class BadRequest(Exception):
    """The request is not valid for this address."""


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A picture that the page requests."""

    name: str
    size: int = 1600
    format: PictureFormat = "jpeg"
    preset: Json = None
    picture: int = 0
    window: Box = WHOLE
    tag: str = ""
    number: int = 0


class Service:
    """One folder under review. Any thread may call; a context manager.

    Raises
    ------
    InputMissing, UsageError
        There is no such folder.
    """

    def __init__(self, path: str, workers: Workers, threads: int = 1) -> None:
        folder = path
        if os.path.isfile(path):
            folder = os.path.dirname(os.path.abspath(path))
            if os.path.basename(path) != FOLDER_FILE:
                raise UsageError(
                    f"'{path}' is neither a folder nor a {FOLDER_FILE}",
                    hint="name the folder of the scans",
                )
        self.roll = Roll(folder)
        self.file = PresetsFile(os.path.join(self.roll.folder, FOLDER_FILE))
        self.grades = Grades(self.file)
        self.renderer = Renderer(workers, threads)
        self.measuring = programs.Command("review-measure")
        self.exporting = programs.Command("review-export")

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.measuring.close()
        self.exporting.close()
        self.renderer.close()

    # ------------------------------------------------------------ roll and state

    def listed(self) -> dict[str, Any]:
        """Return the roll as the grid shows it."""
        state = self.file.read()
        frames = [self._frame(scan, state) for scan in self.roll.scans()]
        return {
            "version": state.version,
            "problem": state.problem,
            "folder": os.path.basename(self.roll.folder) or self.roll.folder,
            "folders": self.roll.folders(),
            "frames": frames,
        }

    def state(self, after: int) -> dict[str, Any]:
        """Return the state of presets file, commands and notices, which changes at any time."""
        state = self.file.read()
        return {
            "version": state.version,
            "foreign": state.foreign,
            "problem": state.problem,
            "measuring": asdict(self.measuring.progress),
            "exporting": asdict(self.exporting.progress),
            "notices": [asdict(notice) for notice in self.renderer.notices(after)],
        }

    def described(self, name: str) -> dict[str, Any]:
        """Return a frame as the page edits it."""
        scan = self.scan(name)
        frame = self.grades.described(scan)
        header = scan.header
        size = {} if header is None else {"width": header.width, "height": header.height}
        return frame | size | {"facts": self.renderer.facts(scan)}

    def scan(self, name: str) -> Scan:
        """Return the scan called ``name``; raise NotFound if there is none."""
        scan = self.roll.find(name)
        if scan is None:
            raise NotFound
        return scan

    # ------------------------------------------------------------ pictures

    def render(self, picture: PictureRequest) -> Future[Answer]:
        """Request a picture.

        Raises
        ------
        NotFound
        ScanError
            The scan or its grade cannot be used.
        """
        scan = self._good(picture.name)
        graded = self._graded(scan, picture.preset)
        cut = graded.cut(picture.picture)
        size = min(max(LEAST_SIZE, picture.size), MOST_SIZE)
        form: PictureFormat = picture.format
        mirrored, turned = graded.tag(scan.header)
        turn, window = (cut.orientation + turned) % 360, picture.window
        view = View(cut.recipe, cut.crop, turn, size, form, window, mirrored=mirrored)
        job = read_as(scan, cut, graded)
        return self.renderer.submit(
            Request(scan, job, view, picture.tag, picture.number, len(graded.cuts) > 1)
        )

    def film_of(self, name: str) -> dict[str, Any]:
        """Return film and frame numbers of a scan, as the page shows them; empty if none were read.

        The numbers are those of the pictures in the preset.
        """
        scan = self.roll.find(name)
        edge = self.renderer.edge(scan) if scan is not None else None
        if scan is None or edge is None:
            return {}
        try:
            cuts = self.grades.of(scan).cuts
        except DivereError:
            return {}
        return edge.shown([cut.crop for cut in cuts])

    def pick(self, picture: PictureRequest, at: tuple[float, float]) -> Future[Answer]:
        """Request the gains that make a point gray; errors as in :meth:`render`."""
        scan = self._good(picture.name)
        graded = self._graded(scan, picture.preset)
        cut = graded.cut(picture.picture)
        mirrored, turned = graded.tag(scan.header)
        order = Pick(cut.recipe, cut.crop, (cut.orientation + turned) % 360, at, mirrored)
        job = read_as(scan, cut, graded)
        return self.renderer.submit(
            Request(scan, job, order, picture.tag, picture.number, len(graded.cuts) > 1)
        )

    def again(self, name: str) -> None:
        """Try a failed scan again."""
        self.renderer.again(self.scan(name).name)

    def _good(self, name: str) -> Scan:
        scan = self.scan(name)
        if scan.header is None:
            raise ProfileError(scan.message, hint=scan.hint)
        return scan

    def _graded(self, scan: Scan, preset: Json) -> grades.Graded:
        return self.grades.of(scan) if preset is None else self.grades.sent(preset, scan)

    # ------------------------------------------------------------ changes

    def change(self, version: int, change: Change, *, freeze: bool = False) -> State:
        """Write entries and marks; with ``freeze`` also the measured grades of the others.

        A batch measures scans without an entry together, leaving out those that have one: so
        the first entry would change the grade of all others from what the page showed.

        Raises
        ------
        NotFound
            A name is neither a scan of this folder nor in the file.
        Stale, ProfileError, OutputUnusable
        """
        state = self.file.read()
        document = state.document
        for name in (*change.entries, *change.marks):
            in_file = presets_file.key_of(document, name) is not None
            reserved = presets_file.reserved(name) and name in change.entries
            if not (plain(name) and (in_file or reserved or self.roll.find(name) is not None)):
                raise NotFound
        if freeze and change.entries:
            change = Change({**self._unwritten(state), **change.entries}, change.marks)
        return self.file.write(version, change)

    def _unwritten(self, state: State) -> dict[str, Json]:
        entries = self.grades.measured()
        return {n: e for n, e in entries.items() if self.grades.source(state, n) == MEASURED}

    # ------------------------------------------------------------ the program's commands

    def measure(self, names: list[str] | None = None) -> bool:
        """Measure the scans without a preset; return False if there is nothing to do."""
        state = self.file.read()
        paths = [
            scan.path
            for scan in self.roll.scans()
            if scan.header is not None and self.grades.source(state, scan.name) == SHIPPED
        ]
        if state.problem or not paths or self.measuring.progress.state == "running":
            return False
        programs.measure(self.measuring, paths, self.grades.take_measured)
        return True

    def export(self, options: dict[str, Any]) -> bool:
        """Start the batch; return False if one is running already.

        Measured grades are written first, so that the batch grades as the page shows.

        Raises
        ------
        BadRequest
            The folder is not below that of the roll, or an option is invalid.
        """
        arguments = self._export(options).arguments()
        if self.exporting.progress.state == "running":
            return False
        state = self.file.read()
        measured = self._unwritten(state)
        if measured and not state.problem:
            self.file.write(state.version, Change(measured))
        return self.exporting.start(arguments, output=self._output(options))

    def _output(self, options: dict[str, Any]) -> str:
        return os.path.join(self.roll.folder, str(options.get("output") or "positives"))

    def _export(self, options: dict[str, Any]) -> programs.Export:
        output = options.get("output") or "positives"
        if not isinstance(output, str) or not plain(output) or output.startswith((".", "-")):
            raise BadRequest("output must be the name of a folder inside the folder of the roll")
        form, depth = options.get("format", "tiff"), options.get("bit_depth")
        space, quality = options.get("color_space") or "", options.get("quality")
        if form not in programs.FORMATS or depth not in (None, 8, 16):
            raise BadRequest("format must be tiff, jpeg or png; bit_depth must be 8 or 16")
        if space and space not in library.in_role("output"):
            raise BadRequest(f"there is no output color space {space!r}")
        if quality is not None and (not isinstance(quality, int) or not 1 <= quality <= 100):
            raise BadRequest("quality must be a number from 1 to 100")
        state = self.file.read()
        rejected = [s.name for s in self.roll.scans() if state.mark(s.name) == "reject"]
        return programs.Export(
            self.roll.folder, output, form, depth, space, quality, tuple(rejected)
        )

    # ------------------------------------------------------------ a frame of the grid

    def _frame(self, scan: Scan, state: State) -> dict[str, Any]:
        source = self.grades.source(state, scan.name)
        notes = self._notes(scan, state, source)
        failed = self.renderer.failure(scan)
        message, hint = scan.message, scan.hint
        if failed is not None:
            message, hint = failed.message, failed.hint
        header = scan.header
        return {
            "name": scan.name,
            "status": "failed" if message else "ok",
            "mark": state.mark(scan.name),
            "confidence": notes.get("confidence"),
            "message": message,
            "hint": hint,
            "source": source,
            "kind": notes.get("kind") or "",
            "reason": notes.get("reason") or "",
            "warnings": [] if header is None else list(header.warnings),
            "turned": _turned(state, scan),
            "width": 0 if header is None else header.width,
            "height": 0 if header is None else header.height,
            "pages": 1 if header is None else header.pictures,
            "stamp": f"{scan.stamp[1]:x}",
            **self._pictures(scan, state, source),
        }

    def _pictures(self, scan: Scan, state: State, source: str) -> dict[str, Any]:
        """Return how many pictures are on a scan, its film and frame numbers, and a problem."""
        unknown = {"film": "", "numbers": []}
        if scan.header is None or state.problem:
            return {"pictures": 0, "problem": "", **unknown}
        try:
            cuts = self.grades.of(scan).cuts
        except DivereError as error:
            return {"pictures": 0, "problem": error.message, **unknown}
        edge = self.renderer.edge(scan)
        film = unknown if edge is None else edge.shown([cut.crop for cut in cuts])
        return {"pictures": len(cuts), "problem": "", **film}

    def _notes(self, scan: Scan, state: State, source: str) -> dict[str, Any]:
        """Return the results of measuring a scan, from divere's own entry or from its preset."""
        own_data = presets_file.own_scan(state.document, scan.name)
        if own_data.get("confidence") in CONFIDENCE:
            return dict(own_data)
        entry = self.grades.measured().get(scan.name) if source == MEASURED else None
        if entry is None:
            entry = state.entry(scan.name)
        notes = _provenance(entry)
        return notes if notes.get("confidence") in CONFIDENCE else {}


def _turned(state: State, scan: Scan) -> int:
    """Return how many pictures of a scan a batch turns level; here they are shown as they lie."""
    turns = presets_file.own_scan(state.document, scan.name).get("turns")
    return len(turns) if isinstance(turns, dict) else 0


def read_as(scan: Scan, cut: Cut, graded: Graded) -> Job:
    """Return the job with which a batch would read a scan; nothing is written.

    Parameters
    ----------
    scan : Scan
        The scan.
    cut : Cut
        The picture.
    graded : Graded
        The grade of the scan.
    """
    nowhere = Target(scan.name, "", "")
    return Job(
        id=0,
        name=scan.name,
        input=scan.path,
        stamp=Stamp(scan.stamp[0], scan.stamp[1]),
        encoding=Encoding("tiff", 8, library.output_space("sRGB")),
        frames=(Frame(nowhere, cut.recipe, cut.crop, cut.orientation, cut.crop_name),),
        transfer=graded.transfer(cut),
    )


def _provenance(entry: Json) -> dict[str, Any]:
    """Return the notes of ``divere analyze`` in an entry; with crops those of the least sure."""
    if not isinstance(entry, dict):
        return {}
    items = [entry, *(c for c in _list(entry.get("crops")) if isinstance(c, dict))]
    notes = []
    for item in items:
        metadata = item.get("metadata")
        provenance = metadata.get("provenance") if isinstance(metadata, dict) else None
        if isinstance(provenance, dict):
            notes.append(provenance)
    rank = {name: index for index, name in enumerate(CONFIDENCE)}
    return max(notes, key=lambda note: rank.get(str(note.get("confidence")), -1), default={})


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
