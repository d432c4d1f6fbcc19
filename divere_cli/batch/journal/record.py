"""The records of a journal: what one line says.

Field names are stored: renamed, a journal of an earlier version says nothing. Reading lines
is in :mod:`.lines`, what follows from them in :mod:`.state`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.image.layout import Header
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from divere_cli.records.outcome import FilmEdge
from divere_cli.records.serialize import LATER


@dataclass(frozen=True, slots=True)
class OutputStamp:
    """An output as it was published; ``name`` is relative to OUTPUT."""

    name: str
    size: int
    mtime_ns: int
    sha256: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Further:
    """One further output of a scan: the key of the work, and the names of its files."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A final failure: the scan's stamp, the key of the work, and the version of divere."""

    input: str
    size: int
    mtime_ns: int
    key: str
    version: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak memory of a worker: kind of scan, raw size of its pixels and peak, in bytes."""

    sort: str
    raw_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Done:
    """One scan that is done.

    ``input`` is its name below INPUT, ``path`` its path, ``key`` the key of the work
    (:func:`.staleness.key`), ``header`` the file's header, valid while its stamp is the
    same, ``peak`` the memory that later runs learn from, ``basis`` the digest of the
    inputs of its roll's decision (:func:`.staleness.basis`), ``grade`` the version of the
    grade that made the outputs, ``decided`` the decision for the scan and its roll, which
    later runs keep, ``film_edge`` the code at the film's edge, ``no_edge_code`` whether the
    edge was read and shows none; both are valid while the stamp is the same.
    """

    input: str
    path: str
    stamp: Stamp
    key: str
    outputs: tuple[OutputStamp, ...]
    header: Header
    profile: ProfileRef
    sha256: str = ""
    peak: Peak | None = None
    basis: str = ""
    also: tuple[Further, ...] = field(default=(), metadata=LATER)
    grade: int = field(default=1, metadata=LATER)
    decided: str = field(default="", metadata=LATER)
    film_edge: FilmEdge | None = field(default=None, metadata=LATER)
    no_edge_code: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is a record; a ``done`` line has the whole record in ``done``.

    Lines ``run`` and ``end`` have the id of the ``run``; a ``run`` line has the time at which
    it ``started``, an ``end`` line its unparsed ``figures``; earlier versions wrote neither.
    """

    kind: Literal["run", "publish", "done", "failed", "kept", "end"]
    scan: str = ""
    outputs: tuple[OutputStamp, ...] = ()
    done: Done | None = None
    failure: Failure | None = None
    kept: tuple[str, ...] = ()
    run: str = ""
    started: str = ""
    figures: object = None
