"""What a fresh process for each scan costs: its start, files a second, memory over hundreds.

``python -m bench.isolation`` writes its table into docs/isolation.md. Runners are
asked directly, so that planning, publishing and reports are not in the figures.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.timing import Row, machine
from divere_cli.batch.request import PREPARE
from divere_cli.isolation.factory import open_runner
from divere_cli.isolation.runner import Choice, IsolationRequest, Progress, Runner
from divere_cli.isolation.task import WARM
from divere_cli.profile import library, resolve
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding, Frame, Job, Limits, Stamp, Target, WarmUp
from divere_cli.records.outcome import Outcome, TaskResult
from divere_cli.system.memory import usage

PAGE = Path(__file__).parents[1] / "docs" / "isolation.md"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
MIB = 1 << 20


def nothing(job: Job, progress: Progress) -> TaskResult:
    """A task that costs nothing."""
    return TaskResult()


def nap(job: Job, progress: Progress) -> TaskResult:
    """A task during which a spare can boot."""
    time.sleep(1.0)
    return TaskResult()


def repeat(job: Job, progress: Progress) -> TaskResult:
    """Grade one scan as often as the job's name says: a process that is used again."""
    from divere_cli.develop.scan import develop

    for _ in range(int(job.name)):
        result = develop(job, progress)
    return result


def counted(job: Job, progress: Progress) -> TaskResult:
    """Like :func:`repeat`; notes the page faults before the task, of its first scan, of later ones.

    And the CPU seconds, in the same order.
    """
    from divere_cli.develop.scan import develop

    times = int(job.name)
    faults, spent = [_faults()], [time.process_time()]
    for number in range(times):
        result = develop(job, progress)
        if number in (0, times - 1):
            faults.append(_faults())
            spent.append(time.process_time())
    later = times - 1
    figures = [
        each
        for marks in (faults, spent)
        for each in (marks[0], marks[1] - marks[0], (marks[2] - marks[1]) / later)
    ]
    return replace(result, notes=(json.dumps(figures),))


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def make_scan(folder: Path, megapixels: float) -> Path:
    """An uncompressed 16-bit negative."""
    import numpy as np
    import tifffile

    path = folder / f"{megapixels:g}.tif"
    if not path.exists():
        height = round((megapixels * 1e6 / 1.5) ** 0.5)
        shape = (height, round(height * 1.5), 3)
        pixels = np.random.default_rng(3).integers(4000, 50000, shape, dtype=np.uint16)
        tifffile.imwrite(path, pixels, photometric="rgb")
    return path


@functools.cache
def recipe() -> Recipe:
    return resolve.recipe(library.load(library.names()[0]))


@functools.cache
def encoding() -> Encoding:
    return Encoding("tiff", 16, library.output_space("KodakEnduraPremier_gamma_2_2"))


def make_job(scan: Path, number: int, task: str = "divere_cli.develop.scan:develop") -> Job:
    """Grade ``scan`` with a shipped profile to a temporary file."""
    status = scan.stat()
    temp = scan.with_name(f".divere-tmp-bench-{number}")
    temp.touch()
    return Job(
        id=number,
        name=scan.name,
        input=str(scan),
        stamp=Stamp(
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino
        ),
        encoding=encoding(),
        frames=(Frame(Target("out.tif", str(scan.with_name("out.tif")), str(temp)), recipe()),),
        task=task,
    )


def warm_up() -> WarmUp:
    """The grade of :func:`make_job`, compiled ahead as a batch has it done."""
    return WarmUp(PREPARE, recipe(), encoding(), channels=3, bits=16, sample="uint")


def opened(kind: str, jobs: int, spares: int | None = None, sandbox: Choice = "auto") -> Runner:
    """A runner of a start method, or of threads."""
    if kind == "never":
        return open_runner(IsolationRequest("never", jobs=jobs), lambda event: None)
    request = IsolationRequest(
        "always",
        kind,  # type: ignore[arg-type]
        jobs=jobs,
        spares=spares,
        warm_ups=(warm_up(),),
        sandbox=sandbox,
    )
    return open_runner(request, lambda event: None, warm=(*WARM, "bench.isolation"))


