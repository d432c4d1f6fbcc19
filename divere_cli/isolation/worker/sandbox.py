"""A sandbox that limits a worker to its job: Landlock, seccomp, no capabilities. Linux only.

A confined worker may read its scan and the installed libraries, write the temporary files
of its job, use memory, threads and clocks, and use pipes that are open. Everything else
fails with EACCES (a file) or EPERM (a call); neither restriction can be removed.

There are two steps. :func:`relinquish` runs once, in the process that workers are forked
from: no new privileges, no capabilities, no writable code, tables prepared. :func:`confine`
runs in each worker while it has one thread, after its libraries are loaded and before a byte
of its scan is read: Landlock and seccomp apply to the calling thread and to threads that it
starts. Files that the job needs by name are opened first, as places (``O_PATH``): a rule
applies to the file found there and not to its name. The calls are made by ctypes: the two
existing bindings for Landlock take 3 and 12 ms to import and support no network or UDP rule.

Not covered: which files exist (``stat`` works anywhere), time and CPU (rlimits, supervisor).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from divere_cli.isolation.worker import syscalls

LINUX = sys.platform == "linux"

# ---------------------------------------------------------------- what the kernel offers

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # equal on all architectures
READ_FILE, READ_DIR, WRITE_FILE, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # number of file rights by ABI version
_NET_ABI, _SCOPE_ABI = 4, 6
_BOTH_NET = _BOTH_SCOPES = 0b11  # TCP bind and connect; abstract sockets and signals
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_GET_SECCOMP = 4, 22, 21
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_SET_MDWE = 24, 38, 47, 65
_KEPT_CAPABILITIES = (1 << 1) | (1 << 2)  # to open scans of other users; Landlock limits which


class NotConfined(Exception):
    """The kernel refused a part of the sandbox; the message names it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Layers that this machine supports; ``missing`` gives the reasons for missing ones."""

    landlock: int
    seccomp: bool
    missing: str = ""

    @property
    def complete(self) -> bool:
        """Whether both layers are supported."""
        return bool(self.landlock) and self.seccomp

    def __bool__(self) -> bool:
        return bool(self.landlock) or self.seccomp

    def __str__(self) -> str:
        parts = ["landlock"] * bool(self.landlock) + ["seccomp"] * self.seccomp
        layers = "+".join(parts) or "none"
        return f"{layers}: {self.missing}" if self.missing else layers


@functools.cache
def offer() -> Offer:
    """Return the layers that this machine supports; two system calls, no side effect."""
    if not LINUX:
        return Offer(0, False, {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, "system"))
    machine, missing = platform.machine(), []
    abi = _call(CREATE_RULESET, None, 0, 1)
    if abi < 1:
        why = {errno.ENOSYS: "is not in this kernel", errno.EOPNOTSUPP: "is switched off"}
        missing.append(f"Landlock {why.get(-abi, os.strerror(-abi))}")
    calls = syscalls.calls(machine) is not None
    if not calls:
        missing.append(f"no table of system calls for {machine}")
    filters = _prctl(_PR_GET_SECCOMP, 0) >= 0
    if not filters:
        missing.append("this kernel has no seccomp")
    return Offer(max(0, abi), calls and filters, ", ".join(missing))


# ------------------------------------------------------------------------- the two steps


def relinquish() -> None:
    """Drop privileges that no worker needs, permanently; child processes lack them, too.

    Raises
    ------
    NotConfined
        ``no_new_privs`` cannot be set or the capabilities cannot be dropped.
    """
    _must(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")
    _prctl(_PR_SET_MDWE, 1)  # writable memory is never executable; needs kernel 6.3
    _drop_capabilities()
    if offer().seccomp:
        program(0)
    runtime()


def confine(
    reads: Sequence[int], writes: Sequence[int], keep: Iterable[int], action: int | None = None
) -> str:
    """Confine this process to its job; return the layers in effect, as text for the report.

    Parameters
    ----------
    reads, writes : sequence of int
        Descriptors (``O_PATH``) of the files it may read, and write. They are closed.
    keep : iterable of int
        Descriptors that stay open.
    action : int, optional
        Action of seccomp for a refused call; EPERM if not given.

    Raises
    ------
    NotConfined
        A layer that the kernel offers was refused.
    """
    layers = offer()
    _must(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")
    _prctl(_PR_SET_DUMPABLE, 0)
    if layers.landlock:
        _restrict_files(layers.landlock, reads, writes)
    close_all_but(keep)
    if layers.seccomp:
        install(program(os.getpid(), REFUSE if action is None else action))
    _prove(layers)
    return str(layers)


def open_paths(paths: Iterable[str], *, follow: bool = True) -> list[int]:
    """Return descriptors of the files at the paths, without opening them for reading.

    Parameters
    ----------
    paths : iterable of str
        The paths.
    follow : bool, default True
        Whether links are followed.

    Raises
    ------
    OSError
        There is no file, or a link while links are not followed.
    """
    descriptors: list[int] = []
    flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        for path in paths:
            descriptors.append(os.open(path, flags))
    except OSError:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return descriptors


def close_all_but(keep: Iterable[int]) -> None:
    """Close every descriptor except some.

    Parameters
    ----------
    keep : iterable of int
        The descriptors to keep.
    """
    low = 0
    for number in sorted({*keep, 1 << 20}):
        if low < number:  # an empty range would close all
            os.closerange(low, number)
        low = number + 1


def _prove(layers: Offer) -> None:
    """Try forbidden operations: raise if the sandbox has no effect."""
    if layers.landlock:
        try:
            os.close(os.open("/", os.O_RDONLY | os.O_DIRECTORY))
        except PermissionError:
            pass
        else:
            raise NotConfined("Landlock was taken and does nothing")
    if layers.seccomp and _call(_calls().numbers["socket"], -1, -1, 0) != -errno.EPERM:
        raise NotConfined("seccomp was taken and does nothing")


# ------------------------------------------------------------------------------ Landlock


@functools.cache
def runtime() -> tuple[tuple[int, int], ...]:
    """Return descriptors of folders that every worker may read, with rights: libraries only.

    They stay open in this process, so that each worker forked from it has them.
    """
    read = READ_FILE | READ_DIR
    allowed = [(path, read) for path in _libraries()]
    allowed += [("/etc/ld.so.cache", READ_FILE), ("/dev/urandom", READ_FILE)]
    allowed += [("/dev/null", READ_FILE | WRITE_FILE)]
    opened = []
    for path, rights in allowed:
        with contextlib.suppress(OSError):
            opened += [(descriptor, rights) for descriptor in open_paths([path])]
    return tuple(opened)


def runtime_descriptors() -> list[int]:
    """Return the descriptors of :func:`runtime`; empty before its first call."""
    return [descriptor for descriptor, _ in runtime()] if runtime.cache_info().currsize else []


def _libraries() -> list[str]:
    """Return the folders of Python, of installed packages, and of the system's libraries.

    Folders on the module path are included, except the current one: it may contain scans.
    """
    package = os.path.dirname(os.path.abspath(sys.modules["divere_cli"].__file__ or ""))
    system = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64"]
    python = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        sysconfig.get_paths()["stdlib"],
        package,
    ]
    current = os.path.realpath(os.getcwd())
    more = [path for path in sys.path if os.path.isabs(path)]
    more = [path for path in more if os.path.realpath(path) not in (current, "/")]
    every = {
        os.path.realpath(path) for path in (*python, *more, *system, "/sys/devices/system/cpu")
    }
    return sorted(path for path in every if not _below_another(path, every))


def _below_another(path: str, paths: Iterable[str]) -> bool:
    return any(path != parent and path.startswith(parent.rstrip("/") + "/") for parent in paths)


def _restrict_files(abi: int, reads: Sequence[int], writes: Sequence[int]) -> None:
    rights = (1 << _FILE_RIGHTS.get(abi, 16)) - 1
    net = _BOTH_NET if abi >= _NET_ABI else 0
    scopes = _BOTH_SCOPES if abi >= _SCOPE_ABI else 0
    size = 24 if abi >= _SCOPE_ABI else 16 if abi >= _NET_ABI else 8
    attribute = struct.pack("=QQQ", rights, net, scopes)[:size]
    ruleset = _must(_call(CREATE_RULESET, attribute, size, 0), "a Landlock ruleset")
    write = READ_FILE | WRITE_FILE | TRUNCATE
    rules = [*runtime(), *((descriptor, READ_FILE) for descriptor in reads)]
    rules += [(descriptor, write) for descriptor in writes]
    for descriptor, allowed in rules:
        rule = struct.pack("=Qi", allowed & rights, descriptor)
        _must(_call(ADD_RULE, ruleset, 1, rule, 0), "a Landlock rule")
    _must(_call(RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)


# ------------------------------------------------------------------------------- seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, ABSENT = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NOTIFY = 0x7FC00000
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # of struct seccomp_data, low words
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_PRCTL_REFUSED = (1, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, 0x59616D61)  # and PDEATHSIG, PTRACER
_IOCTL_REFUSED = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the user's terminal
_FCNTL_REFUSED = (8, 10, 15, 1024, 1026)  # F_SETOWN, _SETSIG, _SETOWN_EX, _SETLEASE, _NOTIFY


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value & 0xFFFFFFFF)


def program(pid: int, action: int = REFUSE) -> bytes:
    """Return the seccomp filter of a process.

    Parameters
    ----------
    pid : int
        Number of the process.
    action : int, default REFUSE
        What happens to a refused call.
    """
    first, last = _parts(action)
    return b"".join((first, *(_pid_filter(name, pid, action) for name in ("kill", "tgkill")), last))


@functools.cache
def _parts(action: int) -> tuple[bytes, bytes]:
    """Return the filter before and after the part with the process id; equal for all workers."""
    calls = _calls()
    first = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, calls.audit, 1), _step(_RETURN, KILL)]
    first += [_step(_LOAD, _NUMBER)]
    if platform.machine() == "x86_64":
        first += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, REFUSE)]
    first += [_step(_EQUAL, calls.judged["clone3"], 0, 1), _step(_RETURN, ABSENT)]  # libc clones
    last = _judge("prlimit64", _FIRST, [_step(_EQUAL, 0, 1)], action)
    last += _judge("clone", _FIRST, [_step(_ANY_BIT, _CLONE_THREAD, 1)], action)
    for name, at, values in (
        ("prctl", _FIRST, _PRCTL_REFUSED),
        ("ioctl", _SECOND, _IOCTL_REFUSED),
        ("fcntl", _SECOND, _FCNTL_REFUSED),
    ):
        end = len(values) - 1  # a match jumps to the refusal, no match past it
        tests = [_step(_EQUAL, value, end - i, int(i == end)) for i, value in enumerate(values)]
        last += _judge(name, at, tests, action)
    return b"".join(first), b"".join([*last, *_refusals(action)])


def _pid_filter(name: str, pid: int, action: int) -> bytes:
    return b"".join(_judge(name, _FIRST, [_step(_EQUAL, pid, 1)], action))


def _judge(name: str, argument: int, tests: list[bytes], action: int) -> list[bytes]:
    """Return steps for one call: load its argument; ``tests`` jump past the refusal or to it."""
    inside = [_step(_LOAD, argument), *tests, _step(_RETURN, action), _step(_RETURN, ALLOW)]
    return [_step(_EQUAL, _calls().judged[name], 0, len(inside)), *inside]


def _refusals(action: int) -> list[bytes]:
    """Return the end of the filter: refuse ranges of numbers, allow all other calls."""
    ranges: list[list[int]] = []
    for number in sorted(_calls().refused):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    steps = []
    for low, high in ranges:
        steps += [_step(_AT_LEAST, low, 0, 2), _step(_GREATER, high, 1), _step(_RETURN, action)]
    return [*steps, _step(_RETURN, ALLOW)]


def install(code: bytes, flags: int = 0) -> int:
    """Install a filter permanently; the result is a descriptor if ``flags`` requests one.

    Parameters
    ----------
    code : bytes
        The filter.
    flags : int, default 0
        Flags of seccomp(2).

    Raises
    ------
    NotConfined
        The kernel refused it.
    """
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    return _must(_call(_calls().numbers["seccomp"], 1, flags, head), "seccomp")


# -------------------------------------------------------------------------- capabilities


def _drop_capabilities() -> None:
    capabilities = _KEPT_CAPABILITIES if os.geteuid() == 0 else 0
    for number in range(64):
        if not capabilities >> number & 1 and _prctl(_PR_CAPBSET_DROP, number) == -errno.EINVAL:
            break  # beyond the last one of this kernel
    _prctl(_PR_CAP_AMBIENT, 4)  # PR_CAP_AMBIENT_CLEAR_ALL
    header = struct.pack("=Ii", 0x20080522, 0)
    current = ctypes.create_string_buffer(24)
    if not offer().seccomp:  # no table of system call numbers
        return
    capset = _calls().numbers["capset"]
    _must(_call(capset - 1, header, current), "the capabilities")  # capget
    low, high = (struct.unpack_from("=I", current, at)[0] for at in (4, 16))
    permitted = (low | high << 32) & capabilities
    words = (permitted & 0xFFFFFFFF, permitted >> 32)
    sets = [w for word in words for w in (word, word, 0)]
    _must(_call(capset, header, struct.pack("=6I", *sets)), "the capabilities")


# ----------------------------------------------------------------------------- the kernel


@functools.cache
def _calls() -> syscalls.Calls:
    table = syscalls.calls(platform.machine())
    if table is None:
        raise NotConfined(f"no table of system calls for {platform.machine()}")
    return table


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """Make a system call by number; return the negative error number if it fails."""
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_libc().syscall(ctypes.c_long(number), *plain))
    return result if result >= 0 else -ctypes.get_errno()


def _prctl(option: int, value: int) -> int:
    arguments = [ctypes.c_ulong(n) for n in (value, 0, 0, 0)]
    result = int(_libc().prctl(option, *arguments))
    return result if result >= 0 else -ctypes.get_errno()


def _must(result: int, step: str) -> int:
    if result < 0:
        raise NotConfined(f"{step} cannot be had: {os.strerror(-result)}")
    return result
