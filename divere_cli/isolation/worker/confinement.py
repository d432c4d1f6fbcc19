"""Confinement for one job: the files that it may open, and files opened in advance.

Covers which files those are; :mod:`.sandbox` confines the process. If a task's module has a
function ``ahead``, it may open files there that have no allowed name later, such as a spool
file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator

from divere_cli.isolation.task import Swapped, note_confined
from divere_cli.isolation.worker import sandbox
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Job, Target
from divere_cli.system import memory

Ahead = Callable[[Job], Iterable[int]]  # returns the descriptors that it opened


def enter(job: Job, keep: set[int], *, shut: bool) -> str:
    """Check the job's files and, with ``shut``, confine this process to them.

    Returns the layers in effect, as text for the report; empty when not confined.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    keep : set of int
        Descriptors to keep open.
    shut : bool
        Whether the process is confined.

    Raises
    ------
    Swapped
        A file that the job is to write was replaced by another file, a link or a folder.
    NotConfined
        The kernel offers a layer but refused to apply it.
    """
    writes = [
        descriptor
        for target in targets(job)
        if target.temp
        for descriptor in _temp_descriptor(target)
    ]
    if not shut:
        for descriptor in writes:
            os.close(descriptor)
        return ""
    ahead = set(_ahead(job))
    reads: list[int] = []
    for path in (job.input, *job.reads):
        with contextlib.suppress(OSError):  # the task reports it with a better message
            reads += sandbox.open_paths([path])
    layers = sandbox.confine(reads, writes, {0, 1, 2, *keep, *ahead, *memory.held_descriptors()})
    sys.addaudithook(_log_attempt)
    note_confined(layers)
    return layers


def _log_attempt(event: str, arguments: tuple[object, ...]) -> None:
    """Write a line to stderr when Python code in this worker tries something forbidden.

    For C code only the failed call is visible. The line does not name the target.
    """
    attempt = _TRIES.get(event)
    if attempt and attempt not in _logged:
        _logged.add(attempt)
        with contextlib.suppress(OSError):
            os.write(2, f"sandbox: the decoder tried to {attempt}\n".encode())


# Python's audit events that a confined worker never needs
_TRIES = {
    "socket.__new__": "open a socket",
    "socket.getaddrinfo": "look up a name in the network",
    "socket.gethostbyname": "look up a name in the network",
    "subprocess.Popen": "start a program",
    "os.exec": "start a program",
    "os.posix_spawn": "start a program",
    "os.system": "start a program",
    "os.fork": "start a process",
    "os.kill": "signal a process",
    "os.mkdir": "make a folder",
    "os.rename": "rename a file",
    "os.remove": "remove a file",
    "os.link": "link a file",
    "os.symlink": "link a file",
    "os.chmod": "change a file's mode",
    "os.utime": "change a file's time",
    "os.setxattr": "change a file's attributes",
    "tempfile.mkstemp": "make a temporary file",
    "tempfile.mkdtemp": "make a temporary file",
    "urllib.Request": "reach the network",
}
_logged: set[str] = set()


def targets(job: Job) -> Iterator[Target]:
    """Yield every file that a job writes.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    """
    return _targets(job)


def _targets(part: object) -> Iterator[Target]:
    if isinstance(part, Target):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _targets(item)
    elif dataclasses.is_dataclass(part) and not isinstance(part, Recipe):
        for field in dataclasses.fields(part):
            yield from _targets(getattr(part, field.name))


def _temp_descriptor(target: Target) -> list[int]:
    if not hasattr(os, "O_PATH"):
        return []
    try:
        (descriptor,) = sandbox.open_paths([target.temp], follow=False)
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Swapped(f"'{target.name}' cannot be looked at: {problem.strerror}") from problem
    status = os.fstat(descriptor)
    expected = target.inode
    if not stat.S_ISREG(status.st_mode) or (
        expected and expected != (status.st_dev, status.st_ino)
    ):
        raise Swapped(f"what was made for '{target.name}' is another file by now")
    return [descriptor]


def _ahead(job: Job) -> Iterable[int]:
    module = importlib.import_module(job.task.partition(":")[0])
    ahead: Ahead | None = getattr(module, "ahead", None)
    return ahead(job) if ahead else ()
