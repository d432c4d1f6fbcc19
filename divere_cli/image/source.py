"""An input file open for reading: exact reads at an offset, or an error that names it.

Covers opening without blocking on a pipe or a device, positioned reads into new bytes or into a
reused buffer, and converting system errors to ours. Independent of formats. Standard library only.
"""

from __future__ import annotations

import os
import stat
import threading

from divere_cli.errors import CorruptInput, Unreadable
from divere_cli.image.closing import Closing

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)

_turn = threading.Lock()


def _read_at(fd: int, view: memoryview, offset: int) -> int:
    """Read into ``view``, by any thread."""
    return os.preadv(fd, [view], offset)


def _seek_and_read(fd: int, view: memoryview, offset: int) -> int:
    """Do the same if a descriptor has one position for all readers (Windows)."""
    with _turn:
        os.lseek(fd, offset, os.SEEK_SET)
        data = os.read(fd, min(len(view), 1 << 22))
    view[: len(data)] = data
    return len(data)


_read_into = _read_at if hasattr(os, "preadv") else _seek_and_read


class Source(Closing):
    """A regular file, open for positioned reads. A context manager.

    Parameters
    ----------
    path : str
        Path of the file. Links are followed: discovering scans decides which files are opened.

    Raises
    ------
    Unreadable
        When it cannot be opened, or is not a regular file.
    """

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(path, _FLAGS)
        except OSError as error:
            raise Unreadable(f"cannot be opened: {error.strerror}") from error
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise Unreadable("is not a regular file")
        self.size = status.st_size

    def read(self, offset: int, length: int, name: str = "the file") -> bytes:
        """Read exactly ``length`` bytes at ``offset``.

        Raises
        ------
        CorruptInput
            ``name`` is partly or completely after the end of the file.
        Unreadable
            When the device fails.
        """
        self.inside(offset, length, name)
        buffer = bytearray(length)
        self.read_into(offset, memoryview(buffer), name)
        return bytes(buffer)

    def read_into(self, offset: int, view: memoryview, name: str = "the file") -> None:
        """Fill ``view`` with the bytes at ``offset``; errors as :meth:`read`."""
        self.inside(offset, len(view), name)
        done = 0
        while done < len(view):
            try:
                got = _read_into(self._fd, view[done:], offset + done)
            except OSError as error:
                raise Unreadable(f"{name} cannot be read: {error.strerror}") from error
            if not got:
                raise CorruptInput(f"{name} ends after the end of the file")
            done += got

    def inside(self, offset: int, length: int, name: str) -> None:
        """Raise CorruptInput unless the bytes are inside the file as it was when opened."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise CorruptInput(
                f"{name} ends after the end of the file (at byte {offset + length} of {self.size})"
            )

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
