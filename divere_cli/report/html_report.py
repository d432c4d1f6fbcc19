"""The report as a page: pictures, errors, charts, filters, search, order.

Covers a page that needs nothing from elsewhere: one script and one style, inside and
the same whatever was run; pictures inside or in a folder beside it; a content security
policy that allows nothing else; readable on a phone, light and dark, and without the
script. All text passes :func:`divere_cli.text.safe` and the template's
escaping, so no name can add an element. Not covered: making thumbnails, and the
folder beside the page.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import os
import re
from dataclasses import dataclass
from statistics import median
from urllib.parse import quote

import jinja2

from divere_cli.records.outcome import ErrorRecord, FilmEdge, ScanResult, Thumbnail
from divere_cli.records.pictures import Album, PictureFile
from divere_cli.records.report import OptionValue, RunReport
from divere_cli.records.roll import RollRecord
from divere_cli.report.chart import Chart, Figure, chart
from divere_cli.report.summary import Summary, digits, megapixels, summarize, tally
from divere_cli.text import format_bytes, safe, safe_lines

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_STAGES = ("start", "read", "grade", "write")
_STATUSES = (
    "ok", "failed", "up_to_date", "kept", "known_failure", "deferred", "interrupted"
)  # fmt: skip
_TROUBLE_FIRST = (
    "failed", "interrupted", "known_failure", "deferred", "kept", "ok", "up_to_date"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail as a value for ``src``."""

    kind: str
    caption: str
    width: int
    height: int
    source: str


@dataclass(frozen=True, slots=True)
class Card:
    """One scan; every string is escaped."""

    number: int
    name: str
    status: str
    rank: int
    seconds: float
    memory: int
    word: str
    outputs: tuple[str, ...]
    facts: tuple[str, ...]
    stages: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    error: ErrorRecord | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision for a roll, and its reasons."""

    name: str
    confidence: str
    facts: tuple[str, ...]
    reasons: tuple[str, ...]


def render(report: RunReport, album: Album | None = None) -> str:
    """Return the page.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    album : Album, optional
        The pictures beside the page; if None, the thumbnails are inside it.
    """
    summary = summarize(report)
    elsewhere = len({file.host for file in report.files if file.host}) > 1
    style, script = _source("page.css"), _source("page.js")
    pieces = (
        _environment()
        .get_template("page.html.j2")
        .generate(
            policy=_policy(style, script, "'self' file:" if album else "data:"),
            style=style,
            script=script,
            report=report,
            tally=tally(summary),
            headline=_headline(report, summary),
            figures=_figures(report, summary),
            filters=_filters(summary),
            stages=_stages(summary),
            charts=_charts(report),
            rolls=[_roll(roll) for roll in report.rolls],
            cards=(
                _card(index + 1, file, elsewhere, _pictures(index, file, album))
                for index, file in enumerate(report.files)
            ),
            error=_error(report.error),
            remarks=tuple(safe(text) for text in (report.stopped, *report.warnings) if text),
            options=tuple(_option(key, value) for key, value in report.command.items()),
        )
    )
    page = io.StringIO()
    page.writelines(pieces)  # joining all at once took 1 GB for 100,000 scans
    return page.getvalue()


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("divere_cli", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(style: str, script: str, pictures: str) -> str:
    """Return the policy: only this page's own style, script and pictures are allowed.

    A page opened from a disk may have no origin: then ``file:`` allows its own folder; over a
    network it allows nothing.
    """
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        f"img-src {pictures}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _headline(report: RunReport, summary: Summary) -> str:
    if report.error is not None:
        return "The run was ended early"
    if report.stopped:
        return "The run was stopped"
    if summary.failed:
        return "1 scan failed" if summary.failed == 1 else f"{summary.failed} scans failed"
    return "All is well" if summary.total else "There was nothing to do"


def _figures(report: RunReport, summary: Summary) -> tuple[tuple[str, str], ...]:
    info, parent = report.isolation, report.parent
    threads = f"threads ({safe(info.fallback_reason)})" if info.fallback_reason else "threads"
    how = safe(info.start_method or "process") if info.effective == "process" else threads
    return (
        ("scans", str(summary.total)),
        ("time", _seconds(report.seconds)),
        ("speed", f"{summary.megapixels_per_second:.1f} MP/s"),
        ("peak of a scan", format_bytes(summary.peak_rss_bytes)),
        ("peak of divere itself", format_bytes(parent.peak_rss_bytes)),
        ("at once", f"{info.jobs}, {how}"),
        ("slowest", safe(summary.slowest) or "none"),
    )


def _stages(summary: Summary) -> tuple[tuple[str, str, str, str], ...]:
    """Return mean, median and 95th percentile of each stage over the scans that were graded."""
    return tuple(
        (name, _seconds(each.mean), _seconds(each.p50), _seconds(each.p95))
        for name, each in summary.seconds_by_stage.items()
    )


def _filters(summary: Summary) -> tuple[tuple[str, str, int], ...]:
    counts = tuple((status, getattr(summary, status)) for status in _STATUSES)
    present = tuple((status, status.replace("_", " "), count) for status, count in counts if count)
    return (("all", "all", summary.total), *present)


def _charts(report: RunReport) -> tuple[Chart, ...]:
    worked = [(n, file) for n, file in enumerate(report.files, 1) if file.attempts]
    if not worked:
        return ()
    memory = [
        Figure(n, _label(file, format_bytes(file.peak_rss_bytes)), ((_tone(file), peak),))
        for n, file in worked
        for peak in [file.peak_rss_bytes / 1e6]
    ]
    seconds = [Figure(n, _label(file, _seconds(file.seconds)), _parts(file)) for n, file in worked]
    whose = {file.peak_rss_source for _, file in worked}
    of = "of the whole process" if whose == {"process-wide"} else "of each scan's own process"
    middle = median(figure.total for figure in seconds)
    return (
        chart("Peak memory", of, "MB", memory),
        chart(
            "Time",
            f"median {_seconds(middle)}",
            "s",
            seconds,
            legend=tuple((stage, stage) for stage in (*_STAGES, "other")),
        ),
    )


def _tone(file: ScanResult) -> str:
    return "bad" if file.error is not None else "good"


def _parts(file: ScanResult) -> tuple[tuple[str, float], ...]:
    """Return the stages of one scan; overlapped stages are scaled to its wall clock."""
    stages = [(stage, max(getattr(file.seconds_by_stage, stage), 0.0)) for stage in _STAGES]
    measured = sum(value for _, value in stages)
    if measured <= 0 or measured > file.seconds:
        scale = file.seconds / measured if measured > 0 else 0.0
        stages = [(stage, value * scale) for stage, value in stages]
        measured = measured * scale
    return (*stages, ("other", max(file.seconds - measured, 0.0)))


def _label(file: ScanResult, figure: str) -> str:
    return f"{safe(file.input)}: {figure}"


def _film(edge: FilmEdge) -> str:
    """Return the film and its frames, from the code at the film's edge."""
    frames = f", frames {', '.join(edge.frames)}" if edge.frames else ""
    return safe(f"{edge.film or f'film DX {edge.dx}'}{frames}")


