"""The forkserver: a small process that imports everything once and is forked for each worker.

The forkserver of multiprocessing is not used. It listens on a socket in TMPDIR, through which
any process of the same user can run code of its choice; its clients wait for it without a
deadline; each of its children holds a pipe to the resource tracker. This one has a single
unnamed socket, inherited when it starts, and answers through a pipe sent with the request.

Order of the steps: the setup arrives as the first message; everything is imported and
prepared; then each request (four descriptors and a boot record) causes a fork. The worker's
pid, or the error that prevented the fork, is written to the request's status pipe, and later
its exit code. The server exits when its socket closes, and is killed with its supervisor.
"""

from __future__ import annotations

import array
import contextlib
import errno
import json
import os
import selectors
import signal
import socket
import struct
import time

from divere_cli.isolation.worker import main as worker
from divere_cli.isolation.worker import preload
from divere_cli.isolation.worker.preload import Setup
from divere_cli.records import serialize

LENGTH = struct.Struct("!I")
TOLD = struct.Struct("!Bi")  # a message on a status pipe: its kind and a number
PID, EXIT, ERROR = range(3)
LEAVE_SECONDS = 0.5
PIPES = 4  # sent with a request: orders, frames, output, status
_DESCRIPTORS = socket.CMSG_SPACE(PIPES * array.array("i").itemsize)


def send(line: socket.socket, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message, with copies of descriptors.

    Parameters
    ----------
    line : socket.socket
        The socket.
    data : bytes
        The message.
    descriptors : tuple of int, default ()
        The descriptors.

    Raises
    ------
    OSError
        The other end is closed, or its buffer is full.
    """
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    message = LENGTH.pack(len(data)) + data
    sent = line.sendmsg([message], rights if descriptors else [])
    if sent < len(message):
        line.sendall(message[sent:])


def receive(line: socket.socket) -> tuple[bytes, list[int]]:
    """Receive one message and its descriptors; both are empty once the connection is closed.

    Parameters
    ----------
    line : socket.socket
        The socket.
    """
    head, rights, _, _ = line.recvmsg(LENGTH.size, _DESCRIPTORS)
    descriptors = array.array("i")
    for level, kind, data in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if not head:
        return b"", []
    head += _exactly(line, LENGTH.size - len(head))
    return _exactly(line, LENGTH.unpack(head)[0]), list(descriptors)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            raise EOFError("the line ended within a message")
        data += part
    return data


class Server:
    """Forks a worker for each request, and reaps the workers."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._status: dict[int, int] = {}  # status pipe by worker pid
        self._bell, self._ringer = os.pipe()
        for end in (self._bell, self._ringer):
            os.set_blocking(end, False)
        # without a handler nothing is written to the wakeup descriptor
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._ringer, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Serve requests until the socket closes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._bell in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._bell, 4096)
                    self._reap()
                if self._line in ready:
                    request, pipes = receive(self._line)
                    if not request:
                        break
                    self._fork(request, pipes)
            deadline = time.monotonic() + LEAVE_SECONDS
            while self._status and time.monotonic() < deadline:
                self._reap()  # workers that have just ended
                time.sleep(0.001)

    def _fork(self, request: bytes, pipes: list[int]) -> None:
        *worker_pipes, status = pipes
        boot = serialize.from_plain(worker.Boot, json.loads(request))  # once here, not in a copy
        try:
            pid = os.fork()
        except OSError as problem:
            _report(status, ERROR, problem.errno or errno.EAGAIN)
            os.close(status)
        else:
            if pid == 0:
                _report(status, PID, os.getpid())  # before its hello, so that the pid arrives first
                self._be_worker(boot, worker_pipes, status)
            self._status[pid] = status
        for descriptor in worker_pipes:
            os.close(descriptor)

    def _be_worker(self, boot: worker.Boot, worker_pipes: list[int], status: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._line.close()
        for descriptor in (self._bell, self._ringer, status, *self._status.values()):
            os.close(descriptor)
        worker.main(boot, *worker_pipes)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            status_pipe = self._status.pop(pid, -1)
            if status_pipe >= 0:
                _report(status_pipe, EXIT, os.waitstatus_to_exitcode(status))
                os.close(status_pipe)


def _report(descriptor: int, kind: int, number: int) -> None:
    with contextlib.suppress(OSError):  # the supervisor has closed the pipe
        os.write(descriptor, TOLD.pack(kind, number))


def main(argument: str) -> None:
    """Run as the forkserver; never return.

    Parameters
    ----------
    argument : str
        Descriptor of its socket, as text.
    """
    line = socket.socket(fileno=int(argument))
    line.set_inheritable(False)
    with contextlib.suppress(ConnectionError, EOFError):
        data, _ = receive(line)
        if data:
            preload.prepare(serialize.from_plain(Setup, json.loads(data)))
            Server(line).serve()
    os._exit(0)  # no exit handlers: none is needed here
