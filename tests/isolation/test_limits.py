"""Limits of memory and output of a worker, which never affect the supervisor."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from divere_cli.isolation.log_bridge import LogBridge
from divere_cli.system import memory
from divere_cli.text import format_bytes
from tests.isolation.conftest import METHODS, ROOT, Table, eventually, opened

MIB = 1 << 20


@pytest.mark.parametrize("how", ["bytes", "numpy", "codec"])
def test_exceeding_the_memory_limit_is_out_of_memory(table: Table, how: str) -> None:
    small = table.run("eats", f"{how} 40", memory_bytes=400 * MIB)
    assert small.end == "result", small.error
    large = table.run("eats", f"{how} 900", memory_bytes=300 * MIB)
    assert large.end == "out_of_memory"
    assert large.error is not None
    assert large.error.kind == "out_of_memory"
    assert "not enough memory" in large.error.message
    assert large.peak_rss_bytes < 400 * MIB


def test_ocio_at_its_cap_is_out_of_memory_too() -> None:
    with opened("forkserver", spares=0) as table:
        outcome = table.run("allocates_in_cpp", "", memory_bytes=64 * MIB)
    assert outcome.end == "out_of_memory"


def test_a_worker_over_its_cap_is_ended_where_the_kernel_does_not(table: Table) -> None:
    cap = psutil.Process().memory_info().rss + 200 * MIB  # a fork has all that this process has
    outcome = table.run("eats", f"shared {cap // MIB + 200}", memory_bytes=cap)
    assert outcome.end == "out_of_memory"
    assert outcome.error is not None
    limit = format_bytes(cap)
    assert f"more memory than its limit of {limit} and was stopped while reading" in (
        outcome.error.message
    )
    assert outcome.peak_source == "vmhwm>="


def test_the_peak_of_a_killed_worker_is_a_lower_bound(table: Table) -> None:
    table.start(1, "eats", "map 200")
    table.until(lambda: bool(table.events))
    eater = table.attempt(1)
    table.until(lambda: eater.last is not None and eater.last.peak > eater.rss_start + 195 * MIB)
    table.expire(1)
    (outcome,) = table.wait_for(1)
    assert outcome.end == "timeout"
    assert outcome.peak_source == "vmhwm>="
    assert 195 * MIB < outcome.peak_rss_bytes - outcome.rss_bytes_start < 300 * MIB


@pytest.mark.parametrize("kind", METHODS)
def test_the_peak_is_the_workers_own_whatever_the_parent_holds(kind: str) -> None:
    ballast = bytearray(b"x") * (500 * MIB)
    with opened(kind, spares=0) as table:
        outcome = table.run("eats", "bytes 200")
    assert len(ballast) == 500 * MIB
    assert outcome.peak_source == "vmhwm"
    assert 195 * MIB < outcome.peak_rss_bytes < 290 * MIB


def test_on_threads_the_peak_starts_again_for_each_file() -> None:
    gc.collect()
    memory.trim_heap()  # of what other tests have left
    with opened("thread", jobs=1) as table:
        before = psutil.Process().memory_info().rss
        high = table.run("eats", "bytes 300")
        low = table.run("good")
        assert high.peak_source == low.peak_source == "vmhwm"
        assert high.peak_rss_bytes > before + 250 * MIB
        assert low.peak_rss_bytes < high.peak_rss_bytes - 200 * MIB
    with opened("thread", jobs=2) as table:
        assert table.run("good").peak_source == "process-wide"


def test_a_record_of_ten_megabytes_is_cut_and_arrives(table: Table) -> None:
    assert table.run("long_words").end == "result"
    (long,) = [m for m in table.messages(1) if m.startswith("xxx")]
    assert len(long) == 64 * 1024
    assert long.endswith("[... cut]")


def test_a_result_too_large_for_a_message_is_an_error(table: Table) -> None:
    outcome = table.run("large_result")
    assert outcome.end == "error"
    assert outcome.error is not None
    assert "the result is too large" in outcome.error.message


def test_what_a_worker_prints_is_logged_by_line(table: Table) -> None:
    outcome = table.run("prints")
    assert outcome.end == "result"
    printed = [r for r in table.records if r.name == "divere_cli.worker"]
    assert [r.getMessage() for r in printed] == [
        "from C on stdout",
        "from C on stderr \\xff",
        "from Python",
        "last words",
    ]
    assert {r.levelname for r in printed} == {"WARNING"}
    assert {getattr(r, "scan", None) for r in printed} == {"scan 1.tif"}


def test_a_flood_of_lines_is_cut_and_counted(table: Table) -> None:
    outcome = table.run("floods", "stderr 20000")
    assert outcome.end == "result"
    assert len([m for m in table.messages(1) if m.startswith("flood")]) == 500
    assert outcome.records_dropped == 19_500


class _Paused(logging.Handler):
    """A terminal that was stopped with Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.go.wait()
        self.seen += 1


