"""What every test stands on: the shared material, and a guard that fails a test that leaks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

# Of signals, limits and locks as POSIX has them; they import what Windows does not have.
POSIX_ONLY = (
    "batch/test_discover.py",
    "batch/test_elsewhere.py",
    "batch/test_power_cut.py",
    "batch/test_stop.py",
    "files/test_lock.py",
    "isolation/supervisor/test_process_runner.py",
    "isolation/worker/test_escapes.py",
)
collect_ignore = list(POSIX_ONLY) if sys.platform == "win32" else []

LEAK_SECONDS = 60.0  # a guard: what ends by itself may be slow to end on a machine under load
FAULTS = "faults injected with strace"
SHARED = Path(__file__).parents[2] / "shared"

# Most tests are of the machinery, and a run that measures first runs each scan twice: they measure
# nothing unless they ask. What is done unasked is tested in tests/roll/test_unasked.py.
os.environ.setdefault("DIVERE_BATCH_AUTO", "off")
os.environ.setdefault("DIVERE_WATCH_AUTO", "off")

# No property may depend on how fast the machine is, nor on the examples of the day. Others:
# pytest --hypothesis-profile default
hypothesis.settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of oracle and real scans; the test skips where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: oracle and real scans are not part of the project")
    return SHARED


def _descriptors() -> set[str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return set()
    found = set()
    for entry in folder.iterdir():
        try:
            found.add(f"{entry.name} -> {os.readlink(entry)}")
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def _children() -> set[int]:
    """This process's children; psutil looks at each process of the machine, twice for each test.

    The list may miss one while another ends: read it twice where none may be missing.
    """
    threads = Path("/proc/self/task")
    try:
        lists = [(thread / "children").read_text() for thread in threads.iterdir()]
    except OSError:  # another system; or a thread ended
        return {child.pid for child in psutil.Process().children()}
    return {int(pid) for text in lists for pid in text.split()}


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _settled(before: tuple[set[int], set[int], set[str]]) -> list[str]:
    children, threads, descriptors = before
    new = _children() - children
    if new:
        keepers = {p.pid for p in multiprocessing.active_children() if p.daemon}
        new = {pid for pid in new - keepers - _trackers() if _runs(pid)}
    leaks = [f"process {pid}" for pid in new]
    leaks += [f"thread {t.name}" for t in threading.enumerate() if t.ident not in threads]
    leaks += [f"descriptor {fd}" for fd in _descriptors() - descriptors if "pipe" not in fd]
    return leaks


def _trackers() -> set[int]:
    """multiprocessing's resource tracker lives as long as the interpreter."""
    from multiprocessing import resource_tracker

    pid = getattr(resource_tracker._resource_tracker, "_pid", None)
    return set() if pid is None else {pid}


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """A test that leaves a process, a thread or an open file behind has failed."""
    before = (_children() | _children(), {t.ident for t in threading.enumerate()}, _descriptors())
    yield
    deadline = time.monotonic() + LEAK_SECONDS
    while leaks := _settled(before):
        if time.monotonic() > deadline:
            pytest.fail("left behind: " + "; ".join(leaks))
        gc.collect()
        time.sleep(0.01)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Names that are no UTF-8 must not reach the pipe between xdist's processes."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many faults were injected: none, where strace is missing, must not look like many."""
    reports = [r for group in ("passed", "failed") for r in terminalreporter.stats.get(group, ())]
    counts = [n for r in reports for name, n in r.user_properties if name == FAULTS]
    skipped = [r for r in terminalreporter.stats.get("skipped", ()) if "test_syscalls" in r.nodeid]
    if counts or skipped:
        said = f"{FAULTS}: {sum(counts)}, tests skipped: {len(skipped)}"
        terminalreporter.write_line(said)
