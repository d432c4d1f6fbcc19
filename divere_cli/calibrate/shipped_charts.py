"""Charts that ship with divere: their names and the sources of their values.

Covers ``--chart NAME`` and ``--list-charts``. The values are in reference files
(``profiles/charts``), each with its source. Standard library only.
"""

from __future__ import annotations

import functools
import os

from divere_cli.calibrate import reference_file
from divere_cli.calibrate.chart import Chart
from divere_cli.errors import UsageError
from divere_cli.profile import library

DEFAULT = "colorchecker24"
# Charts with the same patches under another name.
SAME_AS = {"colorchecker-mini": DEFAULT, "colorchecker-passport": DEFAULT}


def names() -> list[str]:
    """Return the names of the shipped charts, sorted."""
    return sorted(
        {path.stem for path in (library.folder() / "charts").glob("*.txt")} | set(SAME_AS)
    )


@functools.cache
def load(name: str) -> Chart:
    """Return a shipped chart.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    UsageError
        There is no chart of that name; the message lists the existing ones.
    """
    if name not in names():
        raise UsageError(
            f"there is no chart {name!r}; there are: {', '.join(names())}",
            hint="give the reference file of another chart: --chart FILE.txt",
        )
    return reference_file.read(str(library.folder() / "charts" / f"{SAME_AS.get(name, name)}.txt"))


def choose(option: str) -> Chart:
    """Return the chart for ``--chart``: a shipped one, or that of a reference file.

    Parameters
    ----------
    option : str
        The option's value.
    """
    if option in names():
        return load(option)
    if os.path.lexists(option) or os.sep in option or option.lower().endswith((".txt", ".it8")):
        return reference_file.read(option)
    return load(option)