def test_a_flood_with_a_paused_terminal_is_bounded_and_counted() -> None:
    terminal = _Paused()
    with opened("forkserver", spares=0) as table:
        logger = logging.getLogger("tests.misbehave")
        logger.propagate = False
        before = psutil.Process().memory_info().rss
        with LogBridge([terminal], limit=1000, logger=logger) as bridge:
            table.start(1, "floods", "log 20000")
            table.start(2, "steps", "0.1")
            flood, other = table.wait_for(1, 2)
            grown = psutil.Process().memory_info().rss - before
            terminal.go.set()
        logger.propagate = True
    assert flood.end == other.end == "result"
    assert bridge.dropped == flood.records_dropped
    assert bridge.dropped + terminal.seen == 20_000
    assert 1500 <= terminal.seen <= 1502
    assert grown < 40 * MIB


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("forkserver", 5000), ("fork", 5000), ("spawn", 200)])
def test_thousands_of_files_leave_the_supervisor_as_it_was(
    kind: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest keeps every record that reaches the root logger: 5,000 of them are not our memory
    monkeypatch.setattr(logging.getLogger("tests.misbehave"), "propagate", False)
    with opened(kind, spares=0) as table:
        own = psutil.Process()
        figures = {}
        for number in range(1, count + 1):
            table.start(number, "good")
            table.wait_for(number)
            table.outcomes.clear()
            table.events.clear()
            table.records.clear()
            if number in (10, count):
                figures[number] = (own.memory_info().rss, own.num_fds(), len(own.children()))
    (rss, fds, children), (rss_end, fds_end, children_end) = figures.values()
    assert rss_end - rss <= 2 * MIB
    assert fds_end == fds
    assert children_end == children


CGROUPS = Path("/sys/fs/cgroup/memory")

IN_CGROUP = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
sys.path.insert(0, sys.argv[2])
from tests.isolation.conftest import opened
from divere_cli.system import memory
from divere_cli.text import format_bytes
assert memory.available().bytes < 300 << 20, memory.available()
assert memory.available().source.endswith("divere-test"), memory.available()
with opened(sys.argv[3], spares=0) as table:
    table.start(1, "eats", "bytes 600")
    table.start(2, "steps", "1")
    eater, other = table.wait_for(1, 2)
    print(eater.end, other.end, table.run("good").end, eater.error.message)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["forkserver", "spawn"])
def test_the_kernel_kills_the_worker_not_the_supervisor(kind: str) -> None:
    if os.geteuid() != 0 or not (CGROUPS / "memory.limit_in_bytes").exists():
        pytest.skip("needs root and a version 1 memory cgroup")
    group = CGROUPS / "divere-test"
    group.mkdir(exist_ok=True)
    try:
        (group / "memory.limit_in_bytes").write_text(str(300 * MIB))
        done = subprocess.run(
            [sys.executable, "-c", IN_CGROUP, str(group), str(ROOT), kind],
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert done.stdout.strip() == (
            "out_of_memory result result "
            "the worker process was killed because memory ran out while reading"
        ), done.stderr
    finally:
        assert eventually(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@pytest.mark.slow
def test_as_the_first_process_of_a_container() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a process namespace")
    script = (
        "import os, sys\n"
        "assert os.getpid() == 1\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.isolation.conftest import opened\n"
        "for kind in ('forkserver', 'spawn', 'fork'):\n"
        "    with opened(kind, spares=0) as table:\n"
        "        print(table.run('good').end, table.run('grandchild', 'session crash 60').end)\n"
    )
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.stdout.split() == ["result", "crashed"] * 3, done.stderr
