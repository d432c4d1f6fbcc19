"""One line per scan, for pipes, log files and cron: no control codes, whatever the names.

Covers a line on stdout for each scan with a result, one on stderr for each failure, warning
and hint, and the last line of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from divere_cli.batch.staleness import EARLIER_GRADE
from divere_cli.cli.console import Console
from divere_cli.records.events import Event, RunStarted, RunStopping, ScanFinished
from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import PlannedScan, RunReport
from divere_cli.report.summary import digits, megapixels, seconds_by_stage, summarize, tally
from divere_cli.text import format_bytes, quote, safe

_WORDS = {"up_to_date": "up to date", "known_failure": "known failure"}
_PLANNED = {
    "grade": "to grade",
    "up_to_date": "up to date",
    "kept": "kept",
    "known_failure": "known failure",
    "deferred": "deferred",
    "fail": "will fail",
}

_MOST_NOTES = 12
_MOST_NAMES = 3


class Lines:
    """Prints each scan when its result is known.

    Parameters
    ----------
    say : Say
        Prints the lines.
    scans : bool
        Whether scans that did not fail get a line (off with a live display, ``-q``, ``--json``).
    failures : bool
        Whether those that failed get one on stderr (off where the log goes there, which has it).
    """

    def __init__(self, console: Console, scans: bool, failures: bool = True) -> None:
        self._console = console
        self._scans = scans
        self._failures = failures

    def handle(self, event: Event) -> None:
        """Print the lines for one event."""
        if isinstance(event, ScanFinished):
            self._scan(event.result)
        elif isinstance(event, RunStarted) and self._scans and event.measuring:
            self._console.message("", event.measuring)
        elif isinstance(event, RunStopping):
            self._console.message(
                "warning", f"stopping: {event.reason}; {event.running} still in progress"
            )

    def _scan(self, file: ScanResult) -> None:
        if file.error is not None and file.status == "failed":
            error = f"{quote(file.input)}: {file.error.kind}: {safe(file.error.message)}"
            if self._failures:
                self._console.message("error", error)
        elif self._scans:
            self._console.result(scan_line(file))
        for warning in file.warnings:
            self._console.message("warning", f"{quote(file.input)}: {safe(warning)}")


def scan_line(file: ScanResult) -> str:
    """Return the line for a scan that did not fail.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    word = _WORDS.get(file.status, file.status)
    line = f"{word}: {quote(file.input)}"
    if file.error is not None:
        return f"{line}: {file.error.kind}: {safe(file.error.message)}"
    if file.status != "ok":
        return line
    outputs = ", ".join(quote(name) for name in file.outputs)
    profile = f"by {safe(file.profile.name)}" if file.profile else ""
    size = f"{digits(megapixels(file))} MP" if file.width else ""
    peak = format_bytes(file.peak_rss_bytes) if file.peak_rss_bytes else ""
    facts = ", ".join(fact for fact in (profile, size, f"{file.seconds:.2f} s", peak) if fact)
    notes = "".join(f"; {safe(note)}" for note in file.notes)
    return f"{line} -> {outputs} ({facts}){notes}"


def any_line(file: ScanResult) -> str:
    """Return the line for a scan, failed or not.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    if file.error is None:
        return scan_line(file)
    return f"{file.status}: {quote(file.input)}: {file.error.kind}: {safe(file.error.message)}"


def plan_line(scan: PlannedScan) -> str:
    """Return what ``--dry-run`` prints for one scan.

    Parameters
    ----------
    scan : PlannedScan
        The scan as planned.
    """
    line = f"{_PLANNED[scan.action]}: {quote(scan.input)}"
    if scan.error is not None:
        return f"{line}: {scan.error.kind}: {safe(scan.error.message)}"
    if scan.action != "grade":
        return line
    outputs = ", ".join(quote(name) for name in scan.outputs)
    profile = f" ({safe(scan.profile.name)})" if scan.profile else ""
    return f"{line} -> {outputs}{profile}"


def plan_summary(planned: tuple[PlannedScan, ...]) -> str:
    """Return the last line of a dry run.

    Parameters
    ----------
    planned : tuple of PlannedScan
        All scans.
    """
    counts = Counter(_PLANNED[scan.action] for scan in planned)
    listed = ", ".join(f"{count} {word}" for word, count in counts.items()) or "0 files"
    return f"{listed}; nothing was written"


def hints(report: RunReport) -> list[str]:
    """Return each hint of the run once, with the kind of error that it belongs to.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    errors = [report.error, *(file.error for file in report.files)]
    unique = {(e.kind, e.hint): None for e in errors if e is not None and e.hint}
    return [f"{kind}: {hint}" for kind, hint in unique]


