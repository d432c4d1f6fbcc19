"""The shipped data, and looking up their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tifffile

from divere_cli.color import reference
from divere_cli.errors import ProfileError
from divere_cli.profile import crops, inherit, library, loading, resolve, strict_json


def test_the_preset_has_the_given_figures(shared: Path) -> None:
    for name in ("color_spaces", "density_matrices", "curves", "film_types"):
        ours = json.loads((library.folder() / f"{name}.json").read_text(encoding="utf-8"))
        theirs = json.loads((shared / "figures" / f"{name}.json").read_text(encoding="utf-8"))
        assert ours.pop("source")
        assert ours == theirs


def test_every_shipped_profile_loads_resolves_and_is_documented() -> None:
    assert len(library.names()) == 48
    for name in library.names():
        profile = inherit.complete(library.load(name))
        assert profile.label == name
        assert profile.warnings == ()
        metadata = profile.metadata
        assert metadata is not None
        for said in ("title", "group", "source", "film_stock", "scanner"):
            assert getattr(metadata, said), (name, said)
        for channels in (1, 3):
            found = resolve.resolve(profile, channels=channels)
            assert found.warnings == ()
            assert found.recipe.profile == name


def test_every_matrix_and_curve_is_served_by_a_profile() -> None:
    served = [inherit.complete(library.load(name)).cc_params for name in library.names()]
    given = [p.density_matrix for p in served if p and p.density_matrix]
    matrices = {matrix.name for matrix in given if matrix.values is None}
    curves = {p.density_curve.name for p in served if p and p.density_curve}
    assert matrices == set(library.matrices()) - {"Identity"}
    assert curves == set(library.curves())


def test_neutral_profiles_have_no_curve() -> None:
    for name in ("c41-neutral", "ecn2-neutral", "bw-neutral", "reversal-neutral"):
        assert resolve.recipe(library.load(name)).curves == resolve.Curves()


def test_imacon_scans_are_made_linear_and_darker() -> None:
    found = resolve.recipe(library.load("imacon-fff"))
    assert (found.input_space.name, found.input_space.gamma) == ("KodakEnduraPremier", 1.8)
    assert found.density_dmax == 3.0


def test_the_balanced_profile_makes_gray_patches_gray(shared: Path) -> None:
    grade = resolve.recipe(library.load("5000ed-ultramax400"))
    space = library.output_space("KodakEnduraPremier_gamma_2_2")
    for exposure in ("minus2", "0", "plus2"):
        path = shared / "scans" / f"ultramax400_colorchecker_{exposure}ev.tif"
        scan = tifffile.imread(path)[..., :3] / 65535.0
        height, width = scan.shape[:2]
        row = slice(round(0.88 * height) - 4, round(0.88 * height) + 5)
        for patch in range(5):
            center = round(width * (0.085 + 0.166 * patch))
            light = scan[row, center - 5 : center + 6].reshape(-1, 3).mean(0)
            red, green, blue = reference.encoded(grade, space, light[None])[0]
            # without gains blue is up to 0.35 off
            assert max(abs(red - green), abs(blue - green)) < 0.06, (exposure, patch)


def test_the_spaces_by_role() -> None:
    assert library.in_role("working") == ["ACEScg", "Kodak2383", "KodakEnduraPremier"]
    assert set(library.in_role("output")) == {
        *("ACEScct", "ACEScg", "AdobeRGB", "DisplayP3", "Gray_Gamma_2_2", "Kodak2383"),
        *("KodakEnduraPremier", "KodakEnduraPremier_gamma_2_2", "sRGB"),
        *("ProPhotoRGB", "Rec2020", "eciRGB_v2"),
    }
    assert library.output_space("Gray_Gamma_2_2").primaries is None
    assert library.output_space("sRGB").primaries == ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))


def test_a_space_that_serves_as_input_too_has_one_set_of_figures() -> None:
    handed = json.loads((library.folder() / "color_spaces.json").read_text("utf-8"))["color_spaces"]
    ours = json.loads((library.folder() / "output_spaces.json").read_text("utf-8"))["output_spaces"]
    for name in ours.keys() & handed.keys():
        for figure in ("primaries_xy", "white_xy", "gamma"):
            assert ours[name][figure] == handed[name][figure], name


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ProfileError) as caught:
        library.output_space("srbg")
    assert caught.value.message == (
        "no output color space is called 'srbg'; did you mean 'sRGB'? There are: ACEScct, "
        "ACEScg, AdobeRGB, DisplayP3, Gray_Gamma_2_2, Kodak2383, KodakEnduraPremier, "
        "KodakEnduraPremier_gamma_2_2, ProPhotoRGB, Rec2020, eciRGB_v2, sRGB"
    )
    with pytest.raises(ProfileError, match=r"There are: .*48 in all"):
        library.load("x" * 10_000)
    for name in ("KodakEnduraPremier_legacy", "9000ED"):
        with pytest.raises(ProfileError, match="no output color space"):
            library.output_space(name)


def test_a_profile_name_is_no_path() -> None:
    with pytest.raises(ProfileError, match="no profile is called"):
        library.load("../library/imacon-fff")


def test_film_types_are_those_of_the_schema() -> None:
    from divere_cli.profile.schema import FILM_TYPES

    assert set(library.film_types()) == set(FILM_TYPES)


def test_a_shipped_profile_works_as_a_preset_file(tmp_path: Path) -> None:
    for name in library.names():
        path = library.folder() / "library" / f"{name}.json"
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        kept = crops.cuts(loading.load(str(copy)))
        assert kept.sha256 == crops.cuts(library.load(name)).sha256
        assert strict_json.read(str(copy)) == strict_json.read(str(path))
