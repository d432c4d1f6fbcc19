"""An existing output file, open for sequential writing.

Covers opening without following links or blocking, appending, writing the head last, the SHA-256
of the file, and converting system errors to ours. Not covered: creating the file and publishing it
(``batch``), or any format. Standard library only.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from functools import partial

from divere_cli.errors import NoSpace, OutputError
from divere_cli.image.closing import Closing
from divere_cli.image.parallel import Parallel

_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
START_BYTES = 8 << 20
# this far behind, the device has stored the data, unless it is slower than the grade
KEPT_BYTES = 4 * START_BYTES
# hashing these takes 0.1 to 0.6 ms, handing them to another thread 0.05
_BESIDE_BYTES = 256 << 10
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Sink(Closing):
    """A regular file, emptied and open for writing. A context manager.

    Raises
    ------
    NoSpace, OutputError
        It cannot be opened, is not a regular file, or the device fails.
    """

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(path, _FLAGS)
        except OSError as error:
            raise failure("cannot be opened for writing", error) from error
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise OutputError("the output is not a regular file")
        try:
            os.ftruncate(self._fd, 0)
        except OSError as error:
            os.close(self._fd)
            raise failure("cannot be emptied", error) from error
        self.size = 0
        self._started = self._forgotten = 0
        self._hash = hashlib.sha256()
        self._promised = b""
        self._hash_is_of_file = True  # the hashed bytes equal the file
        self._parallel = Parallel()

    def share(self, parallel: Parallel) -> None:
        """Hash on a thread of ``parallel`` while the system takes the data."""
        self._parallel = parallel

    def promise(self, blank: bytes, head: bytes) -> None:
        """Start with ``blank``, which ``head`` replaces at the end; ``head`` is empty if unknown.

        An unfinished file has no head; with a known one no byte is read again for the digest.
        """
        self._append(blank)
        self._promised = head
        self._hash_is_of_file = bool(head)
        self._hash.update(head)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append ``data``; return its offset."""
        if not self._hash_is_of_file:
            return self._append(data)
        if len(data) >= _BESIDE_BYTES:
            return self._parallel.both(
                partial(self._append, data), partial(self._hash.update, data)
            )
        start = self._append(data)
        self._hash.update(data)
        return start

    def _append(self, data: bytes | bytearray | memoryview) -> int:
        start = self.size
        view = memoryview(data).cast("B")
        while view:
            try:
                done = os.write(self._fd, view)
            except OSError as error:
                raise failure("cannot be written", error) from error
            self.size += done
            view = view[done:]
        if self.size - self._started >= START_BYTES:
            self._start_device()
        return start

    def _start_device(self) -> None:
        """Start to store the written data, and drop stored pages from the cache.

        The advice makes Linux write dirty pages without waiting, and drop clean
        ones; an error shows at fsync. Without the first the fsync of a 144 MB
        positive waits 85 ms, with it 10 ms. Without the second copying 4.2 GB
        costs 11.7 s of the system's time for fresh pages (measured in a virtual
        machine), with it 2.0 s; and the scans to come stay in the cache.
        """
        self._advise(self._started, self.size - self._started)
        self._started = self.size
        if self.size - self._forgotten >= KEPT_BYTES + START_BYTES:
            length = self.size - self._forgotten - KEPT_BYTES
            self._advise(self._forgotten, length)
            self._forgotten += length

    def _advise(self, offset: int, length: int) -> None:
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):
                os.posix_fadvise(self._fd, offset, length, os.POSIX_FADV_DONTNEED)

    def rewrite(self, offset: int, data: bytes) -> None:
        """Overwrite the bytes at ``offset``, and continue appending at the end."""
        self._hash_is_of_file = self._hash_is_of_file and offset == 0 and data == self._promised
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            raise failure("cannot be written", error) from error

    def finish(self) -> int:
        """Flush to the device and close; return the size.

        A failed fsync is never tried again: the kernel has dropped the pages. The
        cache forgets a large file whole: a roll of 24-megapixel scans took 13 % less
        time so, one of 6-megapixel scans 20 % and more (the next one's pages are warm).
        """
        try:
            os.fsync(self._fd)
            if self._started:
                self._advise(self._forgotten, self.size - self._forgotten)
        except OSError as error:
            raise failure("cannot be flushed to the device", error) from error
        finally:
            self.close()
        return self.size

    def sha256(self) -> str:
        """Return the digest of the file in hexadecimal; call it before :meth:`finish`.

        Read back from the file where its head was not known before its end.
        """
        if self._hash_is_of_file:
            return self._hash.hexdigest()
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            with open(self._fd, "rb", buffering=0, closefd=False) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise failure("cannot be read back", error) from error

    def close(self) -> None:
        """Close without flushing; does nothing if closed."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                os.close(fd)
            except OSError as error:
                raise failure("cannot be closed", error) from error


def failure(event: str, error: OSError) -> NoSpace | OutputError:
    """Return our error for a system error during writing.

    Parameters
    ----------
    event : str
        What could not be done.
    error : OSError
        The system error.
    """
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return NoSpace(f"the output {event}: {reason}")
    return OutputError(f"the output {event}: {reason}")
