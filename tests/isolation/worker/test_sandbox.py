"""The permissions of a confined process, and the tables of system calls."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from divere_cli.isolation.worker import sandbox, syscalls
from tests.isolation.conftest import ROOT

here = pytest.mark.skipif(
    not sandbox.offer().complete, reason=f"no sandbox here: {sandbox.offer()}"
)

CHILD = """
import json, os, sys, threading
sys.path.insert(0, {root!r})
import divere_cli
from divere_cli.isolation.worker import sandbox
sandbox.relinquish()
reads, writes = sandbox.open_paths([{scan!r}]), sandbox.open_paths([{temp!r}], follow=False)
said = sandbox.confine(reads, writes, [0, 1, 2])

def tried(what):
    try:
        what()
    except OSError as problem:
        return problem.errno
    return 0

def thread():
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()

print(json.dumps([said, {{name: tried(what) for name, what in {{
{tries}
}}.items()}}]))
"""


def confined(tmp_path: Path, **tries: str) -> tuple[str, dict[str, int]]:
    """What becomes of expressions in a process that may read `scan` and write `temp`."""
    for name in ("scan", "temp", "other"):
        (tmp_path / name).write_bytes(name.encode())
    lines = "\n".join(f"{name!r}: lambda: {tried}," for name, tried in tries.items())
    program = CHILD.format(
        root=str(ROOT), scan=str(tmp_path / "scan"), temp=str(tmp_path / "temp"), tries=lines
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=250
    )
    assert done.returncode == 0, done.stderr
    said, found = json.loads(done.stdout)
    return said, found


@here
def test_a_confined_process_has_its_scan_its_output_and_no_more(tmp_path: Path) -> None:
    said, found = confined(
        tmp_path,
        scan="open('scan', 'rb').read()",
        temp="open('temp', 'r+b').truncate(1)",
        thread="thread()",
        library="__import__('colorsys')",
        random="os.urandom(9)",
        self_signal="os.kill(os.getpid(), 0)",
        write_scan="open('scan', 'r+b')",
        other="open('other', 'rb')",
        create="open('new', 'w')",
        rename="os.rename('temp', 'other')",
        home="os.listdir(os.path.expanduser('~'))",
        proc="open('/proc/self/environ')",
        fork="os.fork()",
        execute="os.execv('/bin/true', ['true'])",
        socket="__import__('socket').socket()",
        parent="os.kill(os.getppid(), 0)",
        descriptor="os.fstat(3)",
    )
    assert said == "landlock+seccomp"
    refused = {name for name, number in found.items() if number in (errno.EACCES, errno.EPERM)}
    assert refused == {
        "write_scan", "other", "create", "rename", "home", "proc", "fork", "execute", "socket",
        "parent",
    }  # fmt: skip
    assert found.pop("descriptor") == errno.EBADF
    assert {name for name in found if name not in refused} == {
        "scan", "temp", "thread", "library", "random", "self_signal"
    }  # fmt: skip
    assert (tmp_path / "temp").read_bytes() == b"t"


@here
def test_a_rule_binds_to_the_file_and_not_to_its_name(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match="link"):
        os.close(os.open(tmp_path / "link", os.O_RDONLY | os.O_NOFOLLOW))
    (descriptor,) = sandbox.open_paths([str(tmp_path / "link")], follow=False)
    assert os.readlink("", dir_fd=descriptor) == "real", "of a link only the link itself is held"
    os.close(descriptor)


def test_folders_of_scans_are_no_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    found = sandbox._libraries()
    assert str(tmp_path) not in found
    assert "/" not in found
    assert not any(path.startswith("/etc") or path == str(Path.home()) for path in found)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_tables_are_whole_and_have_no_number_twice(machine: str) -> None:
    calls = syscalls.calls(machine)
    assert calls is not None
    assert len(calls.numbers) == len(set(calls.numbers.values()))
    assert not set(calls.refused) & set(calls.judged.values())
    assert {"socket", "execve", "ptrace", "bpf", "io_uring_setup", "fchmodat2"} <= set(
        calls.numbers
    )
    assert set(calls.judged) == {
        "clone", "clone3", "kill", "tgkill", "prlimit64", "prctl", "ioctl", "fcntl"
    }  # fmt: skip


def test_without_a_table_there_is_no_seccomp() -> None:
    assert syscalls.calls("riscv64") is None


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip("needs the kernel's headers")
    import re

    text = HEADERS[machine].read_text()
    known = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s", text)}
    calls = syscalls.calls(machine)
    assert calls is not None
    assert {n: v for n, v in calls.numbers.items() if n in known and known[n] != v} == {}


def test_the_filter_fits_and_ends_in_permission() -> None:
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("no table for this machine")
    code = sandbox.program(4711)
    assert len(code) // 8 < 4096
    assert code[-8:] == sandbox._step(sandbox._RETURN, sandbox.ALLOW)


def test_a_system_without_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LINUX", False)
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    sandbox.offer.cache_clear()
    try:
        assert str(sandbox.offer()) == "none: macOS"
    finally:
        monkeypatch.undo()
        sandbox.offer.cache_clear()


def test_a_partial_sandbox_reports_the_missing_layer() -> None:
    half = sandbox.Offer(0, True, "Landlock is not in this kernel")
    assert str(half) == "seccomp: Landlock is not in this kernel"
    assert half
    assert not half.complete
    assert not sandbox.Offer(0, False, "macOS")
