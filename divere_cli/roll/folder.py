"""Divide the frames of a folder (or of one match of ``--roll-by``) into rolls to decide.

Covers the films of a folder, its gray frames, and decisions of earlier runs for scans of the
folder. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from divere_cli.roll import films, freezing, later
from divere_cli.roll.baseline import Item, Mode, Roll
from divere_cli.roll.films import Part
from divere_cli.roll.freezing import Common
from divere_cli.roll.measurement import FrameLooks

_NAMES = {"black-and-white": "black-and-white", "positive": "positives"}


@dataclass(slots=True)
class Folder:
    """Frames to decide, and scans that stay as an earlier run decided.

    Parameters
    ----------
    name : str
    items : list of Item
        Frames to decide, in the order of their names.
    decided : list of str
        The journal's texts for scans that stay (:mod:`divere_cli.roll.freezing`).
    stay : list of str
        Names of these scans.
    """

    name: str
    items: list[Item] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)

    def rolls(
        self, mode: Mode, pull: float | None, stocks: Mapping[str, str]
    ) -> list[tuple[Roll, tuple[int, ...]]]:
        """Divide the frames into rolls, each with the indices of its frames in ``items``.

        Parameters
        ----------
        mode : {"frame", "roll"}
        pull : float or None
            As in :class:`divere_cli.roll.auto.Auto`.
        stocks : mapping of str to str
            The film stock of scans by name, where it is known, also of scans that stay: two
            stocks are never one roll.
        """
        if not self.items:
            return []
        looks = [_without_blank(item) for item in self.items]
        earlier = freezing.commons(self.decided, [stocks.get(name, "") for name in self.stay])
        named = {i: stocks.get(item.input, "") for i, item in enumerate(self.items)}
        if earlier:
            parts = later.part(looks, [_decided(common) for common in earlier], named)
        else:
            parts = films.part(looks, named)
        return [
            (self._roll(part, title, mode, pull, earlier), part.frames)
            for part, title in zip(parts, _titles(self.name, parts), strict=True)
        ]

    def _roll(
        self,
        part: Part,
        title: str,
        mode: Mode,
        pull: float | None,
        earlier: tuple[Common, ...],
    ) -> Roll:
        items = tuple(self.items[i] for i in part.frames)
        roll = Roll(title, items, mode, part.film_kind, part.base, pull)
        if part.joins is None:
            return replace(roll, beside=earlier[0].base if earlier else None)
        stay = tuple(self.stay) if part.joins == 0 else ()
        return replace(roll, common=earlier[part.joins].baseline, stay=stay)


def _without_blank(item: Item) -> FrameLooks | None:
    """Return the measurement; for gray frames without blanks, as a card may fill the frame."""
    looks = item.looks
    if looks is None or not item.gray:
        return looks
    indexes = [n for n, color in enumerate(looks.plain) if not color.blank]
    return replace(
        looks,
        plain=tuple(looks.plain[n] for n in indexes),
        looks=(looks.looks[0], *(looks.looks[1 + n] for n in indexes)),
    )


def _decided(common: Common) -> later.Decided:
    gray = (common.baseline.u, common.baseline.v)
    return later.Decided(common.what, common.group, gray, common.stock)


def _titles(name: str, parts: tuple[Part, ...]) -> list[str]:
    """Return a name for each roll of a folder; the folder's name if there is only one."""
    several = sum(part.film_kind == "film" for part in parts) > 1
    titles, count = [], 0
    for part in parts:
        count += part.film_kind == "film"
        if part.film_kind != "film":
            suffix = _NAMES[part.film_kind]
        else:
            suffix = part.stock or (f"film {count}" if several else "")
        titles.append(f"{name} ({suffix})" if suffix and len(parts) > 1 else name)
    return titles
