"""Selects the preset for each scan.

Covers ``--profile PATH | NAME | auto``: a preset file, a shipped profile, or for
each scan its entry in the ``divere_presets.json`` beside it, else that file's
``folder_default``, else the shipped default for its type. Each file is read
once in the life of a :class:`Selector`, so a preset that changes during a run
does not change the run.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from divere_cli.errors import ProfileError
from divere_cli.profile import crops, inherit, library, loading, own_entry, reading, strict_json
from divere_cli.profile.crops import Cut
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.schema import FOLDER_DEFAULT, FOLDER_FILE, Box, Preset, Triple
from divere_cli.records.grade import ProfileRef

AUTO = "auto"
COLOR_DEFAULT = "c41-portra-endura"
EARLIER_COLOR_DEFAULT = "c41-endura-premier"  # of versions that measured nothing unasked
MONOCHROME_DEFAULT = "bw-ilford-mgfb-2"
DEFAULT_SOURCE = "the shipped default for its type"
IMACON_DEFAULT = "imacon-fff"
_SEPARATORS = {"/", os.sep}


class Channels(Protocol):
    """The part of a scan's header that is needed: the number of color channels."""

    @property
    def channels(self) -> int:
        """1 or 3."""


Header = Channels | Callable[[], Channels] | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The resolved preset of a scan: its origin and the positives to make.

    ``source`` describes the origin of the preset, for ``inspect`` and logs. ``film_base`` is the
    density (R, G, B) of bare film if the preset has it; ``film_base_region`` is the region that
    shows it, (x, y, w, h) in 0..1 of the stored frame. ``shipped`` means that the preset ships
    with divere: it describes film and paper, not the light on the scene. ``earlier`` is the
    SHA-256 of the recipe that an earlier version used by default for the scan. ``gamma`` is the
    exponent of a user's preset that makes samples linear, or None; ``turned`` is whether the
    scan's own entry gives its rotation. ``film`` is the preset's note on the film, or empty.
    """

    profile: ProfileRef
    frames: tuple[Cut, ...]
    warnings: tuple[str, ...] = ()
    source: str = ""
    film_base: Triple | None = None
    film_base_region: Box | None = None
    shipped: bool = False
    earlier: str = ""
    gamma: float | None = None
    turned: bool = False
    film: str = ""


@dataclass(slots=True)
class Selector:
    """Chooses the preset of each scan; one object is used for a whole run.

    Parameters
    ----------
    option : str
        The value of ``--profile``.
    settings : Settings
        Gives the working color space.

    Raises
    ------
    ProfileError
        ``option`` is no usable preset; raised at once.
    """

    option: str = AUTO
    settings: Settings = field(default_factory=Settings)
    _option_preset: Preset | None = None
    _option_folder: loading.Folder | None = None
    _folders: dict[str, loading.Folder | None] = field(default_factory=dict)
    _shared: dict[tuple[str, str, int, tuple[str, ...]], Selection] = field(default_factory=dict)
    _asking: dict[tuple[str, str], bool] = field(default_factory=dict)  # by file and label

    def __post_init__(self) -> None:
        preset = None if self.option == AUTO else find(self.option)
        if isinstance(preset, loading.Folder):
            self._option_folder = preset
        else:
            self._option_preset = preset

    def choose(self, scan_path: str, header: Header = None) -> Selection:
        """Return the preset for one scan.

        Parameters
        ----------
        scan_path : str
            Path of the scan, which is not opened.
        header : Header, a function that reads it, or None
            Asked for its channels only where they decide: a preset that names
            its film type needs none. Where they do decide and there is no
            header, the scan is taken for color, with a warning.

        Raises
        ------
        ProfileError
            A preset cannot be used; this ends a run during its planning.
        """
        served = self._served(scan_path)
        if served is None:
            header = header() if callable(header) else header
            channels, warnings = _channels(header)
            # digital backs write .fff, too: their mosaics are no Flextight scans
            camera = getattr(header, "format", "") == "raw"
            preset = library.load(_default("" if camera else scan_path, channels))
            served = _Served(preset, DEFAULT_SOURCE, shared=True, shipped=True)
        elif self._needs_channels(served):
            channels, warnings = _channels(header)
        else:
            channels, warnings = 3, ()
        if not served.shared:
            return self._selection(served, channels, warnings)
        same = (served.preset.file, served.preset.label, channels, warnings)
        if same not in self._shared:
            self._shared[same] = self._selection(served, channels, warnings)
        return self._shared[same]

    def _needs_channels(self, served: _Served) -> bool:
        if not served.shared:
            return crops.needs_channels(served.preset)
        key = (served.preset.file, served.preset.label)
        if key not in self._asking:
            self._asking[key] = crops.needs_channels(served.preset)
        return self._asking[key]

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return a warning for each entry of a presets file that fits no scan of the run.

        Parameters
        ----------
        scans : iterable of str
            Paths of all scans of the run.
        """
        folders = {
            directory: folder for directory, folder in self._folders.items() if folder is not None
        }
        names: dict[str, set[str]] = {directory: set() for directory in folders}
        for path in scans if folders else ():
            directory, name = os.path.split(path)
            if directory in names:
                names[directory].add(name)
        warnings = []
        for directory, folder in folders.items():
            there = names[directory]
            normal = {loading.normal(name) for name in there}
            for entry in folder.entries:
                if loading.normal(entry) in normal or os.path.lexists(
                    os.path.join(directory, entry)
                ):
                    continue
                close = difflib.get_close_matches(entry, there - folder.entries.keys(), n=1)
                suggestion = f"; did you mean '{close[0]}'?" if close else ""
                warnings.append(f"{folder.file}: the entry '{entry}' fits no scan{suggestion}")
        return tuple(warnings)

    def _served(self, scan_path: str) -> _Served | None:
        """Return the preset for a scan from a file; None means the shipped default."""
        if self._option_preset is not None:
            shipped = self.option in library.names()
            return _Served(self._option_preset, self.option, shared=True, shipped=shipped)
        directory, name = os.path.split(scan_path)
        folder = self._option_folder
        if folder is None:
            folder = self._folder(directory)
        if folder is None:
            return None
        if folder.has(name):
            source = f"its entry in {folder.file}"
            return _Served(folder.entry(name), source, shared=False, turns=_stored(folder, name))
        default = folder.folder_default()
        if default is None and self._option_folder is not None:
            raise ProfileError(
                f"{folder.file}: has no preset for {name!r}, and no {FOLDER_DEFAULT}",
                hint="add one, or leave the scan out",
            )
        if default is None:
            return None
        return _Served(default, f"the folder default in {folder.file}", shared=True)

    def _folder(self, directory: str) -> loading.Folder | None:
        if directory not in self._folders:
            path = os.path.join(directory, FOLDER_FILE)
            there = os.path.lexists(path)
            self._folders[directory] = loading.load_folder(path) if there else None
        return self._folders[directory]

    def _selection(self, served: _Served, channels: int, warnings: tuple[str, ...]) -> Selection:
        cuts = crops.cuts(served.preset, self.settings.working_space, channels, served.turns)
        merged = inherit.complete(served.preset)
        return Selection(
            ProfileRef(served.preset.label, cuts.sha256),
            cuts.cuts,
            (*warnings, *cuts.warnings),
            served.source,
            merged.film_base,
            merged.film_base_region,
            served.shipped,
            self._earlier(served, channels),
            None if served.shipped else reading.gamma(merged),
            not served.shared and merged.metadata is not None and reading.turned(merged),
            (merged.metadata.film_stock if merged.metadata is not None else None) or "",
        )

    def _earlier(self, served: _Served, channels: int) -> str:
        if served.source != DEFAULT_SOURCE or served.preset.label != COLOR_DEFAULT:
            return ""
        before = library.load(EARLIER_COLOR_DEFAULT)
        return crops.cuts(before, self.settings.working_space, channels).cuts[0].recipe.sha256


