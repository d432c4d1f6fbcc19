"""The tree of all errors.

Covers every way in which a run or a scan can fail, with the word
for the report, the hint for the user and the exit code. Not covered:
catching; foreign errors (OSError, imagecodecs, OpenColorIO) are turned into
these where they arise, in the room that owns the library.

::

    DivereError                      kind        exit
    ├── RunError                     ends the run
    │   ├── UsageError               usage        2
    │   ├── PlanError                plan         2
    │   ├── InputMissing             input       10
    │   ├── OutputLocked             locked      11
    │   ├── OutputUnusable           output      12
    │   ├── NoSpaceLeft              no_space    13
    │   ├── JournalFailed            journal     14
    │   ├── IsolationUnavailable     isolation   15
    │   └── ClusterFailed            cluster     16
    └── ScanError                    fails one scan, the others go on: 3
        ├── Unreadable               unreadable
        ├── Unsupported              unsupported
        ├── CorruptInput             corrupt_input
        ├── InputChanged             input_changed
        ├── LimitExceeded            limit_exceeded
        ├── ProfileError             profile      2 while planning
        ├── OutputExists             output_exists
        ├── OutputError              output_error
        ├── NoSpace                  no_space     ends the run with 13
        ├── Crashed                  crashed
        ├── TimedOut                 timeout
        ├── OutOfMemory              out_of_memory
        └── Internal                 internal
"""

from __future__ import annotations

from typing import ClassVar


class DivereError(Exception):
    """Base of all errors that divere raises on purpose.

    Parameters
    ----------
    message : str
        One line: what happened, where, and why. Names in it are raw; ``cli`` and
        ``report`` escape them.
    hint : str, optional
        What the user can do; the class's own hint when absent.
    detail : str, optional
        For an engineer: a traceback, the tail of a worker's stderr.
    """

    kind: ClassVar[str] = "internal"
    scan_kind: ClassVar[str] = ""  # of a scan that meets this error; empty: the same word
    default_hint: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.detail))


def _rebuild(cls: type[DivereError], message: str, hint: str, detail: str) -> DivereError:
    return cls(message, hint=hint, detail=detail)


class RunError(DivereError):
    """Ends the whole run, with ``exit_code``."""


class UsageError(RunError):
    """An option, an argument or a settings file is invalid."""

    kind = "usage"
    exit_code = 2


class PlanError(RunError):
    """Two outputs have one name, or an output is in the way of an input; nothing was written."""

    kind = "plan"
    exit_code = 2


class InputMissing(RunError):
    """An INPUT does not exist or cannot be read."""

    kind = "input"
    exit_code = 10


class OutputLocked(RunError):
    """Another run is using OUTPUT."""

    kind = "locked"
    default_hint = "wait for the other run to end, or use --lock-wait SECONDS or --wait"
    exit_code = 11


class OutputUnusable(RunError):
    """OUTPUT cannot be created, is not a folder, or cannot be written to."""

    kind = "output"
    exit_code = 12


class NoSpaceLeft(RunError):
    """The output device is full. The run stops in order; complete positives stay."""

    kind = "no_space"
    default_hint = "free some space and run the same command again: it goes on where it stopped"
    exit_code = 13


class JournalFailed(RunError):
    """The journal, the report or the output device fails. Complete positives stay."""

    kind = "journal"
    scan_kind = "output_error"
    exit_code = 14


class IsolationUnavailable(RunError):
    """``--isolation always`` or ``--sandbox always`` is not possible here; no scan was touched."""

    kind = "isolation"
    default_hint = "run `divere doctor`, or use --isolation auto"
    exit_code = 15


class ClusterFailed(RunError):
    """The Dask cluster cannot be used, or the connection is lost. Complete positives stay."""

    kind = "cluster"
    default_hint = "check the scheduler and its workers, then run the same command again"
    exit_code = 16


class ScanError(DivereError):
    """One scan fails; the others go on."""

    exit_code = 3


class Unreadable(ScanError):
    """The file cannot be opened or read: permissions, a vanished file, a device error."""

    kind = "unreadable"
    default_hint = "check that the file exists and that you may read it"


class Unsupported(ScanError):
    """A valid file of a kind that divere does not grade."""

    kind = "unsupported"
    default_hint = "save it as a 16-bit RGB TIFF and try again"


class CorruptInput(ScanError):
    """A damaged or truncated file."""

    kind = "corrupt_input"
    default_hint = "copy or scan the file again"


class InputChanged(ScanError):
    """The file changed while it was read."""

    kind = "input_changed"
    default_hint = "run again when the scanner is done, or use --settle"


class LimitExceeded(ScanError):
    """The file is larger than a limit allows."""

    kind = "limit_exceeded"
    default_hint = "raise --max-pixels if the file is meant to be that large"


class ProfileError(ScanError):
    """A preset that cannot be used. While planning it ends the run with 2."""

    kind = "profile"
    default_hint = "check it with `divere profiles validate`"
    exit_code = 2


class OutputExists(ScanError):
    """A file that divere did not write has the name of an output."""

    kind = "output_exists"
    default_hint = "move it away, or use --overwrite"


class OutputError(ScanError):
    """A positive could not be written, or differs from what the worker reported."""

    kind = "output_error"


class NoSpace(ScanError):
    """The device was full while a positive was written."""

    kind = "no_space"
    default_hint = NoSpaceLeft.default_hint
    exit_code = 13


class Crashed(ScanError):
    """The worker died without a result."""

    kind = "crashed"
    default_hint = "the file may be damaged; the other scans are not affected"


class TimedOut(ScanError):
    """The worker took longer than --timeout."""

    kind = "timeout"
    default_hint = "raise --timeout if the scan is meant to take that long"


class OutOfMemory(ScanError):
    """The worker reached its memory limit, or that of the system."""

    kind = "out_of_memory"
    default_hint = "use fewer --jobs or raise --worker-memory"


class Internal(ScanError):
    """A bug in divere, met by one scan."""

    kind = "internal"
    default_hint = "please report it, with the detail from the report"
