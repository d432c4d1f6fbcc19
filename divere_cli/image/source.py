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

_SMALL = 128  # bytes: reads that are served from a block
_BLOCK = 512

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

    _block: tuple[int, bytes] = (0, b"")  # what was read ahead last, and where it begins
    _after = 0  # the end of the last small read

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
        if length <= _SMALL:
            begin, block = self._block
            at = offset - begin
            if 0 <= at <= len(block) - length:
                return block[at : at + length]
            if 0 <= offset - self._after <= _SMALL:
                return self._ahead(offset, length, name)[:length]
            self._after = offset + length
        buffer = bytearray(length)
        self.read_into(offset, memoryview(buffer), name)
        return bytes(buffer)

    def _ahead(self, offset: int, length: int, name: str) -> bytes:
        """Read a block that begins with what is asked for.

        Only where small reads follow one another, as in a JPEG's header (20 of them): the
        directories of a TIFF may lie anywhere.
        """
        buffer = bytearray(max(length, min(_BLOCK, self.size - offset)))
        try:
            self.read_into(offset, memoryview(buffer), name)
        except CorruptInput:  # the file is shorter than when it was opened
            del buffer[length:]
            self.read_into(offset, memoryview(buffer), name)
            return bytes(buffer)
        block = bytes(buffer)
        self._block, self._after = (offset, block), offset + len(block)
        return block

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
