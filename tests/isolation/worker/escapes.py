"""What a decoder that was taken over would try. Runs in a real worker, in its place.

Imported by a ``.pth`` file of a venv that the test makes: it wraps OpenColorIO's
``CPUProcessor.apply``, which a worker calls after it has read its scan; the first call tries
everything and raises what it could do, as the scan's error. ``escape_targets`` (beside it)
says what there is to reach. Each escape returns where it worked and raises where it did not;
none of them harms what it reaches.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import mmap
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

ESCAPES: dict[str, Callable[[], object]] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
BATCH = os.getppid()  # of the process that workers are copied from, at its import
NUMBERS = {
    "x86_64": {
        "pidfd_send_signal": 424, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298,
        "keyctl": 250, "io_uring_setup": 425, "clone": 56, "setxattr": 188,
        "process_vm_readv": 310, "fchmodat2": 452, "file_setattr": 469, "tkill": 200,
    },
    "aarch64": {
        "pidfd_send_signal": 424, "bpf": 280, "userfaultfd": 282, "perf_event_open": 241,
        "keyctl": 219, "io_uring_setup": 425, "clone": 220, "setxattr": 5,
        "process_vm_readv": 270, "fchmodat2": 452, "file_setattr": 469, "tkill": 130,
    },
}.get(os.uname().machine, {})  # fmt: skip


def targets():  # type: ignore[no-untyped-def]
    return importlib.import_module("escape_targets")


def escape(function: Callable[[], object]) -> Callable[[], object]:
    ESCAPES[function.__name__.strip("_").replace("_", "-")] = function
    return function


def must(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def call(name: str, *arguments: object) -> int:
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return must(LIBC.syscall(ctypes.c_long(NUMBERS[name]), *plain))


def in_child(what: Callable[[], object]) -> None:
    """What one thread alone may do, in a process of its own, which must be had first."""
    pid = os.fork()
    if pid == 0:
        try:
            what()
        except BaseException:  # noqa: BLE001
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        raise PermissionError(errno.EPERM, "in the child")


# ------------------------------------------------------------------------------ reading


@escape
def read_other_scan() -> object:
    return Path(targets().OTHER_SCAN).read_bytes()


@escape
def read_home() -> object:
    return Path(targets().HOME_FILE).read_bytes()


@escape
def read_etc_passwd() -> object:
    return Path("/etc/passwd").read_bytes()


@escape
def read_other_output() -> object:
    return Path(targets().OTHER_OUTPUT).read_bytes()


@escape
def read_journal() -> object:
    return next(Path(targets().OUTPUT).glob(".divere-journal*")).read_bytes()


@escape
def list_input() -> object:
    return os.listdir(targets().INPUT)


@escape
def list_output() -> object:
    return os.listdir(targets().OUTPUT)


@escape
def parent_environ() -> object:
    return Path(f"/proc/{BATCH}/environ").read_bytes()


def _read_memory(pid: int) -> object:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "[stack]" in line:
            start = int(line.split("-")[1].split()[0], 16) - 4096
            with open(f"/proc/{pid}/mem", "rb") as memory:
                memory.seek(start)
                return memory.read(16)
    raise LookupError("no stack")


@escape
def parent_memory() -> object:
    return _read_memory(BATCH)


@escape
def sibling_memory() -> object:
    return _read_memory(targets().SIBLING)


@escape
def sibling_vm_readv() -> object:
    stack = next(
        line for line in Path(f"/proc/{targets().SIBLING}/maps").read_text().splitlines()
        if "[stack]" in line
    ) if os.access(f"/proc/{targets().SIBLING}/maps", os.R_OK) else "0-7ffffffff000"  # fmt: skip
    buffer = ctypes.create_string_buffer(16)
    end = int(stack.split("-")[1].split()[0], 16)
    here = struct.pack("=QQ", ctypes.addressof(buffer), 16)
    there = struct.pack("=QQ", end - 4096, 16)
    return call("process_vm_readv", targets().SIBLING, here, 1, there, 1, 0)


@escape
def sibling_ptrace() -> object:
    LIBC.ptrace.restype = ctypes.c_long
    pid = targets().SIBLING
    must(LIBC.ptrace(ctypes.c_long(0x4206), ctypes.c_long(pid), None, None))  # PTRACE_SEIZE
    LIBC.ptrace(ctypes.c_long(0x4207), ctypes.c_long(pid), None, None)  # PTRACE_INTERRUPT
    os.waitpid(pid, 0x40000000)
    return must(LIBC.ptrace(ctypes.c_long(17), ctypes.c_long(pid), None, None))  # PTRACE_DETACH


# ------------------------------------------------------------------------------ writing


@escape
def write_scan() -> object:
    return open(targets().SCAN, "r+b").close()


@escape
def write_other_scan() -> object:
    return open(targets().OTHER_SCAN, "r+b").close()


@escape
def write_other_output() -> object:
    return open(targets().OTHER_OUTPUT, "r+b").close()


@escape
def write_tmp() -> object:
    return Path(targets().TMP, "written").write_bytes(b"x")


@escape
def write_shm() -> object:
    path = Path("/dev/shm", f"divere-escape-{os.getpid()}")
    path.write_bytes(b"x")
    return path.unlink()


@escape
def create_in_input() -> object:
    return Path(targets().INPUT, "created.txt").write_bytes(b"x")


@escape
def create_in_output() -> object:
    return Path(targets().OUTPUT, "created.txt").write_bytes(b"x")


@escape
def mkdir_in_output() -> object:
    return os.mkdir(os.path.join(targets().OUTPUT, "made"))


@escape
def truncate_copy() -> object:
    return os.truncate(targets().COPIES[0], 0)


@escape
def unlink_copy() -> object:
    return os.unlink(targets().COPIES[1])


@escape
def rename_copy() -> object:
    return os.rename(targets().COPIES[2], targets().COPIES[2] + "-renamed")


@escape
def symlink_swap() -> object:
    place = targets().COPIES[3]
    os.unlink(place)
    return os.symlink(targets().HOME_FILE, place)


@escape
def hard_link() -> object:
    return os.link(targets().OTHER_SCAN, os.path.join(targets().OUTPUT, "linked"))


@escape
def chmod() -> object:
    return os.chmod(targets().COPIES[4], 0o600)


@escape
def fchmod() -> object:
    descriptor = os.open(targets().SCAN, os.O_RDONLY)  # which it may
    return os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode))


@escape
def fchmodat2() -> object:
    return call("fchmodat2", -100, os.fsencode(targets().COPIES[4]), 0o600, 0)


@escape
def utimes() -> object:
    return os.utime(targets().COPIES[4])


@escape
def setxattr() -> object:
    return os.setxattr(targets().COPIES[4], b"user.divere", b"x")


@escape
def mknod() -> object:
    return os.mknod(os.path.join(targets().TMP, "node"), stat.S_IFIFO | 0o600)


@escape
def device_node() -> object:
    return os.mknod(os.path.join(targets().TMP, "null"), stat.S_IFCHR | 0o600, os.makedev(1, 3))


@escape
def fd_reopen() -> object:
    descriptor = os.open(targets().SCAN, os.O_RDONLY)
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)


# ------------------------------------------------------------------------------ network


@escape
def tcp() -> object:
    with socket.create_connection(("127.0.0.1", targets().PORT), 5):
        return None


@escape
def udp() -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        return line.sendto(b"x", ("127.0.0.1", targets().PORT))


@escape
def unix() -> object:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect(targets().UNIX)


@escape
def unix_abstract() -> object:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect(targets().ABSTRACT)


@escape
def netlink() -> object:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


@escape
def listen() -> object:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.listen()


@escape
def _socketpair() -> object:
    for end in socket.socketpair():
        end.close()
    return None


# -------------------------------------------------------------------- processes, signals


@escape
def fork() -> object:
    return in_child(lambda: None)


@escape
def exec_() -> object:
    return subprocess.run(["/bin/true"], check=True)


@escape
def raw_clone() -> object:
    pid = call("clone", int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)


@escape
def memfd_exec() -> object:
    descriptor = os.memfd_create("program")
    os.write(descriptor, Path("/bin/true").read_bytes())
    pid = os.posix_spawn(f"/proc/self/fd/{descriptor}", ["true"], {})
    return os.waitpid(pid, 0)


@escape
def kill_parent() -> object:
    return os.kill(os.getppid(), 0)


@escape
def kill_batch() -> object:
    return os.kill(BATCH, 0)


@escape
def kill_sibling() -> object:
    return os.kill(targets().SIBLING, signal.SIGCONT)


@escape
def tkill_sibling() -> object:
    return call("tkill", targets().SIBLING, int(signal.SIGCONT))


@escape
def pidfd_signal() -> object:
    descriptor = os.pidfd_open(targets().SIBLING)
    return signal.pidfd_send_signal(descriptor, signal.SIGCONT)


@escape
def signal_by_owner() -> object:
    import fcntl

    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, targets().SIBLING)
    os.close(reading)
    return os.close(writing)


@escape
def leave_parent() -> object:
    return must(LIBC.prctl(1, 0, 0, 0, 0))  # PR_SET_PDEATHSIG


@escape
def dumpable() -> object:
    return must(LIBC.prctl(4, 1, 0, 0, 0))


# ------------------------------------------------------------------------------- kernel


@escape
def io_uring() -> object:
    return os.close(call("io_uring_setup", 4, ctypes.create_string_buffer(120)))


@escape
def bpf() -> object:
    attribute = struct.pack("=IIIII", 2, 4, 8, 1, 0) + bytes(100)  # an array map
    return os.close(call("bpf", 0, attribute, len(attribute)))


@escape
def userfaultfd() -> object:
    return os.close(call("userfaultfd", 1))


@escape
def perf_event() -> object:
    attribute = struct.pack("=IIQ", 1, 112, 0) + bytes(96)
    return os.close(call("perf_event_open", attribute, 0, -1, -1, 0))


@escape
def mount() -> object:
    place = os.fsencode(targets().TMP)
    must(LIBC.mount(b"none", place, b"tmpfs", 0, None))
    return must(LIBC.umount2(place, 2))


@escape
def unshare_user() -> object:
    return in_child(lambda: must(LIBC.unshare(0x10000000)))


@escape
def namespaces() -> object:
    return must(LIBC.unshare(0x04000000))  # CLONE_NEWUTS


@escape
def keyctl() -> object:
    return call("keyctl", 0, -3, 1)


@escape
def sysv_shm() -> object:
    identifier = must(LIBC.shmget(0, 4096, 0o1600))
    return must(LIBC.shmctl(identifier, 0, None))


@escape
def writable_code() -> object:
    return mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


@escape
def nice() -> object:
    return os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))


@escape
def raise_limit() -> object:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))


@escape
def chroot() -> object:
    return in_child(lambda: os.chroot(targets().TMP))


# -------------------------------------------------------------------------- what is held


@escape
def environment() -> object:
    return os.environ["DIVERE_ESCAPE_SECRET"]


@escape
def environment_stack() -> object:
    """What exec gave lies behind the name of the program, whatever os.environ says."""
    name = ctypes.c_void_p.in_dll(LIBC, "program_invocation_name").value
    assert name is not None
    reading, writing = os.pipe()
    place, found = name & ~0xFFF, b""
    for _ in range(64):  # a page at a time: the kernel refuses what is not there
        if LIBC.write(writing, ctypes.c_void_p(place), ctypes.c_size_t(4096)) != 4096:
            break
        found += os.read(reading, 4096)
        place += 4096
    os.close(reading)
    os.close(writing)
    if b"DIVERE_ESCAPE_SECRET" not in found:
        raise LookupError("not there")
    return found


@escape
def inherited_fd() -> object:
    """A descriptor of anything but its pipes, its own files and /dev/null."""
    own = {(os.stat(path).st_dev, os.stat(path).st_ino) for path in (targets().SCAN, os.devnull)}
    odd = []
    for number in range(3, 1024):
        try:
            found = os.fstat(number)
        except OSError:
            continue
        if stat.S_ISSOCK(found.st_mode) or stat.S_ISDIR(found.st_mode):
            odd.append(number)
        elif stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in own:
            named = found.st_nlink and found.st_dev == os.stat(targets().OUTPUT).st_dev
            odd += [number] if named else []
    if len(odd) < 2:  # one is its output
        raise LookupError("none")
    return odd


@escape
def server_socket() -> object:
    """The listening socket of a forkserver that takes anyone of the same user."""
    for path in Path(targets().TMPDIR).glob("pymp-*/*"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            return None
    raise LookupError("none")


def attempt() -> dict[str, str]:
    """Try all; empty where one worked, else why it did not."""
    came: dict[str, str] = {}
    for name, function in ESCAPES.items():
        try:
            function()
            came[name] = ""
        except Exception as problem:  # noqa: BLE001
            came[name] = f"{type(problem).__name__}: {problem}"
    return came


def install() -> None:
    """Take the place of the grade, in whatever process imports this."""
    import PyOpenColorIO

    turn, said = threading.Lock(), []

    def apply(self: object, *arguments: object) -> None:
        with turn:  # the grade has several threads; each of them ends with what the first found
            if not said:
                worked = [name for name, why in attempt().items() if not why]
                said.append(f"ESCAPED {len(ESCAPES)}: {' '.join(worked)} END")
        raise RuntimeError(said[0])

    PyOpenColorIO.CPUProcessor.apply = apply


if __name__ != "__main__" and "escape_targets" in {
    name.removesuffix(".py") for folder in sys.path if os.path.isdir(folder)
    for name in os.listdir(folder) if name.startswith("escape_targets")
}:  # fmt: skip
    install()