def run(runner: Runner, jobs: Iterable[Job]) -> list[Outcome]:
    """All jobs to their ends; anything but a result stops the benchmark."""
    done: list[Outcome] = []
    for job in jobs:
        while not runner.slots():
            done += runner.wait()
        runner.start(job, Limits())
    while ended := runner.wait():
        done += ended
    for outcome in done:
        if outcome.end != "result":
            raise SystemExit(f"{outcome.end}: {outcome.error}")
    return done


def start_rows(scan: Path, quick: bool) -> list[Row]:
    """From taking a scan to the first line of its task."""
    found = []
    for kind, count in (("forkserver", 60), ("spawn", 12), ("fork", 60)):
        job = make_job(scan, 1, "bench.isolation:nothing")
        runner = opened(kind, jobs=1, spares=0)
        booted = [run(runner, [job])[0].boot_seconds for _ in range(count // (4 if quick else 1))]
        runner.close()
        median = statistics.median(booted[1:]) * 1000
        target, met = ("at most 15 ms", median <= 15) if kind == "forkserver" else ("", None)
        found.append(Row(f"start of a worker, `{kind}`", target, f"{median:.1f} ms", met))
    job = make_job(scan, 1, "bench.isolation:nap")
    for kind in ("forkserver", "spawn"):
        runner = opened(kind, jobs=1, spares=1)
        taken = [run(runner, [replace(job)])[0].boot_seconds for _ in range(3 if quick else 8)]
        runner.close()
        median, least = statistics.median(taken[1:]) * 1000, min(taken[1:]) * 1000
        note = f"started while the scan before was graded; least {least:.2f} ms"
        what = f"a ready spare, `{kind}`"
        found.append(Row(what, "below 1 ms", f"{median:.2f} ms", median < 1, note))
    return found


def cost_rows(scan: Path) -> list[Row]:
    """Where the cost of a fresh process comes from: page faults and CPU time of one scan."""
    job = make_job(scan, 1, "bench.isolation:counted")
    runner = opened("forkserver", jobs=1)
    done = run(runner, (replace(job, id=number, name="6") for number in range(12)))
    runner.close()
    notes = [json.loads(outcome.result.notes[-1]) for outcome in done if outcome.result]
    before, first, later, *spent = (
        statistics.median(column) for column in zip(*notes, strict=True)
    )
    cpu = [f"{seconds * 1000:.1f} ms" for seconds in spent]
    return [
        Row(
            f"a scan of {scan.stem} megapixels, first in its process",
            "",
            f"{before + first:.0f} page faults",
            None,
            f"{before:.0f} before its task ({cpu[0]} of CPU time), {first:.0f} in it ({cpu[1]})",
        ),
        Row(
            f"a scan of {scan.stem} megapixels, later in its process",
            "",
            f"{later:.0f} page faults",
            None,
            f"{cpu[2]} of CPU time",
        ),
    ]


def sandbox_row(scan: Path, count: int) -> Row:
    """CPU time of a worker that does nothing, confined and not, in turn."""
    job = make_job(scan, 1, "bench.isolation:nothing")
    found: dict[Choice, list[float]] = {"always": [], "never": []}
    runners = {mode: opened("forkserver", jobs=1, spares=0, sandbox=mode) for mode in found}
    for _ in range(count):
        for mode, runner in runners.items():
            found[mode].append(run(runner, [job])[0].cpu_seconds * 1000)
    for runner in runners.values():
        runner.close()
    confined, free = (statistics.median(found[mode][1:]) for mode in ("always", "never"))
    note = f"{confined:.2f} ms of CPU time, {free:.2f} without"
    more = confined - free
    return Row(
        "cost of the sandbox for a worker", "at most 1.5 ms", f"{more:.2f} ms", more <= 1.5, note
    )


def throughput_row(scan: Path, count: int, repeats: int, allowed: float) -> Row:
    """Fresh processes against two that are used again, in turn."""
    fresh: list[float] = []
    reused: list[float] = []
    runner = opened("forkserver", jobs=2)
    for _ in range(repeats):
        begin = time.perf_counter()
        run(runner, (make_job(scan, number) for number in range(count)))
        middle = time.perf_counter()
        repeated = (make_job(scan, number, "bench.isolation:repeat") for number in range(2))
        run(runner, (replace(job, name=str(count // 2)) for job in repeated))
        fresh.append(middle - begin)
        reused.append(time.perf_counter() - middle)
    runner.close()
    cost = statistics.median(a / b for a, b in zip(fresh, reused, strict=True)) - 1
    rate = count / statistics.median(fresh)
    return Row(
        f"cost of a fresh process for each scan of {scan.stem} megapixels",
        f"at most {allowed:.0%} of throughput",
        f"{max(0.0, cost):.1%}",
        cost <= allowed,
        f"{rate:.1f} scans a second, two at once, {count} scans, {repeats} times in turn",
    )


def flat(kind: str, task: str, scan: Path, count: int) -> None:
    """Print how much this process grew from the 10th to the last scan, and the highest peak."""
    runner = opened(kind, jobs=1 if kind == "never" else 2)
    job = make_job(scan, 1, task)
    run(runner, (replace(job, id=number) for number in range(10)))
    before = usage()
    low, high = 1 << 60, 0
    for first in range(10, count, 10):  # in parts: a list of outcomes is not to be counted
        part = (replace(job, id=number) for number in range(first, min(first + 10, count)))
        peaks = [outcome.peak_rss_bytes for outcome in run(runner, part)]
        low, high = min(low, *peaks), max(high, *peaks)
    after = usage()
    assert before is not None
    assert after is not None
    runner.close()
    print(after.rss - before.rss, low, high)


def memory_row(kind: str, task: str, scan: Path, count: int) -> Row:
    """Flat memory over many scans, in a process of its own."""
    words = [sys.executable, "-m", "bench.isolation", "--flat", kind, task, str(scan), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    grown, low, high = (int(word) / MIB for word in done.stdout.split())
    graded = "scans" if task.endswith("develop") else "empty tasks"
    return Row(
        f"memory after {count} {graded} against 10, `{kind}`",
        "at most 2 MB more" if kind != "never" else "",
        f"{grown:+.1f} MB",
        grown <= 2 if kind != "never" else None,
        f"peaks of single scans {low:.0f} to {high:.0f} MB",
    )


def rows(scratch: Path, *, quick: bool) -> list[Row]:
    """All of this page."""
    small = make_scan(scratch, 0.3)
    large = make_scan(scratch, 3 if quick else 24)
    found = start_rows(small, quick)
    found.append(sandbox_row(small, 20 if quick else 100))
    found.append(throughput_row(small, 20 if quick else 100, 1 if quick else 5, 0.15))
    found.append(throughput_row(large, 4 if quick else 8, 1 if quick else 5, 0.03))
    found += cost_rows(small)
    many, some = (40, 20) if quick else (1000, 300)
    found.append(memory_row("forkserver", "bench.isolation:nothing", small, many))
    for kind in ("forkserver", "never"):
        found.append(memory_row(kind, "divere_cli.develop.scan:develop", small, some))
    for left in scratch.glob(".divere-tmp-bench-*"):
        left.unlink()
    return found


def main() -> None:
    """Measure and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; write no page")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--flat", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flat:
        kind, task, scan, count = options.flat
        flat(kind, task, Path(scan), int(count))
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        table = ["| what | target | measured | | note |", "|---|---|---|---|---|"]
        table += map(str, rows(Path(folder), quick=options.quick))
    text = "\n".join([*machine(), f"- load while measuring: {os.getloadavg()[1]:.1f}", "", *table])
    print(text)
    if not options.quick:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
