"""Show what ``--frames find`` and ``--flat-field`` would do to a scan, for ``divere inspect``.

Covers the search in workers as in a batch, and the results as JSON and as text. Other
results are in ``inspect_view``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from divere_cli.image.layout import Header
from divere_cli.records.light import MOST_ASPECT, ODD_ASPECT, FlatFieldRecord, LightMap
from divere_cli.records.outcome import ErrorRecord
from divere_cli.text import safe

if TYPE_CHECKING:
    from divere_cli.batch.request import BatchRequest
    from divere_cli.frames.answer import FoundScan


@dataclass(frozen=True, slots=True)
class Looks:
    """Results: the frames of each file, by index of the file; the light of the flat field."""

    frames: dict[int, FoundScan] = field(default_factory=dict)
    light: LightMap | None = None
    record: FlatFieldRecord | None = None
    warnings: tuple[str, ...] = ()


def look(files: Sequence[str], *, frames: bool, film: str, flat_field: str | None) -> Looks:
    """Look for frames, and measure the light of a flat field.

    Parameters
    ----------
    files : sequence of str
        The scans.
    frames : bool
        Whether to look for frames.
    film : str
        Their format, or ``auto``.
    flat_field : str or None
        A picture of the light.

    Raises
    ------
    UsageError, PlanError
        The flat field cannot be used.
    """
    if not frames and flat_field is None:
        return Looks()
    from divere_cli.batch import flat_field as lights
    from divere_cli.batch.options import BatchOptions

    options = BatchOptions(
        flat_field=flat_field, frames="find" if frames else "off", film=film if frames else "auto"
    )
    request = options.request(files, ".")
    light = lights.of(request)
    measured = light.measured() if light is not None else None
    return Looks(
        _frames(request, files, measured) if frames else {},
        measured,
        light.record if light is not None else None,
        light.warnings if light is not None else (),
    )


def _frames(
    request: BatchRequest, files: Sequence[str], light: LightMap | None
) -> dict[int, FoundScan]:
    """Return the frames of the first picture of each file; errors are reported elsewhere."""
    from divere_cli.batch import framing
    from divere_cli.frames.answer import FrameRequest
    from divere_cli.isolation.runner import IsolationRequest
    from divere_cli.records.job import InputTransfer, Limits

    search = framing.FrameSearch(
        expected=FrameRequest(request.frames or "auto"),
        encoding=request.outputs.encoding,
        isolation=IsolationRequest("auto", jobs=1),
        limits=Limits(),
        light=light,
        transfer=InputTransfer(request.inputs.transfer),
    )
    answers = framing.look(search, [(name, 0) for name in dict.fromkeys(files)])
    return {
        index: scan
        for index, name in enumerate(files)
        if not isinstance(scan := answers[name, 0], ErrorRecord)
    }


def as_json(looks: Looks, index: int, header: Header) -> dict[str, Any]:
    """Return the keys that these options add to ``divere inspect --json`` for one file.

    Parameters
    ----------
    looks : Looks
        The results for all files.
    index : int
        Number of the file.
    header : Header
        Header of the scan.
    """
    made: dict[str, Any] = {}
    scan = looks.frames.get(index)
    if scan is not None:
        made["frames"] = {
            "film": scan.film or None,
            "turn": scan.turn,
            "frames": [
                {"id": f.id, "crop": list(f.crop), "turn": f.turn, "sure": f.sure, "why": f.why}
                for f in scan.frames
            ],
        }
    if looks.light is not None and looks.record is not None:
        made["flat_field"] = {
            "file": looks.record.file,
            "lowest": looks.record.lowest,
            "highest": looks.record.highest,
            "dust": looks.record.dust,
            "aspect_off": round(looks.light.aspect_off(header.width, header.height), 4),
            "fits": looks.light.aspect_off(header.width, header.height) <= MOST_ASPECT,
        }
    return made


def rows(looks: Looks, index: int, header: Header) -> list[tuple[str, str]]:
    """Return pairs of name and text for one file.

    Parameters
    ----------
    looks : Looks
        The results for all files.
    index : int
        Number of the file.
    header : Header
        Header of the scan.
    """
    made: list[tuple[str, str]] = []
    scan = looks.frames.get(index)
    if scan is not None:
        made.append(("frames", _frames_text(scan)))
        made += [
            ("warning", f"frame {safe(f.id)} is not sure and kept whole: {safe(f.why)}")
            for f in scan.frames
            if not f.sure
        ]
    if looks.light is not None and looks.record is not None:
        made += _light_rows(looks, looks.light, looks.record, header)
    return made


def _frames_text(scan: FoundScan) -> str:
    if not scan.frames:
        return "none found: the scan would be graded whole"
    sure = sum(frame.sure for frame in scan.frames)
    return f"{len(scan.frames)} of {scan.film}, {sure} sure, turned {scan.turn:+.2f} degrees"


def _light_rows(
    looks: Looks, light: LightMap, record: FlatFieldRecord, header: Header
) -> list[tuple[str, str]]:
    off = light.aspect_off(header.width, header.height)
    brightening = f"brightens by {record.lowest:.2f} to {record.highest:.2f} times"
    if record.dust:
        brightening += f", {record.dust:.2%} dust left out"
    made = [("flat field", brightening), *(("warning", text) for text in looks.warnings)]
    if off > MOST_ASPECT:
        made.append(("warning", f"its aspect differs by {off:.1%} from the flat field: would fail"))
    elif off > ODD_ASPECT:
        made.append(("warning", f"its aspect differs by {off:.1%} from the flat field"))
    return made
