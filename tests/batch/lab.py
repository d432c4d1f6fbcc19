"""A bench for whole batches: a folder of scans, a runner in this process, and what must hold after.

``Lab.run`` checks after every run what is promised of any run: the inputs are
as they were, the exit code, the report, the journal and the outputs agree, and
no temporary file is left.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.request import BatchRequest, Bounds, Inputs, Outputs, ReportFile
from divere_cli.batch.run import run
from divere_cli.errors import DivereError
from divere_cli.files import durable
from divere_cli.files.output_folder import Folder
from divere_cli.image.layout import Header
from divere_cli.isolation.runner import IsolationRequest, OnEvent
from divere_cli.profile.crops import Cut
from divere_cli.profile.select import Selection
from divere_cli.records.events import Event, ScanStarted
from divere_cli.records.grade import Film, ProfileRef, Recipe, Space
from divere_cli.records.job import Encoding, Job, Limits
from divere_cli.records.outcome import ErrorRecord, Incident, IsolationInfo, Outcome, ScanResult
from divere_cli.records.report import RunReport
from divere_cli.records.serialize import to_plain
from tests.batch.tasks import COPY
from tests.batch.tiffs import tiff

SPACE = Space("sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290), 2.2)
ENCODING = Encoding("tiff", 16, SPACE)
FILM = Film("color_negative_c41", True, True, True, True, False)


def recipe(name: str = "plain") -> Recipe:
    """A recipe that nobody grades with."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Recipe(name, FILM, SPACE, SPACE, sha256=digest)


@dataclass
class Chooser:
    """Gives every scan one frame, or the crops that were asked for."""

    profile: str = "plain"
    crops: tuple[str, ...] = ("",)
    asked: list[str] = field(default_factory=list)
    problem: DivereError | None = None
    base: tuple[float, float, float] | None = None
    region: tuple[float, float, float, float] | None = None

    def choose(self, scan_path: str, header: Header) -> Selection:
        self.asked.append(scan_path)
        if self.problem is not None:
            raise self.problem
        cuts = tuple(
            Cut(crop=(0.0, 0.0, 1.0, 1.0), orientation=0, crop_name=c, recipe=recipe(self.profile))
            for c in self.crops
        )
        reference = ProfileRef(self.profile, recipe(self.profile).sha256)
        return Selection(reference, cuts, film_base=self.base, film_base_region=self.region)

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        return ()


class Steady:
    """Progress of a task that runs in this process."""

    def stage(self, name: str) -> Steady:
        return self

    def advance(self, done: float) -> None:
        return None

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


Ends = list[str]


@dataclass
class Bench:
    """A runner in this process; ``script`` makes attempts of a scan end badly, one after the other.

    A scan of which no end is left in the script is really worked on.
    """

    jobs: int = 1
    script: dict[str, Ends] = field(default_factory=dict)
    before: Callable[[Job], None] = lambda job: None
    after: Callable[[Job], None] = lambda job: None
    limits: list[tuple[str, Limits]] = field(default_factory=list)
    together: int = 0
    closed: list[float] = field(default_factory=list)
    opened: int = 0
    _work: list[tuple[Job, Limits]] = field(default_factory=list)
    _refused: int = 0
    _on_event: OnEvent = lambda event: None

    def open(self, request: IsolationRequest, on_event: OnEvent) -> Bench:
        self.opened += 1
        self.jobs = request.jobs
        self._on_event = on_event
        return self

    @property
    def info(self) -> IsolationInfo:
        return IsolationInfo("never", "thread", None, self.jobs)

    @property
    def incidents(self) -> tuple[Incident, ...]:
        return ()

    @property
    def lost(self) -> str:
        return "scripted: infrastructure" if self._refused > 30 else ""

    def slots(self) -> int:
        return self.jobs - len(self._work)

    def start(self, job: Job, limits: Limits) -> None:
        assert self.slots() > 0
        self.limits.append((job.name, limits))
        self._work.append((job, limits))
        self.together = max(self.together, len(self._work))
        self._on_event(ScanStarted(job.id, job.name, limits.attempt, os.getpid()))

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        if not self._work:
            return []
        job, limits = self._work.pop(0)
        return [self._attempt(job, limits)]

    def cancel(self, job_id: int, end: str = "cancelled") -> None:
        assert end == "out_of_memory", "the batch cancels for nothing else"
        assert job_id == self._work[-1][0].id, "not the youngest"
        self.script.setdefault(self._work[-1][0].name, []).insert(0, end)
        self._work.insert(0, self._work.pop())

    def close(self, grace: float = 2.0) -> list[Outcome]:
        self.closed.append(grace)
        left, self._work = self._work, []
        return [Outcome(job.id, limits.attempt, "cancelled") for job, limits in left]

    def _attempt(self, job: Job, limits: Limits) -> Outcome:
        ends = self.script.get(job.name)
        if ends:
            end: Any = ends.pop(0)
            self._refused = self._refused + 1 if end == "infrastructure" else 0
            kind = {"lost": "crashed", "infrastructure": "internal"}.get(end, end)
            error = ErrorRecord(kind, f"scripted: {end}")
            return Outcome(job.id, limits.attempt, end, error=error, pid=1)
        self.before(job)
        module, _, name = job.task.partition(":")
        try:
            result = getattr(importlib.import_module(module), name)(job, Steady())
        except DivereError as problem:
            error = ErrorRecord(problem.kind, problem.message, problem.hint)
            return Outcome(job.id, limits.attempt, "error", error=error)
        self.after(job)
        return Outcome(
            job.id,
            limits.attempt,
            "result",
            result,
            pid=1,
            seconds=0.5,
            peak_rss_bytes=100 << 20,
            peak_source="vmhwm",
        )


