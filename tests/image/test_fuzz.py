"""Damaged files for the second and third reader: no wrong success, no foreign error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(kind: str, seed: int, count: int) -> list[dict[str, object]]:
    """Read mutants in a process; where one ends it, go on behind that one."""
    found: list[dict[str, object]] = []
    while count > 0:
        done = subprocess.run(
            [sys.executable, "-m", "tests.image.fuzz", kind, str(seed), str(count)],
            cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False,
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found += [line for line in lines if "end" in line]
        if done.returncode == 0:
            return found
        assert done.returncode < 0, done.stderr[-2000:]  # else it is a foreign error of ours
        last = lines[-1]
        found.append({**last, "end": "died"})
        count -= int(last["seed"]) + 1 - seed
        seed = int(last["seed"]) + 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["second", "third"])
def test_mutants(kind: str) -> None:
    found = run(kind, 0, 2000)
    ends = Counter(str(each["end"]) for each in found)
    assert len(found) == 2000
    wrong = [each for each in found if each["end"] == "wrong"]
    assert not wrong, (ends, wrong[:10])
    assert ends["corrupt_input"] > 200
    assert ends["same"] > 50


@pytest.mark.parametrize("kind", ["second", "third"])
def test_some_mutants(kind: str) -> None:
    found = run(kind, 10_000, 60)
    assert len(found) == 60
    assert not [each for each in found if each["end"] in ("wrong", "died")]
