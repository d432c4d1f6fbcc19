"""Presets with a base: merging key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import inherit, library, loading, resolve
from divere_cli.profile.schema import Preset


def based(base: str, **parts: Any) -> Preset:
    return inherit.complete(loading.preset({"base": base, **parts}, "p.json"))


def test_absent_keys_come_from_the_base() -> None:
    found = based("9000ed-ultramax400", cc_params={"density_dmax": 2.0})
    base = inherit.complete(library.load("9000ed-ultramax400"))
    assert found.cc_params is not None
    assert base.cc_params is not None
    assert found.cc_params.density_dmax == 2.0
    assert found.cc_params.density_matrix == base.cc_params.density_matrix
    assert found.idt == base.idt
    assert found.label == "p"


def test_a_base_may_have_a_base_and_the_nearest_wins() -> None:
    found = inherit.complete(library.load("9000ed-5207-ecn2"))
    assert found.cc_params is not None
    assert found.cc_params.density_matrix is not None
    assert found.cc_params.density_matrix.name == "9000ed_5207_ecn2"
    assert found.cc_params.density_curve is not None
    assert found.cc_params.density_curve.name == "Kodak 2383"
    assert found.base is None


def test_a_matrix_a_curve_and_a_space_are_inherited_as_a_whole() -> None:
    values = [[1, 0.1, 0], [0, 1, 0], [0, 0, 1]]
    found = based("9000ed-ultramax400", cc_params={"density_matrix": {"values": values}})
    assert found.cc_params is not None
    assert found.cc_params.density_matrix is not None
    assert found.cc_params.density_matrix.name is None
    assert resolve.recipe(found).matrix is not None
    assert (
        based("imacon-fff", idt={"name": "9000ED"}).idt
        == loading.preset({"idt": {"name": "9000ED"}}, "p").idt
    )


def test_gamma_alone_changes_the_bases_input_space() -> None:
    found = based("9000ed-ultramax400", idt={"gamma": 1.5})
    assert resolve.recipe(found).input_space.name == "9000ED"
    assert resolve.recipe(found).input_space.gamma == 1.5


def test_metadata_about_the_base_are_not_inherited() -> None:
    base = library.load("c41-endura-premier").metadata
    found = based("c41-endura-premier").metadata
    assert base is not None
    assert found is not None
    assert base.title
    assert base.note
    assert (found.title, found.note, found.group) == (None, None, None)
    assert found.print_stock == base.print_stock


def test_a_base_that_does_not_ship_is_an_error() -> None:
    with pytest.raises(
        ProfileError,
        match=r"p\.json: \$\.base: no profile is called "
        "'c41-endura-premir'; did you mean 'c41-endura-premier'",
    ):
        based("c41-endura-premir")
    with pytest.raises(ProfileError, match=r"no profile is called '\.\./library/imacon-fff'"):
        based("../library/imacon-fff")


def test_a_circle_of_bases_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / "library" / f"{name}.json").write_text(f'{{"base": "{base}"}}')
    monkeypatch.setattr(library, "folder", lambda: tmp_path)
    monkeypatch.setattr(library, "load", library.load.__wrapped__)
    with pytest.raises(ProfileError, match=r"\$\.base goes in a circle: a -> b -> c -> a"):
        based("a")


def test_the_film_base_region_is_inherited_from_the_base(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = {"version": 3, "film_base_region": [0, 0, 1, 0.1]}
    base = loading.preset(document, "scanner.json")
    monkeypatch.setattr(library, "load", lambda name: base)
    assert based("scanner").film_base_region == (0.0, 0.0, 1.0, 0.1)
    other = based("scanner", film_base_region=[0.5, 0, 0.5, 1])
    assert other.film_base_region == (0.5, 0.0, 0.5, 1.0)