@dataclass
class Lab:
    """Scans in ``inputs``, positives in ``outputs``."""

    root: Path
    chooser: Chooser = field(default_factory=Chooser)
    bench: Bench = field(default_factory=Bench)
    events: list[Event] = field(default_factory=list)

    @property
    def inputs(self) -> Path:
        return self.root / "in"

    @property
    def outputs(self) -> Path:
        return self.root / "out"

    @property
    def report_path(self) -> Path:
        return self.outputs / "divere-report.json"

    def scan(self, name: str, data: bytes | None = None) -> Path:
        """Put a scan into the inputs; each name has its own pixels."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fill = int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:2], "big")
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(tiff(fill=fill) if data is None else data)
        if before and path.stat().st_mtime_ns <= before:  # a clock that ticks seldom
            os.utime(path, ns=(before + 1_000_000, before + 1_000_000))
        return path

    def scans(self, *names: str) -> None:
        for name in names:
            self.scan(name)

    def request(self, **changes: Any) -> BatchRequest:
        """A request for this lab; fields of its parts by their own names."""
        request = BatchRequest(
            inputs=Inputs((str(self.inputs),)),
            outputs=Outputs(str(self.outputs), ENCODING),
            chooser=self.chooser,
            bounds=Bounds(jobs=1, memory_budget=8 << 30),
            reports=(ReportFile(str(self.report_path), render, private=True),),
            task=COPY,
            open_runner=self.bench.open,
        )
        for part in ("inputs", "outputs", "bounds"):
            record = getattr(request, part)
            mine = {k: changes.pop(k) for k in list(changes) if hasattr(record, k)}
            request = replace(request, **{part: replace(record, **mine)})
        return replace(request, **changes)

    def run(self, **changes: Any) -> RunReport:
        """Run, and check what holds after any run."""
        request = self.request(**changes)
        folder = Path(request.outputs.folder)
        before = tree(self.inputs, folder)
        self.events.clear()
        report = run(request, self.events.append)
        assert tree(self.inputs, folder) == before, "an input was changed"
        check(folder, report)
        return report

    def positives(self) -> dict[str, bytes]:
        """Outputs by name, without what divere keeps beside them."""
        return {name: path.read_bytes() for name, path in outputs(self.outputs)}

    def state(self) -> journal_state.State:
        folder = Folder.open(str(self.outputs), create=False)
        try:
            return journal_state.load(folder)
        finally:
            if folder is not None:
                folder.close()

    def statuses(self, report: RunReport) -> dict[str, str]:
        return {file.input: file.status for file in report.files}

    def kinds(self, report: RunReport) -> dict[str, str]:
        return {file.input: file.error.kind for file in report.files if file.error}


def render(report: RunReport) -> str:
    return json.dumps(to_plain(report))


OURS = frozenset({"divere-report.json", ".divere-lock", journal_state.NAME})


def outputs(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in OURS:
            yield path.relative_to(folder).as_posix(), path


def tree(folder: Path, without: Path) -> dict[str, tuple[object, ...]]:
    """Names, contents and everything else of a folder of scans but for times of access."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        if path == without or without in path.parents or path.name.endswith(".began"):
            continue
        status = path.lstat()
        times: tuple[int, ...] = (status.st_mtime_ns, status.st_ctime_ns)
        if path.is_dir() and not path.is_symlink():
            times = ()  # OUTPUT may be made in it
        content = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
        found[str(path)] = (status.st_mode, status.st_ino, status.st_size, *times, content)
    return found


def check(folder: Path, report: RunReport) -> None:
    """What holds after every run: exit code, report, journal and outputs agree; nothing is left."""
    fine = all(
        file.status in ("ok", "up_to_date", "kept", "known_failure", "deferred")
        for file in report.files
    )
    assert (report.exit_code == 0) == (fine and report.error is None and not report.stopped)
    left = list(folder.rglob(f"{durable.TEMP_PREFIX}*"))
    assert not left, left
    opened = Folder.open(str(folder), create=False)
    assert opened is not None
    state = journal_state.load(opened)
    opened.close()
    for file in report.files:
        _check_file(folder, file, state)
    path = folder / "divere-report.json"
    if path.exists():
        written = json.loads(path.read_text())
        assert written["exit_code"] == report.exit_code
        assert [f["status"] for f in written["files"]] == [f.status for f in report.files]


def _check_file(folder: Path, file: ScanResult, state: journal_state.State) -> None:
    assert (file.error is not None) == (file.status in ("failed", "known_failure")), file
    if file.status == "kept":
        assert all((folder / name).exists() for name in file.outputs)
        return
    if file.status not in ("ok", "up_to_date"):
        assert file.outputs == ()
        return
    recorded = {output.name: output.size for output in state.done[file.input].outputs}
    for name in file.outputs:
        assert (folder / name).stat().st_size == recorded[name]