def note_lines(report: RunReport) -> list[str]:
    """Return each note of the run once, with the scans that it belongs to.

    For a terminal, whose table has no room for what was assumed or left out of a scan.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    scans: dict[str, list[str]] = {}
    decided = tuple({frame.reason for roll in report.rolls for frame in roll.frames} - {""})
    for file in report.files:
        for note in file.notes if file.status == "ok" else ():
            of_roll = report.rolls and note.startswith(("roll ", "low confidence"))
            if not of_roll and not note.endswith(decided):  # rolls have lines of their own
                scans.setdefault(note, []).append(file.input)
    lines = [f"{safe(note)}: {_named(names)}" for note, names in scans.items()]
    more = len(lines) - _MOST_NOTES
    return [*lines[:_MOST_NOTES], f"{more} more notes, in the report"] if more > 1 else lines


def _named(names: list[str]) -> str:
    """Return up to three names, and how many more there are."""
    listed, more = ", ".join(quote(name) for name in names[:_MOST_NAMES]), len(names) - _MOST_NAMES
    return f"{listed} and {more} more" if more > 0 else listed


def stages_lines(report: RunReport) -> list[str]:
    """Return the time of each stage, for ``-v``; empty if no scan was graded.

    First the sum over all scans by stage, then mean, median and 95th percentile of each.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    stages = seconds_by_stage(report)
    total = sum(stages.values())
    if not total:
        return []
    shares = (f"{name} {value:.2f} s ({value / total:.0%})" for name, value in stages.items())
    figures = [
        f"{name} {each.mean:.3f}/{each.p50:.3f}/{each.p95:.3f}"
        for name, each in summarize(report).seconds_by_stage.items()
    ]
    spread = [f"mean/median/95 % of a scan: {', '.join(figures)} s"] if figures else []
    return [", ".join(shares), *spread]


def roll_lines(report: RunReport) -> list[str]:
    """Return the confidence of each measured roll, and what to do about it.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    lines = []
    for roll in report.rolls:
        name, count = quote(roll.name), len(roll.frames)
        line = f"roll {name}: {count} frame{'s' if count > 1 else ''}, {roll.confidence} confidence"
        if roll.stay:
            line += f", as decided before for {_names(roll.stay)}"
        if roll.confidence == "low":
            why = roll.reasons[0] if roll.reasons else "nothing could be measured"
            lines.append(f"{line} ({safe(why)}): look at it, then {_CURE}")
        else:
            lines.append(f"{line}; {_ANEW if roll.stay else _KEEP}")
    return lines


def _names(names: Sequence[str]) -> str:
    """Return names for one line: the first few, and how many more there are."""
    listed = ", ".join(quote(name) for name in names[:_NAMES])
    more = len(names) - _NAMES
    return f"{listed} and {more} more" if more > 0 else listed


_NAMES = 5


_CURE = (
    "correct a frame in DiVERE or by `divere review`, scan the rebate with the pictures, name a "
    "frame of a gray card by --gray-frame, or keep a good decision with `divere analyze -o FILE` "
    "and --from FILE"
)
_ANEW = "'--auto roll --force' would decide all of them again, and may change those"
_KEEP = "`divere analyze -o FILE` saves it, --auto off leaves the profile as it is"


def last_line(report: RunReport) -> str:
    """Return ``41 ok, 2 failed; 1 incident; report out/divere-report.json; exit 3``.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    parts = [tally(summarize(report))]
    earlier = sum(EARLIER_GRADE in file.notes for file in report.files)
    if earlier:
        parts.append(f"{earlier} by an earlier version of the grade (--force grades them again)")
    if report.orphans:
        parts.append(f"{report.orphans} positives whose scans no longer exist (see `divere prune`)")
    if count := len(report.incidents):
        parts.append(f"{count} incident{'s' if count > 1 else ''}")
    if report.saved:
        parts.append(f"report {', '.join(safe(path) for path in report.saved)}")
    return "; ".join([*parts, f"exit {report.exit_code}"])
