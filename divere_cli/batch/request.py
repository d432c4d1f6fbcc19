"""What a batch is asked to do: one frozen request, built by ``cli`` and read by all of this room.

Covers inputs, outputs, the limits of work, isolation, reports and the seams to
other rooms (who chooses a profile, who measures a roll). What it does not:
defaults that need a look at the machine, and the flags themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from divere_cli.archive.bag import PAYLOAD
from divere_cli.batch.also import Also
from divere_cli.batch.film_data import FilmLog
from divere_cli.image.layout import Header
from divere_cli.isolation.runner import Choice, IsolationRequest, OnEvent, Runner, StartMethod
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding
from divere_cli.records.pictures import Album
from divere_cli.records.report import OptionValue, RunReport
from divere_cli.records.roll import Decisions, Measured

if TYPE_CHECKING:
    from divere_cli.profile.select import Selection

DEVELOP = "divere_cli.develop.scan:develop"
PREPARE = "divere_cli.develop.scan:prepare"


class Chooser(Protocol):
    """Which profile serves a scan, and into which frames it is cut."""

    def choose(self, scan_path: str, header: Header) -> Selection:
        """Raise ``ProfileError`` where no profile can serve."""

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return warnings of entries in presets files that fit no scan."""


class Roll(Protocol):
    """Measures all scans first and decides once; made from the options of ``--auto``.

    Its ``repr`` says all of its options, the same each time: scans that were
    decided under the same ones need not be measured again.
    """

    @property
    def task(self) -> str:
        """Dotted name of the measure task, run as a job whose frames have no targets."""

    @property
    def unasked(self) -> bool:
        """Whether nobody asked for measuring: then what was delivered stands."""

    def parameters(self, name: str) -> str:
        """Return JSON text with what the measure task of a scan has to know; empty for none."""

    def measures(self, recipes: Sequence[Recipe], shipped: bool) -> bool:
        """Return whether scans that are served so are measured at all."""

    def decide(
        self,
        measured: tuple[Measured, ...],
        frozen: Mapping[str, str] | None = None,
        stocks: Mapping[str, str] | None = None,
    ) -> Decisions:
        """Decide all scans at once, what is frozen as before; a bad frame raises nothing.

        ``stocks`` is the film of a scan by its name, where that is known.
        """


@dataclass(frozen=True, slots=True)
class Inputs:
    """Which files are scans.

    ``include`` and ``exclude`` are globs over the name below INPUT or its last
    part; with ``include`` the list of known suffixes does not count.
    ``only`` are the files to take of all that is found: absolute path to size in bytes and
    mtime in nanoseconds; one that is different by now is left out. None takes all.
    ``settle_seconds`` 0 defers nothing. ``pages`` says which pictures of a file of
    several are scans, ``pairs`` whether the JPEG beside a raw file is one, too;
    ``film_edge`` whether the code at the film's edge is read; ``transfer`` is how samples
    relate to light, ``orientation`` what becomes of the file's own tag.
    """

    paths: tuple[str, ...]
    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    settle_seconds: float = 0.0
    max_pixels: int = 2_000_000_000
    pages: Literal["first", "all"] = "all"
    pairs: Literal["raw", "both"] = "raw"
    only: Mapping[str, tuple[int, int]] | None = None
    film_edge: bool = False
    transfer: str = "auto"
    orientation: Literal["auto", "apply", "ignore"] = "auto"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where positives go and what may be replaced.

    ``name`` is the template of the output's stem, empty for the default; ``also`` are
    further outputs of each frame. ``manifest`` lists all with their SHA-256, ``bag``
    makes OUTPUT a BagIt bag with the positives below ``data/``.
    ``wait`` queues up behind another run instead of raising ``OutputLocked``, for
    ``wait_seconds`` at most where that is not None. ``skip_known_failures`` leaves scans
    that failed before and have not changed. ``held``: the caller holds OUTPUT's lock
    already, and keeps it.
    """

    folder: str
    encoding: Encoding
    name: str = ""
    also: tuple[Also, ...] = ()
    manifest: bool = False
    bag: bool = False
    overwrite: bool = False
    force: bool = False
    wait: bool = False
    wait_seconds: float | None = None
    skip_known_failures: bool = False
    held: bool = False

    @property
    def payload(self) -> str:
        """What the names of all outputs begin with."""
        return f"{PAYLOAD}/" if self.bag else ""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """How each output of a frame is written, the main one first."""
        return (self.encoding, *(each.encoding for each in self.also))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the run may use and how much trouble it bears.

    ``jobs`` None takes usable cores and the memory budget into account.
    ``retries`` None is 3 after a crash and 0 after a timeout; a number is both.
    ``memory_budget`` is bytes, or a share (0..1) of what is available.
    ``grace_seconds`` is how long scans in work may go on after a signal.
    """

    jobs: int | None = None
    timeout_seconds: float = 300.0
    retries: int | None = None
    max_failures: int | None = None
    memory_budget: int | float = 0.7
    worker_memory: int | None = None
    grace_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Isolation:
    """How scans are kept apart, as asked for."""

    requested: Choice = "auto"
    start_method: StartMethod | None = None
    sandbox: Choice = "auto"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One report to write: where, what renders it, and whether it is for the owner alone.

    A report that was asked for by its path gets the mode of the umask, so that
    whoever it is for can read it. ``beside`` renders a page whose pictures lie in a
    folder beside it; without it all is in ``render``'s text, which it gives in pieces.
    ``inline``: a page that takes over the pictures of the one that it replaces.
    """

    path: str
    render: Callable[[RunReport], Iterable[str]]
    private: bool = False
    beside: Callable[[RunReport, Album], str] | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a run may do to the process that it runs in; the command line allows all.

    Attributes
    ----------
    signals : bool
        INT, TERM and HUP end the run in order.
    reap : bool
        Orphaned grandchildren are adopted, so that none outlives the run (Linux).
    stopped : callable
        Asked about once a second: True ends the run in order.
    gentle : frozenset of int
        Signals after which no more scans are taken and those in work may end, however
        long they take.
    """

    signals: bool = True
    reap: bool = True
    stopped: Callable[[], bool] = lambda: False
    gentle: frozenset[int] = frozenset()


OpenRunner = Callable[[IsolationRequest, OnEvent], Runner]


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One batch. ``command`` is what the report says was asked, with every option resolved.

    ``task`` is the dotted name of what workers run. ``open_runner`` makes the
    runner; None is this machine's (:func:`divere_cli.isolation.factory.open_runner`).
    ``flat_field`` is the picture of the light that scans are evened out by, or empty.
    ``frames`` is the format of film whose pictures are looked for (``auto``: any); None
    looks for none. ``deskew`` takes off what each of them is turned by.
    """

    inputs: Inputs
    outputs: Outputs
    chooser: Chooser
    bounds: Bounds = Bounds()
    isolation: Isolation = Isolation()
    reports: tuple[ReportFile, ...] = ()
    command: dict[str, OptionValue] = field(default_factory=dict)
    roll: Roll | None = None
    film_log: FilmLog | None = None
    thumbnails: bool = False
    task: str = DEVELOP
    open_runner: OpenRunner | None = None
    host: Host = Host()
    flat_field: str = ""
    frames: str | None = None
    deskew: bool = False
