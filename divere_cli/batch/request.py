"""The request of a batch: one frozen record, built by ``cli`` and read by all of ``batch``.

Covers inputs, outputs, limits, isolation, reports and the interfaces to other rooms (choice
of a profile, measuring of a roll). Defaults that depend on the machine, and the options of
the command line, are elsewhere.
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
    from divere_cli.batch.film_presets import FilmPresets
    from divere_cli.profile.select import Selection

DEVELOP = "divere_cli.develop.scan:develop"
PREPARE = "divere_cli.develop.scan:prepare"


class Chooser(Protocol):
    """Chooses the profile of a scan, and the frames that it is cut into."""

    def choose(self, scan_path: str, header: Header) -> Selection:
        """Return the selection for a scan; raise ``ProfileError`` if no profile can be used."""

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return warnings of entries in presets files that fit no scan."""


class Roll(Protocol):
    """Measures all scans first and decides once; made from the options of ``--auto``.

    Its ``repr`` contains all of its options and is stable: scans that were decided
    with the same options need not be measured again.
    """

    @property
    def task(self) -> str:
        """Dotted name of the measure task, run as a job whose frames have no targets."""

    @property
    def unasked(self) -> bool:
        """Whether measuring is only the default; then positives of earlier versions stay valid."""

    def parameters(self, name: str) -> str:
        """Return the parameters of a scan's measure task as JSON; empty for none."""

    def measures(self, recipes: Sequence[Recipe], shipped: bool) -> bool:
        """Return whether scans with these recipes are measured at all."""

    def decide(
        self,
        measured: tuple[Measured, ...],
        frozen: Mapping[str, str] | None = None,
        stocks: Mapping[str, str] | None = None,
    ) -> Decisions:
        """Decide all scans at once, frozen ones as before; a bad frame raises no error.

        ``stocks`` has the film stock of scans by name, where it is known.
        """


@dataclass(frozen=True, slots=True)
class Inputs:
    """Settings that select the scans.

    ``include`` and ``exclude`` are globs over the name below INPUT or its last
    part; with ``include`` the list of known suffixes is ignored.
    ``only`` restricts the found files: absolute path to size in bytes and mtime in
    nanoseconds; a file that has changed since is left out. None takes all files.
    ``settle_seconds`` 0 defers nothing. ``pages`` selects the pictures of a file with
    several, ``pairs`` whether the JPEG beside a raw file is a scan, too; ``film_edge`` is
    whether the code at the edge of the film is read; ``transfer`` is how samples relate to
    light, ``orientation`` whether the file's orientation tag is applied.
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
    """Settings of the outputs: folder, names, formats, and what may be replaced.

    ``name`` is the template of the output's stem, empty for the default; ``also`` are
    further outputs of each frame. ``manifest`` writes a list of all with their SHA-256,
    ``bag`` makes OUTPUT a BagIt bag with the positives below ``data/``.
    ``wait`` waits for another run instead of raising ``OutputLocked``, at most
    ``wait_seconds`` unless that is None. ``skip_known_failures`` skips scans that failed
    before and have not changed. ``lock_held``: the caller already holds the lock of OUTPUT,
    and keeps it.
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
    lock_held: bool = False

    @property
    def payload(self) -> str:
        """Prefix of the names of all outputs."""
        return f"{PAYLOAD}/" if self.bag else ""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """Encoding of each output of a frame, the main one first."""
        return (self.encoding, *(each.encoding for each in self.also))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the run: resources, retries, failures.

    ``jobs`` None means: chosen from usable cores and the memory budget.
    ``retries`` None means 3 after a crash and 0 after a timeout; a number sets both.
    ``memory_budget`` is in bytes, or a share (0..1) of the available memory.
    ``grace_seconds`` is how long running scans may continue after a signal.
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
    """Requested isolation of the scans."""

    requested: Choice = "auto"
    start_method: StartMethod | None = None
    sandbox: Choice = "auto"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One report to write: path, renderer, and whether only the user may read it.

    A report requested by its path gets the mode of the umask, so that its readers can
    open it. ``beside`` renders a page whose pictures are in a folder beside it; without
    it, ``render`` yields the whole text in pieces. ``inline``: the page takes over the
    pictures of the page that it replaces.
    """

    path: str
    render: Callable[[RunReport], Iterable[str]]
    private: bool = False
    beside: Callable[[RunReport, Album], str] | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a run may do to the process that embeds it; the command line allows everything.

    Attributes
    ----------
    signals : bool
        INT, TERM and HUP stop the run in an orderly way.
    reap : bool
        Orphaned grandchildren are adopted, so that none outlives the run (Linux).
    stopped : callable
        Called about once a second; True stops the run in an orderly way.
    gentle : frozenset of int
        Signals after which no more scans are started and running ones may finish, however
        long they take.
    """

    signals: bool = True
    reap: bool = True
    stopped: Callable[[], bool] = lambda: False
    gentle: frozenset[int] = frozenset()


OpenRunner = Callable[[IsolationRequest, OnEvent], Runner]


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One batch. ``command`` has the options for the report, with every default resolved.

    ``task`` is the dotted name of the task that workers run. ``open_runner`` makes the
    runner; None uses :func:`divere_cli.isolation.factory.open_runner`. ``flat_field`` is
    the path of a picture of the light, used to even out the scans, or empty. ``frames`` is
    the film format whose frames are searched (``auto``: any); None disables the search.
    ``deskew`` levels each frame that was found. ``film_presets`` is the chooser, or the one that it
    wraps, where presets are chosen by film (``-p FOLDER``): it has to learn the films first.
    """

    inputs: Inputs
    outputs: Outputs
    chooser: Chooser
    bounds: Bounds = Bounds()
    isolation: Isolation = Isolation()
    reports: tuple[ReportFile, ...] = ()
    command: dict[str, OptionValue] = field(default_factory=dict)
    roll: Roll | None = None
    film_presets: FilmPresets | None = None
    film_log: FilmLog | None = None
    thumbnails: bool = False
    task: str = DEVELOP
    open_runner: OpenRunner | None = None
    host: Host = Host()
    flat_field: str = ""
    frames: str | None = None
    deskew: bool = False
