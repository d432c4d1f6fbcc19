"""Which grade a frame has: as a batch would take it, or as the page sent it.

Covers choosing by the program's own selector, what was measured for scans that
no file speaks of, and an entry of the file as the page edits it: every figure
spelled out where there is none yet, so that DiVERE opens it. Standard library
only; pixels are the workers'.
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

SENT = "the preset that was sent"
ENTRY, DEFAULT, MEASURED, SHIPPED = "entry", "folder_default", "measured", "shipped"


@dataclass(frozen=True, slots=True)
class Graded:
    """The pictures on one scan under one grade.

    ``source`` is ``entry``, ``folder_default``, ``measured``, ``shipped`` or ``sent``.
    ``gamma`` is what the user's preset says of how samples relate to light, None where it
    says nothing; ``turned`` is whether the preset says how the scan is turned.
    """

    cuts: tuple[Cut, ...]
    source: str
    profile: str = ""
    gamma: float | None = None
    turned: bool = False

    def cut(self, index: int) -> Cut:
        """The picture ``index``; the last one where there are fewer."""
        return self.cuts[min(max(0, index), len(self.cuts) - 1)]

    def transfer(self, cut: Cut) -> InputTransfer:
        """Return how samples are taken for a picture, as a batch takes them."""
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
        """What was measured for scans that the file does not speak of, by name."""
        return self._measured

    def take_measured(self, entries: Document) -> None:
        """Take what ``divere analyze`` decided."""
        self._measured = {n: e for n, e in entries.items() if not reserved(n)}

    def of(self, scan: Scan) -> Graded:
        """The grade a scan has now.

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
        """Where a scan's grade comes from."""
        if state.entry(name) is not None:
            return ENTRY
        if state.document.get("folder_default") is not None:
            return DEFAULT
        return MEASURED if name in self._measured else SHIPPED

    def sent(self, value: Json, scan: Scan) -> Graded:
        """The grade that the page sent; ProfileError says what is wrong with it."""
        preset = loading.preset(value, SENT)
        channels = scan.header.channels if scan.header is not None else 3
        cuts = crops.cuts(preset, channels=channels).cuts
        completed = inherit.complete(preset)
        return Graded(
            cuts, "sent", preset.label, reading.gamma(completed), reading.turned(completed)
        )

    def described(self, scan: Scan) -> dict[str, Any]:
        """A frame as the page edits it: its entry, and its figures in plain numbers."""
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
        """The program's own way to choose, of this state of the file."""
        if self._selector is None or self._selector[0] != state.version:
            self._selector = (state.version, Selector())
        return self._selector[1]


def profiles() -> list[dict[str, Any]]:
    """The shipped profiles, as the page lists them."""
    return [_listed(name) for name in library.names()]


def profile(name: str) -> dict[str, Any]:
    """Return a shipped profile with every figure written out.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    ProfileError
        There is none of that name.
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
    """An entry in the keys of version 3, with all that it has."""
    upgraded = upgrade(value, Place(Findings(), "$")).value
    return value if upgraded is None else upgraded


def _spelled(graded: Graded, scan: Scan) -> Json:
    """An entry that grades as the scan is graded without one."""
    cut = graded.cuts[0]
    turn = (cut.orientation + graded.tag(scan.header)[1]) % 360
    metadata: dict[str, Json] = {"raw_file": scan.name, "orientation": turn}
    if cut.crop != crops.WHOLE:
        metadata["crop"] = list(cut.crop)
    made = document.preset(cut.recipe, metadata)
    space = made.get("idt")
    if isinstance(space, dict) and graded.gamma is None and space.get("gamma") == 1.0:
        del space["gamma"]  # else it would say what the file is to say
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
