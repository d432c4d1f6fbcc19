"""Tier B: the order of system calls, and a kill or a failure at each of them (needs strace).

``DIVERE_STEP=1`` takes every call instead of every third.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from tests.batch import processes, strace
from tests.batch.lab import Lab
from tests.conftest import FAULTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(strace.STRACE is None, reason="needs strace"),
]

STEP = int(os.environ.get("DIVERE_STEP", "3"))
KILLED = ("openat", "write", "fsync", "fdatasync", "renameat2", "unlinkat", "flock", "ftruncate")
FAILURES = (
    "write:error=ENOSPC",
    "write:error=EDQUOT",
    "write:error=EIO",
    "fsync:error=EIO",
    "fsync:error=ENOSPC",
    "fdatasync:error=EIO",
    "renameat2:error=EIO",
    "renameat2:error=EXDEV",
    "renameat2:error=EROFS",
    "openat:error=ENOSPC",
    "openat:error=EMFILE",
    "flock:error=ENOLCK",
)


@pytest.fixture
def three(lab: Lab) -> Lab:
    lab.scans("a.tif", "r/b.tif", "c.tif")
    return lab


@pytest.mark.parametrize("runner", ["bench", "thread", "process"])
def test_the_order_of_calls_survives_a_power_cut(three: Lab, runner: str) -> None:
    code, calls = strace.trace(three, "--runner", runner)
    assert code == 0
    assert strace.lint(three, calls) == 4  # three positives and the report


def test_replacing_keeps_the_order(three: Lab) -> None:
    three.run()
    for name in ("a.tif", "r/b.tif"):
        three.scan(name, three.scan("other.tif").read_bytes() + name.encode())
    code, calls = strace.trace(three)
    assert code == 0
    assert strace.lint(three, calls) == 4


def moments(lab: Lab, call: str) -> list[int]:
    """Which calls of a name touch OUTPUT, counted as strace counts them."""
    other = Lab(lab.root / f"count-{call}")
    other.inputs.mkdir(parents=True, exist_ok=True)
    for path in sorted(lab.inputs.rglob("*.tif")):
        other.scan(path.relative_to(lab.inputs).as_posix(), path.read_bytes())
    shutil.rmtree(other.outputs, ignore_errors=True)
    _, calls = strace.trace(other)
    return [each.number for each in strace.in_output(other, calls) if each.name == call]


def fresh(lab: Lab, number: int) -> Lab:
    """The same scans with an OUTPUT of its own."""
    made = Lab(lab.root / f"run{number}")
    made.root.mkdir()
    os.symlink(lab.inputs, made.inputs)
    return made


@pytest.mark.parametrize("call", KILLED)
def test_a_kill_at_any_call_loses_nothing(
    three: Lab, call: str, record_property: Callable[[str, object], None]
) -> None:
    expected = processes.undisturbed(three)
    numbers = moments(three, call)
    for number in numbers[::STEP]:
        lab = fresh(three, number)
        code = strace.inject(lab, f"{call}:signal=SIGKILL:when={number}")
        assert code in (-9, 137), f"{call} {number} was not met"
        settle(lab, expected)
    record_property(FAULTS, len(numbers[::STEP]))


@pytest.mark.parametrize("times", ["", "+"], ids=["once", "from then on"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_at_any_call_loses_nothing(
    three: Lab, failure: str, times: str, record_property: Callable[[str, object], None]
) -> None:
    expected = processes.undisturbed(three)
    numbers = moments(three, failure.split(":")[0])
    step = STEP * 3 if failure.startswith("openat") and STEP > 1 else STEP
    for number in numbers[::step]:
        lab = fresh(three, number)
        code = strace.inject(lab, f"{failure}:when={number}{times}")
        assert code in (0, 3, 12, 13, 14), f"{failure} {number}: exit {code}"
        settle(lab, expected)
    record_property(FAULTS, len(numbers[::step]))


def settle(lab: Lab, expected: dict[str, bytes]) -> None:
    """What must hold after any fault; the next run goes on from there."""
    for name, data in lab.positives().items():
        if ".divere-tmp-" not in name:
            assert data == expected[name], f"{name} is torn"
    code, report = processes.run(lab)
    assert code == 0, report
    assert lab.positives() == expected
    assert report["exit_code"] == 0


@pytest.mark.parametrize("second", ["write:error=ENOSPC", "fsync:error=EIO", "unlinkat:error=EIO"])
def test_a_second_fault_while_going_on_loses_nothing(three: Lab, second: str) -> None:
    expected = processes.undisturbed(three)
    kills = moments(three, "write")
    faults = moments(three, second.split(":")[0])
    for number, again in zip(kills[1::STEP], faults[::-STEP], strict=False):
        lab = fresh(three, number)
        strace.inject(lab, f"write:signal=SIGKILL:when={number}")
        strace.inject(lab, f"{second}:when={again}+")
        settle(lab, expected)
