"""A finished run to render, with whatever names a test wants."""

from __future__ import annotations

import os

from divere_cli.records.grade import ProfileRef
from divere_cli.records.outcome import (
    Clipped,
    ErrorRecord,
    FilmEdge,
    IsolationInfo,
    Pages,
    Quality,
    Repaired,
    ScanResult,
    Stages,
    Thumbnail,
)
from divere_cli.records.report import ParentInfo, RunReport
from divere_cli.records.roll import RollFrame, RollRecord

# The names of RELIABILITY cases 66-70: each may be the name of a scan.
HOSTILE = (
    "--help.tif",
    "new\nline\rreturn\ttab.tif",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07.tif",
    "c1 \x9b31m.tif",
    "bidi \u202efit.exe\u2066.tif",
    os.fsdecode(b"latin \xff\xe9.tif"),
    "[/red].tif",
    "[link=http://example.org]x[/link] :smile:.tif",
    "<img src=x onerror=alert(1)>.tif",
    "\"><script>alert(1)</script><b a='.tif",
    "{{ 7*7 }}{% raw %}.tif",
    "=cmd|' /C calc'!A0.tif",
    "\t=1+1.tif",
    "@SUM(A1).tif",
    "]]>&amp;<!--.tif",
    "nul \x00 \ufffe \uffff.tif",
    "n" * 251 + ".tif",
)

PLAIN = tuple(f"scan {number}.tif" for number in range(len(HOSTILE)))

JPEG = "/9j/4AAQSkZJRgABAQ=="


def run_report(names: tuple[str, ...] = PLAIN) -> RunReport:
    """Return a run over ``names`` with every status, error and figure in turn."""
    files = tuple(_file(place, name) for place, name in enumerate(names))
    return RunReport(
        version="0.1.0",
        started="2026-01-02T03:04:05Z",
        seconds=12.5,
        exit_code=3,
        output="/out/" + names[0],
        command={"inputs": ("/in/" + names[0],), "profile": names[-1], "quality": 95},
        isolation=IsolationInfo("auto", "process", "forkserver", 2),
        parent=ParentInfo(4711, 30_000_000, 31_000_000, 32_000_000),
        files=files,
        warnings=(f"something about {names[0]}",),
        rolls=(_roll(names),),
    )


def _roll(names: tuple[str, ...]) -> RollRecord:
    frames = tuple(RollFrame(name, crop_name=name, reason=f"because of {name}") for name in names)
    return RollRecord(
        name=names[0],
        profile=names[-1],
        mode="roll",
        rgb_gains=(0.1, -0.2, 0.0),
        exposure=0.05,
        film_base=(0.2, 0.4, 0.6),
        confidence="low",
        reasons=tuple(f"it was {name}" for name in names),
        frames=frames,
    )


def _file(place: int, name: str) -> ScanResult:
    kinds = ("ok", "failed", "up_to_date", "deferred", "interrupted", "crashed")
    kind = kinds[place % len(kinds)]
    if kind in ("up_to_date", "deferred"):
        return ScanResult(input=name, outputs=(name,), status=kind)  # type: ignore[arg-type]
    if kind == "interrupted":
        return ScanResult(input=name, status="interrupted", attempts=1)
    done = ScanResult(
        input=name,
        outputs=(name + ".jpg",),
        profile=ProfileRef(name, "ab" * 32),
        width=6000,
        height=4000,
        attempts=1,
        worker_pid=100 + place,
        seconds=1.0 + place,
        seconds_by_stage=Stages(0.1, 0.2, 0.3 + place, 0.4),
        peak_rss_bytes=(100 + place) * 10**6,
        peak_rss_source="vmhwm",
        warnings=(f"a warning with {name}",),
        thumbnails=(Thumbnail("", 192, 128, JPEG), Thumbnail(name + ".jpg", 192, 128, JPEG)),
        pages=Pages(2, 3, 4),
        repaired=0.004,
        film_edge=FilmEdge("115-4", None, ("12", "12A")),
        repair=Repaired(0.004, 1200, 310, 20, (1.2, -0.4)),
        input_transfer="srgb",
        orientation="6 applied",
        quality=Quality((0.4, 0.7, 0.9), (1.2, 1.6, 1.9), (0.01, 0.01, 0.02)),
        clipped=Clipped((0.012, 0.0, 0.0), (0.0, 0.0, 0.0)),
    )
    if kind == "ok":
        return done
    error = ErrorRecord(
        "crashed" if kind == "crashed" else "corrupt_input",
        f"something is wrong in {name}",
        f"do something with {name}",
        f"Traceback of {name}\n  line 2\x1b[0m",
    )
    return ScanResult(
        input=name, status="failed", error=error, attempts=1, seconds=0.5, peak_rss_bytes=10**7
    )
