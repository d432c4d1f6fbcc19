"""``--frames find``: find the frames of a run's scans once and remember them in OUTPUT.

Covers which scans are searched (not those whose preset has crops set by a person), the
results of earlier runs, and the chooser that puts the crops into the plan. A scan without
found frames is graded whole. Results are stored by path, size and modification time, so
that a second run does nothing. The search itself is in :mod:`divere_cli.frames`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from divere_cli.batch import discover, framing
from divere_cli.batch.flat_field import Light
from divere_cli.batch.framing import FrameSearch, Page
from divere_cli.batch.request import BatchRequest, Chooser
from divere_cli.errors import DivereError
from divere_cli.files import durable, regular
from divere_cli.frames import answer
from divere_cli.frames.answer import FoundScan, FrameRequest
from divere_cli.image import header as headers
from divere_cli.image.layout import Header
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.records.job import InputTransfer, Limits, Stamp
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.serialize import from_plain, to_plain
from divere_cli.system import cpus

if TYPE_CHECKING:
    from divere_cli.profile.select import Selection

NAME = ".divere-frames.json"
WHOLE = (0.0, 0.0, 1.0, 1.0)
NONE_FOUND = "no frames were found on it: graded whole"
NOT_LOOKED = "its frames are searched when the run begins"


class Framed:
    """A chooser that cuts scans into the frames that were found.

    Parameters
    ----------
    inner : Chooser
    found : dict
        The frames of each picture of a file; None if it was not searched yet.
    deskew : bool
        Whether to level each picture; an unsure one is not turned.
    """

    def __init__(
        self, inner: Chooser, frames: dict[Page, FoundScan | None], *, deskew: bool = False
    ) -> None:
        self._inner = inner
        self._frames = frames
        self._deskew = deskew

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return warnings of entries in presets files that fit no scan."""
        return self._inner.unmatched(scans)

    def choose(self, scan_path: str, header: Header) -> Selection:
        """Return the selection cut into the found frames; see :meth:`.request.Chooser.choose`."""
        selection = self._inner.choose(scan_path, header)
        page = os.path.abspath(scan_path), header.picture
        if cut(selection) or page not in self._frames:
            return selection
        scan = self._frames[page]
        if scan is None:
            return replace(selection, warnings=(*selection.warnings, NOT_LOOKED))
        if not scan.frames:
            return replace(selection, warnings=(*selection.warnings, NONE_FOUND))
        whole_frame = selection.frames[0]
        frames = tuple(
            replace(
                whole_frame,
                crop=frame.crop,
                crop_name=frame.id,
                turn=frame.turn if self._deskew and frame.sure else 0.0,
            )
            for frame in scan.frames
        )
        unsure = tuple(
            f"frame {frame.id} is not sure and kept whole: {frame.why}"
            for frame in scan.frames
            if not frame.sure
        )
        return replace(selection, frames=frames, warnings=(*selection.warnings, *unsure))


@dataclass(slots=True)
class FoundFrames:
    """Found frames to be saved; ``request`` has a chooser that uses them."""

    request: BatchRequest
    text: bytes = b""

    def save(self) -> None:
        """Save the frames in OUTPUT; if that fails, the next run searches again."""
        if self.text:
            path = os.path.join(self.request.outputs.folder, NAME)
            with contextlib.suppress(OSError):
                durable.write_atomic(path, self.text, replace=True)


def planned(request: BatchRequest, light: Light | None, *, look: bool = True) -> FoundFrames:
    """Look for the frames of a run's scans.

    Parameters
    ----------
    request : BatchRequest
    light : Light or None
        Light of ``--flat-field``: frames are searched in even light.
    look : bool
        Whether to search scans that no run has searched; False for ``--dry-run``.

    Raises
    ------
    RunError
        INPUT is missing; no isolation.
    """
    if request.frames is None:
        return FoundFrames(request)
    settings = f"{answer.VERSION} {request.frames} {light.key if light else ''}"
    remembered = _remembered(request.outputs.folder, settings)
    frames: dict[Page, FoundScan | None] = {}
    entries: dict[str, Any] = {}
    folders: dict[str, list[Page]] = {}
    stamps: dict[Page, Stamp] = {}
    for page, stamp in _pages(request):
        before = remembered.get(_name(page))
        if before is not None and before["stamp"] == [stamp.size, stamp.mtime_ns]:
            entries[_name(page)] = before
            frames[page] = from_plain(FoundScan, before["found"])
        else:
            frames[page] = None
            stamps[page] = stamp
            folders.setdefault(os.path.dirname(page[0]), []).append(page)
    text = b""
    if look and folders:
        search = _search(request, light)
        for pages in folders.values():
            for page, scan in framing.look(search, pages).items():
                if isinstance(scan, ErrorRecord):
                    del frames[page]  # grading will report its problem
                    continue
                frames[page] = scan
                stamp = stamps[page]
                entries[_name(page)] = {
                    "stamp": [stamp.size, stamp.mtime_ns],
                    "found": to_plain(scan),
                }
        text = (json.dumps({"asked": settings, "scans": entries}, indent=1) + "\n").encode("ascii")
    return FoundFrames(
        replace(request, chooser=Framed(request.chooser, frames, deskew=request.deskew)), text
    )


def cut(chosen: Selection) -> bool:
    """Return whether a preset itself defines the crops of a scan.

    Parameters
    ----------
    chosen : Selection
        The preset that was chosen.
    """
    first = chosen.frames[0]
    return len(chosen.frames) > 1 or bool(first.crop_name) or first.crop != WHOLE


def _name(page: Page) -> str:
    """Return the key under which the frames of a picture are saved."""
    path, picture = page
    return f"{picture}:{path}" if picture else path


def _pages(request: BatchRequest) -> list[tuple[Page, Stamp]]:
    """Return the pictures to search: those of files whose preset has no crops."""
    pages: list[tuple[Page, Stamp]] = []
    for scan in discover.find(request.inputs, request.outputs.folder).scans:
        if scan.problem is not None or scan.picture:
            continue
        try:
            header = headers.read(scan.path, request.inputs.max_pixels)
            selection = request.chooser.choose(scan.path, header)
        except DivereError:
            continue  # planning reports it
        if cut(selection):
            continue
        count = header.pictures if request.inputs.pages == "all" else 1
        path = os.path.abspath(scan.path)
        pages += [((path, picture), scan.stamp) for picture in range(count)]
    return pages


def _search(request: BatchRequest, light: Light | None) -> FrameSearch:
    isolation = request.isolation
    return FrameSearch(
        expected=FrameRequest(request.frames or "auto"),
        encoding=request.outputs.encoding,
        isolation=IsolationRequest(
            isolation.requested,
            isolation.start_method,
            jobs=request.bounds.jobs or cpus.usable(),
            sandbox=isolation.sandbox,
        ),
        limits=Limits(wall_seconds=request.bounds.timeout_seconds),
        max_pixels=request.inputs.max_pixels,
        light=light.measured() if light else None,
        transfer=InputTransfer(request.inputs.transfer),
        stopped=request.host.stopped,
    )


def _remembered(folder: str, settings: str) -> dict[str, Any]:
    """Return frames saved by earlier runs with the same settings; empty if there are none."""
    try:
        with open(os.path.join(folder, NAME), "rb", opener=regular.opener) as file:
            data = json.load(file)
        scans = data["scans"] if data["asked"] == settings else {}
        for entry in scans.values():
            from_plain(FoundScan, entry["found"])
            list(entry["stamp"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(scans)
