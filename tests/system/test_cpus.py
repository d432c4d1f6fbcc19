"""Cores that this process may use: affinity and the tightest quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.system import cpus


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, float("inf")),
        ({"sys/fs/cgroup/a/cpu.max": "max 100000"}, float("inf")),
        ({"sys/fs/cgroup/a/cpu.max": "150000 100000"}, 1.5),
        ({"sys/fs/cgroup/cpu.max": "50000 100000"}, 0.5),
    ],
)
def test_the_quota_of_version_two(tmp_path: Path, files: dict[str, str], cores: float) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a\n")
    (tmp_path / "sys/fs/cgroup/a").mkdir(parents=True)
    for name, text in files.items():
        write(tmp_path / name, text)
    assert cpus.quota(str(tmp_path)) == cores
    assert cpus.usable(str(tmp_path)) == min(
        len(os.sched_getaffinity(0)), 10**9 if cores == float("inf") else max(1, round(cores + 0.4))
    )


def test_the_quota_of_version_one(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "2:cpu,cpuacct:/job\n")
    write(tmp_path / "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1")
    write(tmp_path / "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000")
    assert cpus.quota(str(tmp_path)) == float("inf")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert cpus.quota(str(tmp_path)) == 0.25
    assert cpus.usable(str(tmp_path)) == 1


def test_affinity_is_respected() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cpus.usable() == 1
    finally:
        os.sched_setaffinity(0, before)
