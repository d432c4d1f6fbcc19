"""CLF: the grade itself, read back to the same pixels."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from divere_cli.color import bands, clf, exact, export, ocio
from divere_cli.profile import library
from divere_cli.records.grade import Curves
from tests.color.exports import exported
from tests.color.recipes import PRINT, colors, graded, recipe, stock

ENDURA = stock("Kodak Endura Premier")


@pytest.mark.parametrize("output", [PRINT, "sRGB", "ACEScg"])
@pytest.mark.parametrize("film", ["color_negative_c41", "color_reversal", "b&w_negative"])
def test_read_back_it_is_the_same_transform(tmp_path: Path, film: str, output: str) -> None:
    found = recipe(film, source="9000ED", curves=ENDURA, screen_glare_compensation=0.002)
    path = str(tmp_path / "grade.clf")
    exported(found, library.space(output), "clf", None, path)
    x = export.sample()
    exact_grade = exact.fold(found, library.space(output), one_channel=False)
    own = np.empty((1, *x.shape), np.float32)
    bands.run(ocio.processor(clf.transform(exact_grade), np.float32, np.float32), x[None], own)
    # The file holds matrices in 15 digits and tables in 9: float32 is what differs.
    assert np.abs(export.read_back(path, x) - own[0]).max() * 65535 < 0.05


@pytest.mark.parametrize("output", [PRINT, "DisplayP3"])
def test_read_back_it_gives_the_pixels_of_the_grade(tmp_path: Path, output: str) -> None:
    found = recipe(source="9000ED", curves=ENDURA, matrix=library.matrix("9000ed_pt400"))
    path = str(tmp_path / "grade.clf")
    exported(found, library.space(output), "clf", None, path)
    src = colors(1, 80, 200)
    got = np.round(export.read_back(path, (src.reshape(-1, 3) / 65535).astype(np.float32)) * 65535)
    off = np.abs(got - graded(found, library.space(output), src).reshape(-1, 3))
    # What is left are the pixels at the border of the gamut that divere settles in float64.
    assert (off > 2.0).mean() < 1e-3
    assert np.median(off) == 0.0


def test_the_file_has_name_and_descriptions() -> None:
    exact_grade = exact.fold(recipe(), library.space("sRGB"), one_channel=False)
    tree = ElementTree.fromstring(clf.text(exact_grade, 'a "b" & <c>', "a scan", "a positive"))
    words = {element.tag.split("}")[-1]: element.text for element in tree}
    assert tree.attrib["name"] == 'a "b" & <c>'
    assert words["Description"] == 'divere: a "b" & <c>'
    assert words["InputDescriptor"] == "a scan"
    assert words["OutputDescriptor"] == "a positive"


def test_without_a_curve_the_darkest_density_is_still_there(tmp_path: Path) -> None:
    path = str(tmp_path / "grade.clf")
    found = recipe("color_reversal", density_dmax=0.0, curves=Curves())
    exported(found, library.space(PRINT), "clf", None, path)
    got = export.read_back(path, np.full((1, 3), 1e-6, np.float32))
    assert got == pytest.approx(1e-6 ** (1 / 2.2), rel=1e-4)
