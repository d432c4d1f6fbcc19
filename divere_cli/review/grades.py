"""The grade of a frame: as a batch would choose it, or as the page sent it.

Covers the selection as in ``divere batch``, measurements for scans without a preset, and
entries of the presets file as the page edits them: with all values written out, so that
DiVERE can open the file. Standard library only; pixels are read by workers.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.errors import ProfileError
from divere_cli.image.header import own_turn
from divere_cli.image.layout import Header
from divere_cli.profile import crops, document, inherit, library, loading, reading
from divere_cli.profile.crops import Cut
from divere_cli.profile.diagnostics import Findings, Place
from divere_cli.profile.schema import FOLDER_FILE
from divere_cli.profile.select import Selector
from divere_cli.profile.strict_json import Json
from divere_cli.profile.versions import upgrade
from divere_cli.records.grade import Recipe
from divere_cli.records.job import InputTransfer
from divere_cli.review.presets_file import Document, PresetsFile, State, reserved
from divere_cli.review.roll import Scan

SENT = "the preset in the request"
ENTRY, DEFAULT, MEASURED, SHIPPED = "entry", "folder_default", "measured", "shipped"


@dataclass(frozen=True, slots=True)
class Graded:
    """The pictures on one scan under one grade.

    ``source`` is ``entry``, ``folder_default``, ``measured``, ``shipped`` or ``sent``.
    ``gamma`` is the input gamma in the user's preset, None if it has none; ``turned`` is
    whether the preset has an orientation.
    """

    cuts: tuple[Cut, ...]
    source: str
    profile: str = ""
    gamma: float | None = None
    turned: bool = False

    def cut(self, index: int) -> Cut:
        """Return the picture ``index``; the last one if there are fewer."""
        return self.cuts[min(max(0, index), len(self.cuts) - 1)]

    def transfer(self, cut: Cut) -> InputTransfer:
        """Return how samples relate to light for a picture, as in a batch."""
        return InputTransfer.of("auto", self.gamma, cut.recipe.input_space.gamma)

    def tag(self, header: Header | None) -> tuple[bool, int]:
        """Return whether the file's own tag mirrors the scan, and the degrees it turns it by."""
        return (False, 0) if self.turned else own_turn(header)


class Grades:
    """Grades of one folder's scans. Any thread may call."""

    def __init__(self, file: PresetsFile) -> None:
        self.file = file
        self._turn = threading.Lock()
        self._selector: tuple[int, Selector] | None = None
        self._measured: Document = {}

    def measured(self) -> Document:
        """Return the measured entries of scans without a preset, by name."""
        return self._measured

    def take_measured(self, entries: Document) -> None:
        """Store the entries that ``divere analyze`` made."""
        self._measured = {n: e for n, e in entries.items() if not reserved(n)}

    def of(self, scan: Scan) -> Graded:
        """Return the current grade of a scan.

        Raises
        ------
        ProfileError
            Its entry cannot be used.
        """
        state = self.file.read()
        if state.problem:
            raise ProfileError(state.problem)
        source = self.source(state, scan.name)
        if source == MEASURED:
            graded = self.sent(self._measured[scan.name], scan)
            return replace(graded, source=MEASURED)
        with self._turn:
            selection = self._chooser(state).choose(scan.path, scan.header)
        return Graded(
            tuple(selection.frames),
            source,
            selection.profile.name,
            selection.gamma,
            selection.turned,
        )

    def source(self, state: State, name: str) -> str:
        """Return where a scan's grade comes from."""
        if state.entry(name) is not None:
            return ENTRY
        if state.document.get("folder_default") is not None:
            return DEFAULT
        return MEASURED if name in self._measured else SHIPPED

    def sent(self, value: Json, scan: Scan) -> Graded:
        """Return the grade that the page sent; ProfileError explains what is wrong with it."""
        preset = loading.preset(value, SENT)
        channels = scan.header.channels if scan.header is not None else 3
        cuts = crops.cuts(preset, channels=channels).cuts
        completed = inherit.complete(preset)
        return Graded(
            cuts, "sent", preset.label, reading.gamma(completed), reading.turned(completed)
        )

    def described(self, scan: Scan) -> dict[str, Any]:
        """Return a frame as the page edits it: its entry, and its values as plain numbers."""
        state = self.file.read()
        graded = self.of(scan)
        stored: Json = None
        if graded.source == ENTRY:
            stored = state.entry(scan.name)
        elif graded.source == MEASURED:
            stored = self._measured[scan.name]
        entry = _upgraded(stored) if stored is not None else _spelled(graded, scan)
        return {
            "version": state.version,
            "name": scan.name,
            "source": graded.source,
            "profile": graded.profile,
            "entry": entry,
            "pictures": [_figures(cut, scan, graded) for cut in graded.cuts],
        }

    def _chooser(self, state: State) -> Selector:
        """Return the selector of presets for this state of the file."""
        if self._selector is None or self._selector[0] != state.version:
            self._selector = (state.version, Selector())
        return self._selector[1]


def profiles() -> list[dict[str, Any]]:
    """Return the shipped profiles as the page lists them."""
    return [_listed(name) for name in library.names()]


def profile(name: str) -> dict[str, Any]:
    """Return a shipped profile with all values written out.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    ProfileError
        There is no profile of that name.
    """
    recipe = crops.cuts(library.load(name)).cuts[0].recipe
    return {
        "name": name,
        "film_type": recipe.film.name,
        **document.ours(recipe),
        **document.grade(recipe),
    }


def in_folder(path: str) -> str:
    """Return the name of the presets file in a folder.

    Parameters
    ----------
    path : str
        Path of the folder.
    """
    return f"{path}/{FOLDER_FILE}"


def _listed(name: str) -> dict[str, Any]:
    metadata = library.load(name).metadata
    title = metadata.title if metadata is not None else None
    group = metadata.group if metadata is not None else None
    return {"name": name, "title": title or name, "group": group or ""}


def _upgraded(value: Json) -> Json:
    """Return an entry with the keys of version 3; all its other content is kept."""
    upgraded = upgrade(value, Place(Findings(), "$")).value
    return value if upgraded is None else upgraded


def _spelled(graded: Graded, scan: Scan) -> Json:
    """Return an entry that grades the scan exactly as it is graded without an entry."""
    cut = graded.cuts[0]
    turn = (cut.orientation + graded.tag(scan.header)[1]) % 360
    metadata: dict[str, Json] = {"raw_file": scan.name, "orientation": turn}
    if cut.crop != crops.WHOLE:
        metadata["crop"] = list(cut.crop)
    made = document.preset(cut.recipe, metadata)
    space = made.get("idt")
    if isinstance(space, dict) and graded.gamma is None and space.get("gamma") == 1.0:
        del space["gamma"]  # else it would override the gamma of the file
    return made


def _figures(cut: Cut, scan: Scan, graded: Graded) -> dict[str, Any]:
    recipe: Recipe = cut.recipe
    return {
        "name": cut.crop_name,
        "crop": list(cut.crop),
        "orientation": (cut.orientation + graded.tag(scan.header)[1]) % 360,
        "film_type": recipe.film.name,
        "monochrome": recipe.film.monochrome,
        "rgb_gains": list(recipe.rgb_gains),
        "density_gamma": recipe.density_gamma,
        "density_dmax": recipe.density_dmax,
        "full": {**document.grade(recipe)},
    }