@dataclass(frozen=True, slots=True)
class _Served:
    """A preset, its origin, and whether it applies to other scans, too.

    ``turns`` are the rotations of the scan's pictures in degrees, by crop id.
    """

    preset: Preset
    source: str
    shared: bool
    shipped: bool = False
    turns: Mapping[str, float] = field(default_factory=dict)


def _stored(folder: loading.Folder, name: str) -> dict[str, float]:
    """Return the rotations of a scan's crops that ``divere frames --deskew`` stored."""
    ours = own_entry.read({own_entry.KEY: folder.divere_entry}, folder.file).scan(name)
    turns = ours.get("turns")
    if not isinstance(turns, dict):
        return {}
    return {
        crop: float(turn)
        for crop, turn in turns.items()
        if isinstance(turn, int | float) and not isinstance(turn, bool)
    }


def _channels(header: Header) -> tuple[int, tuple[str, ...]]:
    header = header() if callable(header) else header
    if header is None:
        return 3, ("no header was read: taken for a color scan",)
    return header.channels, ()


def _default(scan_path: str, channels: int) -> str:
    if scan_path.lower().endswith(".fff"):
        return IMACON_DEFAULT
    return MONOCHROME_DEFAULT if channels == 1 else COLOR_DEFAULT


def find(option: str) -> Preset | loading.Folder:
    """Return the target of ``--profile``: a shipped profile, a preset file, a folder's presets.

    Parameters
    ----------
    option : str
        The option's value.

    Raises
    ------
    ProfileError
        There is none with this name, or the file is not valid.
    """
    if option in library.names():
        return library.load(option)
    if os.path.isdir(option):
        raise ProfileError(
            f"-p '{option}' is a folder: only divere batch and watch choose presets by film",
            hint="name one of its files",
        )
    looks_like_path = option.endswith(".json") or any(sign in option for sign in _SEPARATORS)
    if not looks_like_path and not os.path.lexists(option):
        raise library.unknown("profile", option, library.names())
    document = strict_json.read(option, loading.MAX_FOLDER_BYTES)
    if os.path.basename(option) == FOLDER_FILE or loading.is_folder(document):
        return loading.folder(document, option)
    return loading.load(option)
