"""``--frames find``: the crops of a run's scans, looked for once and remembered in OUTPUT.

Covers which scans are looked at (not those whose preset has crops, which are a person's),
what earlier runs found, and the chooser that puts the crops into the plan. A scan whose
frames are not found is graded whole. Remembered by path, size and time of change, so that
a second run does nothing. What is found: :mod:`divere_cli.frames`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from divere_cli.batch import discover, framing
from divere_cli.batch.flat_field import Light
from divere_cli.batch.framing import Looking, Page
from divere_cli.batch.request import BatchRequest, Chooser
from divere_cli.errors import DivereError
from divere_cli.files import durable, regular
from divere_cli.frames import answer
from divere_cli.frames.answer import FoundScan, Wanted
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
NOT_LOOKED = "its frames are looked for when the run begins"

Told = Callable[[str], None]


class Framed:
    """A chooser that cuts scans into the frames that were found.

    Parameters
    ----------
    inner : Chooser
    found : dict
        The frames of each picture of a file; None where they are not looked for yet.
    deskew : bool
        Whether to take off what each picture is turned by; one that is not sure is not
        turned.
    """

    def __init__(
        self, inner: Chooser, found: dict[Page, FoundScan | None], *, deskew: bool = False
    ) -> None:
        self._inner = inner
        self._found = found
        self._deskew = deskew

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return warnings of entries in presets files that fit no scan."""
        return self._inner.unmatched(scans)

    def choose(self, scan_path: str, header: Header) -> Selection:
        """Raise ``ProfileError`` where no profile can serve."""
        chosen = self._inner.choose(scan_path, header)
        page = os.path.abspath(scan_path), header.picture
        if cut(chosen) or page not in self._found:
            return chosen
        scan = self._found[page]
        if scan is None:
            return replace(chosen, warnings=(*chosen.warnings, NOT_LOOKED))
        if not scan.frames:
            return replace(chosen, warnings=(*chosen.warnings, NONE_FOUND))
        whole = chosen.frames[0]
        frames = tuple(
            replace(
                whole,
                crop=one.crop,
                crop_name=one.id,
                turn=one.turn if self._deskew and one.sure else 0.0,
            )
            for one in scan.frames
        )
        unsure = tuple(
            f"frame {one.id} is not sure and kept whole: {one.why}"
            for one in scan.frames
            if not one.sure
        )
        return replace(chosen, frames=frames, warnings=(*chosen.warnings, *unsure))


@dataclass(slots=True)
class FoundFrames:
    """What was found, to be remembered; ``request`` has the chooser that cuts by it."""

    request: BatchRequest
    text: bytes = b""

    def save(self) -> None:
        """Remember it in OUTPUT; without it the next run looks again."""
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
        Of ``--flat-field``: frames are looked for in even light.
    look : bool
        Whether to look at scans that no run has looked at; not for ``--dry-run``.

    Raises
    ------
    RunError
        INPUT is missing; no isolation.
    """
    if request.frames is None:
        return FoundFrames(request)
    asked = f"{answer.VERSION} {request.frames} {light.key if light else ''}"
    known = _remembered(request.outputs.folder, asked)
    found: dict[Page, FoundScan | None] = {}
    kept: dict[str, Any] = {}
    folders: dict[str, list[Page]] = {}
    stamps: dict[Page, Stamp] = {}
    for page, stamp in _pages(request):
        before = known.get(_name(page))
        if before is not None and before["stamp"] == [stamp.size, stamp.mtime_ns]:
            kept[_name(page)] = before
            found[page] = from_plain(FoundScan, before["found"])
        else:
            found[page] = None
            stamps[page] = stamp
            folders.setdefault(os.path.dirname(page[0]), []).append(page)
    text = b""
    if look and folders:
        looking = _looking(request, light)
        for pages in folders.values():
            for page, scan in framing.look(looking, pages).items():
                if isinstance(scan, ErrorRecord):
                    del found[page]  # grading will say what is wrong with it
                    continue
                found[page] = scan
                stamp = stamps[page]
                kept[_name(page)] = {"stamp": [stamp.size, stamp.mtime_ns], "found": to_plain(scan)}
        text = (json.dumps({"asked": asked, "scans": kept}, indent=1) + "\n").encode("ascii")
    return FoundFrames(
        replace(request, chooser=Framed(request.chooser, found, deskew=request.deskew)), text
    )


def cut(chosen: Selection) -> bool:
    """Return whether a preset itself says which pictures a scan has.

    Parameters
    ----------
    chosen : Selection
        The preset that was chosen.
    """
    first = chosen.frames[0]
    return len(chosen.frames) > 1 or bool(first.crop_name) or first.crop != WHOLE


def _name(page: Page) -> str:
    """Return what a picture of a file is remembered by."""
    path, picture = page
    return f"{picture}:{path}" if picture else path


def _pages(request: BatchRequest) -> list[tuple[Page, Stamp]]:
    """Return the pictures to look at: of files whose preset has no crops of its own."""
    found: list[tuple[Page, Stamp]] = []
    for scan in discover.find(request.inputs, request.outputs.folder).scans:
        if scan.problem is not None or scan.picture:
            continue
        try:
            header = headers.read(scan.path, request.inputs.max_pixels)
            chosen = request.chooser.choose(scan.path, header)
        except DivereError:
            continue  # planning says it
        if cut(chosen):
            continue
        count = header.pictures if request.inputs.pages == "all" else 1
        path = os.path.abspath(scan.path)
        found += [((path, picture), scan.stamp) for picture in range(count)]
    return found


def _looking(request: BatchRequest, light: Light | None) -> Looking:
    isolation = request.isolation
    return Looking(
        wanted=Wanted(request.frames or "auto"),
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


def _remembered(folder: str, asked: str) -> dict[str, Any]:
    """What earlier runs found, under the same question; nothing where that is not known."""
    try:
        with open(os.path.join(folder, NAME), "rb", opener=regular.opener) as file:
            data = json.load(file)
        scans = data["scans"] if data["asked"] == asked else {}
        for entry in scans.values():
            from_plain(FoundScan, entry["found"])
            list(entry["stamp"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(scans)
