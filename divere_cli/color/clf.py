"""Writes the grade as a Common LUT Format file: the same transforms, by OpenColorIO.

Covers complete grades from the scan's code values (0..1) to encoded values (0..1). A reader that
computes in float32 gets the same pixels as divere, except for the few that divere computes in
float64 (:mod:`.refinement`). Not covered: measuring the difference (:mod:`.export`), and other
formats.
"""

from __future__ import annotations

import PyOpenColorIO

from divere_cli.color import ocio
from divere_cli.color.exact import ExactGrade
from divere_cli.errors import Internal

FORMAT = "Academy/ASC Common LUT Format"


def transform(exact_grade: ExactGrade) -> PyOpenColorIO.GroupTransform:
    """Return the grade for float samples from 0 to 1; logarithms are computed, not tabulated.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    """
    group = ocio.float_transform(exact_grade)
    if exact_grade.gray:
        group.appendTransform(ocio.luminance())
    return group


def text(exact_grade: ExactGrade, name: str, source: str, target: str) -> str:
    """Return a CLF document.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    name : str
        Name of the profile; becomes the description.
    source, target : str
        Descriptions of the samples that go in and that come out.
    """
    group = transform(exact_grade)
    about = group.getFormatMetadata()
    about.setName(name)
    for element, words in (
        ("Description", f"divere: {name}"),
        ("InputDescriptor", source),
        ("OutputDescriptor", target),
    ):
        about.addChildElement(element, words)
    try:
        return str(group.write(FORMAT, config=PyOpenColorIO.Config.CreateRaw()))
    except PyOpenColorIO.Exception as error:
        raise Internal(f"OpenColorIO cannot write {name!r} as CLF: {error}") from error
