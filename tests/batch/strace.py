"""System calls of a batch: traced and judged, or made to fail or kill at the N-th call.

The order lint finds what no kill can: a missing fsync only shows after a power
cut, but the order of the calls shows it at once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from divere_cli.batch.journal.state import NAME as JOURNAL
from tests.batch.lab import Lab
from tests.batch.processes import ROOT, command

STRACE = shutil.which("strace")
TRACED = (
    "openat,write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,"
    "linkat,unlink,unlinkat,mkdirat,flock,utimensat"
)
_LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)")
_FD = re.compile(r"^\d+<([^>]*)>")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Call:
    """One call that returned; ``path`` is of its first descriptor or name."""

    at: float
    pid: int
    number: int  # the how-manieth of its name in its process, from 1
    name: str
    text: str
    path: str
    result: int


def trace(lab: Lab, *options: str) -> tuple[int, list[Call]]:
    """Run a batch and list its calls, of all its processes, in order."""
    assert STRACE is not None
    prefix = lab.root / "trace"
    how = [STRACE, "-ff", "-ttt", "-y", "-s", "4000", "-e", f"trace={TRACED}", "-o", str(prefix)]
    done = subprocess.run(
        [*how, *command(lab, *options)], cwd=ROOT, check=False, capture_output=True, timeout=120
    )
    calls = [call for path in lab.root.glob("trace.*") for call in _calls(path)]
    return done.returncode, sorted(calls, key=lambda call: call.at)


def inject(lab: Lab, what: str, *options: str) -> int:
    """Run a batch with a fault; its exit code, negative when it was killed."""
    assert STRACE is not None
    call = what.split(":", 1)[0]
    how = [STRACE, "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={what}", "-o", "/dev/null"]
    done = subprocess.run(
        [*how, *command(lab, *options)], cwd=ROOT, check=False, capture_output=True, timeout=120
    )
    return done.returncode


def _calls(path: Path) -> Iterator[Call]:
    pid = int(path.suffix[1:])
    counts: Counter[str] = Counter()
    for line in path.read_text("utf-8", "surrogateescape").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        at, name, text, result = found.groups()
        counts[name] += 1
        yield Call(float(at), pid, counts[name], name, text, _path(name, text), int(result))


def _path(name: str, text: str) -> str:
    fd = _FD.match(text)
    first = fd.group(1) if fd else ""
    if name in ("openat", "mkdirat", "unlinkat", "renameat2", "renameat", "linkat", "utimensat"):
        folder = first or _at_cwd(text)
        said = _STRING.search(text)
        return os.path.normpath(os.path.join(folder, said.group(1) if said else ""))
    if fd is None:
        said = _STRING.match(text)
        return said.group(1) if said else ""
    return first


def _at_cwd(text: str) -> str:
    found = re.match(r"AT_FDCWD<([^>]*)>", text)
    return found.group(1) if found else ""


def in_output(lab: Lab, calls: list[Call]) -> list[Call]:
    """The calls that touch OUTPUT."""
    root = str(lab.outputs)
    return [call for call in calls if call.path == root or call.path.startswith(root + "/")]


def lint(lab: Lab, calls: list[Call]) -> int:
    """Assert the order that a power cut needs; how many renames were judged.

    No name is given to a file with unsynced data; between a rename and the
    record of it the folder is synced; a record comes after the renames that it
    tells of; every file is made new and private; inputs are only read.
    """
    dirty: set[str] = set()
    unsynced: set[str] = set()
    named: set[str] = set()
    for call in in_output(lab, calls):
        if call.result < 0:
            continue
        if call.name in ("write", "pwrite64", "writev", "ftruncate"):
            if call.path.endswith(JOURNAL):
                _record(call, unsynced, named)
            else:
                dirty.add(call.path)
        elif call.name in ("fsync", "fdatasync"):
            dirty.discard(call.path)
            unsynced.discard(call.path)
        elif call.name.startswith("rename"):
            new = _renamed(call)
            assert call.path not in dirty, f"{new} got its name with unsynced data"
            unsynced.add(os.path.dirname(new))
            named.add(new)
        elif call.name == "openat" and "O_CREAT" in call.text:
            assert "O_EXCL" in call.text, f"not made new: {call.text}"
            assert call.text.endswith("0600"), f"not private: {call.text}"
    _inputs_only_read(lab, calls)
    return len(named)


def _renamed(call: Call) -> str:
    names = _STRING.findall(call.text)
    return os.path.join(os.path.dirname(call.path), names[1])


def _record(call: Call, unsynced: set[str], named: set[str]) -> None:
    if r"\"kind\":\"done\"" not in call.text:
        return
    assert not unsynced, f"recorded before {unsynced} was synced"
    outputs = re.search(r"\\\"outputs\\\":\[(.*?)\]", call.text)
    assert outputs is not None
    for name in re.findall(r"\\\"name\\\":\\\"(.*?)\\\"", outputs.group(1)):
        path = os.path.join(os.path.dirname(call.path), name)
        assert path in named, f"recorded before {name} had its name"


def _inputs_only_read(lab: Lab, calls: list[Call]) -> None:
    for call in calls:
        if call.path.startswith(str(lab.inputs) + "/") and call.result >= 0:
            assert call.name == "openat", f"an input was touched: {call}"
            assert "O_RDONLY" in call.text, f"an input was opened for more: {call}"
