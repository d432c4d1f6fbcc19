"""The lab that batches are tested in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.batch.lab import Lab

FAULTS = "faults injected with strace"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many faults were injected: none, where strace is missing, must not look like many."""
    reports = [r for group in ("passed", "failed") for r in terminalreporter.stats.get(group, ())]
    counts = [n for r in reports for name, n in r.user_properties if name == FAULTS]
    skipped = [r for r in terminalreporter.stats.get("skipped", ()) if "test_syscalls" in r.nodeid]
    if counts or skipped:
        said = f"{FAULTS}: {sum(counts)}, tests skipped: {len(skipped)}"
        terminalreporter.write_line(said)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty lab; every run in it is checked for what holds after any run."""
    made = Lab(tmp_path)
    made.inputs.mkdir()
    return made
