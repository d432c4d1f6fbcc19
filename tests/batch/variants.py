"""Ways in which publishing could be wrong; the harness must catch each (``test_harness``).

``direct``: the worker writes under the output's own name. ``nofsync``: nothing
is synced. ``journalfirst``: a scan is recorded before its outputs have their
names. ``follow``: an output is written through whatever has its name.
``nopdeathsig``: a worker does not ask to die with its parent. ``imread``: scans
are read by a library that follows the names of other files in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from divere_cli.batch.publish import Publisher, Staged, Temp
from divere_cli.files import durable
from divere_cli.files.directory import ByDescriptor, Directory
from divere_cli.image.layout import Header
from divere_cli.image.reader import Band
from divere_cli.image.tiff import reader
from divere_cli.isolation.worker import hardening

Set = Callable[[object, str, object], None]


def apply(name: str, put: Set = setattr) -> None:
    """Make this process publish wrongly."""
    VARIANTS[name](put)


def _direct(put: Set) -> None:
    stage = Publisher._temp

    def temp(self: Publisher, output: str, place: Directory) -> Temp:
        made = stage(self, output, place)
        os.close(made.fd)
        place.unlink(made.file)
        fd = place.open(made.final, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        return Temp(replace(made.target, temp=made.target.path), fd)

    def discard(self: Publisher, staged: Staged) -> None:
        for each in staged.temps:
            os.close(each.fd)
        staged.place.close()

    put(Publisher, "_temp", temp)
    put(durable, "rename", lambda *_, **__: None)
    put(Publisher, "discard", discard)


def _nofsync(put: Set) -> None:
    put(os, "fsync", lambda fd: None)
    put(os, "fdatasync", lambda fd: None)
    put(durable, "sync", lambda fd: None)
    put(durable, "sync_folder", lambda place: None)


def _journalfirst(put: Set) -> None:
    def publish(self: Any, staged: Any, scan: str, may_replace: Any, done: Any) -> None:
        stamps = tuple(self._finish(temp) for temp in staged.temps)
        self._journal.done(done(stamps))
        for temp in staged.temps:
            self._rename(temp, staged.place, replace=may_replace(temp.target.name))
        durable.sync_folder(staged.place)

    put(Publisher, "publish", publish)


def _follow(put: Set) -> None:
    def rename(old: str, new: str, place: ByDescriptor, *, replace: bool) -> None:
        fd = place.open(old, os.O_RDONLY)
        data = os.read(fd, 1 << 20)
        os.close(fd)
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666, dir_fd=place._fd)
        os.write(out, data)
        os.close(out)
        os.unlink(old, dir_fd=place._fd)

    put(durable, "rename", rename)


def _nopdeathsig(put: Set) -> None:
    put(hardening, "die_with_parent", lambda expected: None)


def _imread(put: Set) -> None:
    import tifffile

    class Follower(reader.TiffReader):
        def __init__(self, path: str, header: Header, *_: object) -> None:
            super().__init__(path, header)
            self._path = path

        def bands(self, rows: int | None = None) -> Iterator[Band]:
            shape = (-1, self.header.height, self.header.width, self.header.channels)
            yield 0, tifffile.imread(self._path).reshape(shape)[-1]

    put(reader, "open_reader", Follower)


VARIANTS: dict[str, Callable[[Set], None]] = {
    "direct": _direct,
    "nofsync": _nofsync,
    "journalfirst": _journalfirst,
    "follow": _follow,
    "nopdeathsig": _nopdeathsig,
    "imread": _imread,
}
