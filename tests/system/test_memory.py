"""Memory that this process may use: the tightest of all limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.system import memory

GIB = 1 << 30


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file system with 8 GiB available and no cgroup."""
    write(tmp_path / "proc/meminfo", "MemTotal: 99 kB\nMemAvailable:    8388608 kB\n")
    write(tmp_path / "proc/self/cgroup", "")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_cgroups_the_limit_is_that_of_the_system(root: Path) -> None:
    assert memory.available(str(root)) == memory.Available(8 * GIB, "system")


def test_every_ancestor_of_version_two_counts(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/a.slice/b.service\n")
    base = root / "sys/fs/cgroup"
    write(base / "a.slice/memory.max", f"{4 * GIB}\n")
    write(base / "a.slice/memory.high", "max\n")
    write(base / "a.slice/memory.current", f"{3 * GIB}\n")
    write(base / "a.slice/memory.stat", f"anon 5\ninactive_file {GIB}\n")
    write(base / "a.slice/b.service/memory.max", f"{5 * GIB}\n")
    write(base / "a.slice/b.service/memory.current", f"{GIB}\n")
    assert memory.available(str(root)) == memory.Available(2 * GIB, str(base / "a.slice"))
    write(base / "a.slice/b.service/memory.high", f"{2 * GIB}\n")
    assert memory.available(str(root)).bytes == GIB


def test_every_ancestor_of_version_one_counts(root: Path) -> None:
    write(root / "proc/self/cgroup", "3:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n")
    base = root / "sys/fs/cgroup/memory"
    write(base / "docker/abc/memory.limit_in_bytes", "9223372036854771712\n")
    write(base / "docker/memory.limit_in_bytes", f"{2 * GIB}\n")
    write(base / "docker/memory.usage_in_bytes", f"{GIB + 5}\n")
    write(base / "docker/memory.stat", f"inactive_file 1\ntotal_inactive_file {GIB // 2}\n")
    assert memory.available(str(root)).bytes == 2 * GIB - (GIB + 5 - GIB // 2)


def test_more_used_than_allowed_leaves_nothing(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/memory.max", "1000\n")
    write(root / "sys/fs/cgroup/memory.current", "2000\n")
    assert memory.available(str(root)).bytes == 0


def test_kills_of_the_kernel_are_counted(root: Path) -> None:
    write(root / "proc/vmstat", "pgfault 7\noom_kill 2\n")
    write(root / "proc/self/cgroup", "0::/x\n")
    write(root / "sys/fs/cgroup/x/memory.events", "oom 9\noom_kill 3\n")
    assert memory.oom_kills(str(root)) == 5


def test_own_usage_and_its_peak() -> None:
    assert memory.reset_peak()
    before = memory.usage()
    assert before is not None
    block = bytearray(b"x") * (64 << 20)
    during = memory.usage(os.getpid())
    assert during is not None
    assert during.rss >= before.rss + (60 << 20)
    assert during.anonymous >= before.anonymous + (60 << 20)
    assert len(block) == 64 << 20
    del block
    after = memory.usage()
    assert after is not None
    assert after.peak >= during.rss - (4 << 20), "the kernel counts in batches"
    assert after.peak_source == "vmhwm"
    assert memory.reset_peak()
    again = memory.usage()
    assert again is not None
    assert again.peak < during.rss


def test_the_usage_of_an_ended_process_is_none() -> None:
    assert memory.usage(2**22 + 5) is None


@pytest.mark.skipif(not memory.LINUX, reason="glibc")
def test_freed_memory_is_returned_to_the_system() -> None:
    assert memory._malloc_trim() is not None
    memory.trim_heap()
