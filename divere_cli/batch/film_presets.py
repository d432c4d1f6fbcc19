"""``-p FOLDER``: a folder of preset files, of which each serves the scans of its film.

Covers reading the folder, and choosing by the film that ``--film-data`` or the code at the
film's edge names. A preset names its film in ``metadata.film_stock``, a note that DiVERE keeps
and ``divere calibrate`` writes. Scans of other films are served as without ``-p``.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from divere_cli.errors import ProfileError
from divere_cli.films import stocks
from divere_cli.profile import inherit, loading
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.schema import FOLDER_FILE
from divere_cli.profile.select import Selector
from divere_cli.text import quote

if TYPE_CHECKING:
    from divere_cli.image.layout import Header
    from divere_cli.profile.select import Selection

UNKNOWN = "its film is not known (no code at the film's edge, no row of --film-data)"
NOT_READ = "its film is not known (the film's edge was not read, no row of --film-data)"


class FilmPresets:
    """A chooser that serves each scan by the preset of its film.

    Parameters
    ----------
    folder : str
        Folder with the preset files (``*.json``); sub-folders are not read.
    settings : Settings
        For the working color space.

    Raises
    ------
    ProfileError
        There is no preset, one cannot be used or names no film, or two are for one film.
    """

    def __init__(self, folder: str, settings: Settings) -> None:
        self._folder = folder
        self._default_selector = Selector(settings=settings)
        self._presets: dict[str, Selector] = {}
        self._paths: dict[str, str] = {}
        self._films: dict[str, str] = {}
        for path in _files(folder):
            film = _film(path)
            if film in self._paths:
                raise ProfileError(
                    f"{quote(path)} and {quote(self._paths[film])} are both for {film}",
                    hint="keep one of them in the folder",
                )
            self._paths[film] = path
            self._presets[film] = Selector(path, settings)

    def learn(self, films: Mapping[str, str]) -> None:
        """Take note of the films that scans are on, by path.

        Parameters
        ----------
        films : mapping of str to str
            As :func:`.stocks.canonical` writes them; empty where the edge shows no code. Of
            other scans the edge was not read: a dry run reads none.
        """
        self._films.update(films)

    def choose(self, scan_path: str, header: Header) -> Selection:
        """Return the selection for a scan; see :meth:`.request.Chooser.choose`."""
        film = self._films.get(scan_path, "")
        if film in self._presets:
            selection = self._presets[film].choose(scan_path, header)
            return replace(selection, source=f"{self._paths[film]}, the preset for {film}")
        selection = self._default_selector.choose(scan_path, header)
        reason = f"{self._folder} has no preset for {film}"
        if not film:
            reason = UNKNOWN if scan_path in self._films else NOT_READ
        warning = f"{reason}: graded as without -p, by {selection.profile.name!r}"
        return replace(selection, warnings=(*selection.warnings, warning))

    def unmatched(self, scans: Iterable[str]) -> tuple[str, ...]:
        """Return warnings of presets whose film is unknown and that no scan is on."""
        warnings = list(self._default_selector.unmatched(scans))
        names = [stock.name for stock in stocks.all_stocks()]
        for film, path in self._paths.items():
            if film in self._films.values() or stocks.by_name_or_number(film) is not None:
                continue
            close = difflib.get_close_matches(film, names, n=1)
            cure = f"; did you mean {quote(close[0])}?" if close else ""
            warnings.append(f"{path}: no scan is on its film {quote(film)}{cure}")
        return tuple(warnings)


def _files(folder: str) -> list[str]:
    """Return the paths of the preset files of a folder, by name."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as problem:
        raise ProfileError(f"{quote(folder)} cannot be read: {problem.strerror}") from problem
    presets = [name for name in names if name.endswith(".json") and not name.startswith(".")]
    files = [os.path.join(folder, name) for name in presets if name != FOLDER_FILE]
    if not files:
        hint = "give a folder of preset files that name their film"
        if FOLDER_FILE in names:
            hint = f"for the presets of that file: -p {os.path.join(folder, FOLDER_FILE)}"
        raise ProfileError(f"-p {quote(folder)}: the folder has no preset file", hint=hint)
    return files


def _film(path: str) -> str:
    """Return the film that a preset file is for."""
    preset = inherit.complete(loading.load(path))
    film = (preset.metadata.film_stock if preset.metadata else None) or ""
    if not film.strip():
        raise ProfileError(
            f"{quote(path)}: names no film ($.metadata.film_stock), and -p has a folder",
            hint="write a name or a DX number that `divere films list` shows, or move the file "
            "out of the folder",
        )
    return stocks.canonical(film)