def _card(number: int, file: ScanResult, elsewhere: bool, pictures: tuple[Picture, ...]) -> Card:
    facts = [safe(file.profile.name)] if file.profile else []
    if file.width:
        facts.append(f"{file.width} × {file.height}, {digits(megapixels(file))} MP")
    if file.film_edge is not None:
        facts.append(_film(file.film_edge))
    if file.seconds:
        facts.append(_seconds(file.seconds))
    if file.peak_rss_bytes:
        least = "at least " if file.peak_rss_source == "vmhwm>=" else ""
        facts.append(f"{least}{format_bytes(file.peak_rss_bytes)}")
    if file.attempts > 1:
        facts.append(f"{file.attempts} attempts")
    if file.host and elsewhere:
        facts.append(f"on {safe(file.host)}")
    seconds = [(stage, getattr(file.seconds_by_stage, stage)) for stage in _STAGES]
    return Card(
        number=number,
        name=safe(file.input),
        status=file.status,
        rank=_TROUBLE_FIRST.index(file.status),
        seconds=round(file.seconds, 3),
        memory=file.peak_rss_bytes,
        word=file.status.replace("_", " "),
        outputs=tuple(safe(name) for name in file.outputs),
        facts=tuple(facts),
        stages=tuple((stage, _seconds(value)) for stage, value in seconds if value > 0),
        pictures=pictures,
        error=_error(file.error),
        warnings=tuple(safe(text) for text in file.warnings),
        notes=tuple(safe(text) for text in file.notes),
    )


def _roll(roll: RollRecord) -> Decided:
    base = f"film base {_triple(roll.film_base)}" if roll.film_base else "no film base seen"
    facts = (
        f"{len(roll.frames)} frames" if len(roll.frames) != 1 else "1 frame",
        f"gains {_triple(roll.rgb_gains)}",
        f"exposure {roll.exposure:+.3f}",
        base,
        safe(roll.profile),
    )
    return Decided(safe(roll.name), roll.confidence, facts, tuple(map(safe, roll.reasons)))


def _triple(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:+.3f}" for value in values)


def _pictures(index: int, file: ScanResult, album: Album | None) -> tuple[Picture, ...]:
    if album is not None:
        folder = quote(os.fsencode(album.folder), safe="")
        beside = album.pictures.get(index, ())
        return tuple(_picture(each, f"{folder}/{each.file}") for each in beside)
    return tuple(
        _picture(each, f"data:image/jpeg;base64,{each.jpeg}")
        for each in file.thumbnails
        if _BASE64.fullmatch(each.jpeg)
    )


def _picture(picture: Thumbnail | PictureFile, source: str) -> Picture:
    kind = "positive" if picture.of else "negative"
    return Picture(kind, safe(picture.of) or "scan", picture.width, picture.height, source)


def _error(error: ErrorRecord | None) -> ErrorRecord | None:
    if error is None:
        return None
    return ErrorRecord(
        safe(error.kind), safe(error.message), safe(error.hint), safe_lines(error.detail)
    )


def _option(key: str, value: OptionValue) -> tuple[str, str]:
    text = ", ".join(value) if isinstance(value, tuple | list) else str(value)
    return safe(key.replace("_", "-")), safe(text)


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, last = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {last} s"
