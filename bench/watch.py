"""The service: from a finished file to its positive, what it costs at rest, and over many scans."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import tifffile

from bench import roll
from bench.timing import DIVERE, Row, medians
from divere_cli.service.look import Chosen, look
from divere_cli.service.settling import Settling

INTERVAL, SETTLE = 1.0, 2.0
LOT = 250
WAIT = 600.0


class Service:
    """``divere watch`` over ``in`` and ``out`` of a folder."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.inputs, self.output = folder / "in", folder / "out"
        self.process = process
        self.own = psutil.Process(process.pid)

    def put(self, scan: Path, name: str) -> float:
        """Write a scan, as a copy does; return when it was finished."""
        shutil.copyfile(scan, self.inputs / name)
        return time.monotonic()

    def until(self, there: Callable[[], bool]) -> float:
        """Wait for something; return when it was there."""
        deadline = time.monotonic() + WAIT
        while not there():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the service has ended, or does not grade")
            time.sleep(0.005)
        return time.monotonic()

    def end(self) -> float:
        """Send TERM; return the seconds until the process is gone."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT)
        return time.monotonic() - begin


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[Service]:
    """Run the service until the block ends."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    command = [DIVERE, "watch", str(folder / "in"), str(folder / "out"), "--auto", "off"]
    command += ["--listen", "127.0.0.1:0", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while not re.search("listening on", process.stderr.readline()):
        if process.poll() is not None:
            raise RuntimeError("the service has not begun")
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    try:
        yield Service(folder, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        drain.join()
        process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Rows of the table, in the order of the issue's targets."""
    scan = next(roll.negatives(scratch, 1, 1.0 if quick else 24.0).glob("*.tif"))
    yield _latency(scratch / "latency", scan, 3 if quick else 20)
    yield _flat(scratch, 500 if quick else 5000)
    yield _idle(scratch / "idle", 1000 if quick else 10_000, 10.0 if quick else 60.0)
    yield _looks(scratch / "looks", 5000 if quick else 50_000)
    yield _term(scratch / "term", scan)


def _latency(folder: Path, scan: Path, count: int) -> Row:
    """Beside interval, settle and its grade, which begins with a fresh worker."""
    times = ["--interval", str(INTERVAL), "--settle", str(SETTLE)]
    over = []
    with serving(folder, *times) as service:
        for number in range(count):
            name = f"{number}.tif"
            done = service.put(scan, name)
            there = service.until((service.output / name).exists)
            report = (service.output / "divere-report.json").exists
            service.until(report)
            over.append(there - done - INTERVAL - SETTLE)
            time.sleep((0.37 * number) % INTERVAL)  # not in step with the looks
    worst = max(over)
    alone = _alone(folder, scan)
    return Row(
        "watch: from a finished scan to its positive, beside interval and settle, the slowest",
        f"at most its grade ({alone:.2f} s) and 1 s",
        f"{worst:.2f} s",
        worst <= alone + 1.0,
        f"{count} scans; its grade is a whole `divere batch` of the scan",
    )


def _alone(folder: Path, scan: Path) -> float:
    out = folder.with_name("alone")
    command = [DIVERE, "batch", str(scan), str(out), "--auto", "off", "-q"]
    begin = time.monotonic()
    subprocess.run(command, check=True)
    taken = time.monotonic() - begin
    shutil.rmtree(out)
    return taken


def _flat(scratch: Path, count: int) -> Row:
    """Memory and descriptors of the service itself, lot by lot of tiny scans."""
    tiny = scratch / "tiny.tif"
    tifffile.imwrite(tiny, roll.sample(scratch)[:40, :60], photometric="rgb")
    sizes, files = [], []
    with serving(scratch / "many", "--interval", "0.2", "--settle", "0") as service:
        for lot in range(count // LOT):
            for number in range(LOT):
                service.put(tiny, f"{lot:03}-{number:03}.tif")
            want = (lot + 1) * LOT
            service.until(lambda want=want: len(list(service.output.glob("*.tif"))) == want)
            service.until(lambda: not service.own.children())
            sizes.append(service.own.memory_info().rss)
            files.append(service.own.num_fds())
    half = len(sizes) // 2
    grown = max(sizes[half:]) - max(sizes[:half])
    return Row(
        f"watch: {count:,} scans, memory and descriptors of the service",
        "flat",
        f"{grown / 1e6:+.1f} MB, {max(files[half:]) - max(files[:half]):+d} files",
        grown < 4e6 and max(files[half:]) <= max(files[:half]),
        f"the second half beside the first; {sizes[0] / 1e6:.0f} MB after {LOT}, "
        f"{sizes[-1] / 1e6:.0f} MB at the end",
    )


def _files(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:05}.tif").write_bytes(b"x")


def _idle(folder: Path, count: int, seconds: float) -> Row:
    """Files that are there and left out: each look sees all of them, and grades none."""
    _files(folder / "in", count)
    with serving(folder, "--exclude", "*", "--settle", "0") as service:
        used = -1.0
        while (now := sum(service.own.cpu_times()[:2])) != used:  # until all were seen to rest
            used = now
            time.sleep(12.0)
            if sum(service.own.cpu_times()[:2]) - used < 0.25:
                break
        before, begin = sum(service.own.cpu_times()[:2]), time.monotonic()
        time.sleep(seconds)
        share = (sum(service.own.cpu_times()[:2]) - before) / (time.monotonic() - begin)
    return Row(
        f"watch: CPU at rest with {count:,} files, a look every 5 s",
        "at most 1 %",
        f"{share:.2%}",
        share <= 0.01,
    )


def _looks(folder: Path, count: int) -> Row:
    """One look beside a listing with the state of each file, as ``ls -l`` has it."""
    _files(folder, count)

    def listing() -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                entry.stat()

    settling = Settling(0.0, lambda path: True)

    def seen() -> None:
        """As a turn of the loop does, with all files at rest."""
        chosen = Chosen(rest=settling.rest, collect=settling.untidy)
        settling.see(look([str(folder)], str(folder / "out"), chosen), time.monotonic())

    seen()
    seen()
    ripe = settling.ripe(time.monotonic(), count)
    settling.take(ripe)
    settling.end(dict.fromkeys(ripe, "done"), ripe, time.monotonic())

    found = medians({"listing": listing, "look": seen}, 7, clock=time.process_time)
    ratio = found["look"] / found["listing"]
    shutil.rmtree(folder)
    return Row(
        f"watch: a look at {count:,} files beside a listing of them, CPU",
        "no more than a listing",
        f"{ratio:.2f} times",
        None,
        f"{found['look'] * 1e3:.0f} ms, all files at rest; beside one `stat` each a number that "
        "stands for name and stamp",
    )


def _term(folder: Path, scan: Path) -> Row:
    """TERM when a scan is in work, and no time for it to end."""
    over = []
    for _ in range(3):
        with serving(folder, "--interval", "0.2", "--settle", "0", "--grace", "0") as service:
            service.put(scan, "a.tif")
            service.until(lambda: len(service.own.children(recursive=True)) > 1)
            over.append(service.end())
    return Row(
        "watch: from TERM to the end with a scan in work, beside the grace, the slowest of 3",
        "at most 1 s",
        f"{max(over):.2f} s",
        max(over) <= 1.0,
    )
