"""``divere adopt`` and ``divere prune``: edited positives are kept, orphans are removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from divere_cli.profile import inherit, library, loading, resolve
from tests.batch.tiffs import tiff
from tests.cli.program import divere


@pytest.fixture
def graded(tmp_path: Path) -> tuple[Path, Path]:
    scans, out = tmp_path / "in", tmp_path / "out"
    scans.mkdir()
    for fill, name in enumerate(("a.tif", "b.tif"), 9):
        (scans / name).write_bytes(tiff(fill=fill))
    assert divere("batch", scans, out, "--isolation", "never").returncode == 0
    return scans, out


def statuses(out: Path) -> dict[str, str]:
    report = json.loads((out / "divere-report.json").read_text())
    return {file["input"]: file["status"] for file in report["files"]}


def test_an_adopted_positive_is_never_replaced(graded: tuple[Path, Path]) -> None:
    scans, out = graded
    before = (out / "a.tif").read_bytes()
    done = divere("adopt", out, out / "a.tif")
    assert done.stdout == "kept from now on: 'a.tif'\n"
    (scans / "a.tif").write_bytes(tiff(fill=77))
    again = divere("batch", scans, out, "--isolation", "never", "--compression", "lzw")
    assert again.returncode == 0
    assert statuses(out) == {"a.tif": "kept", "b.tif": "ok"}
    assert (out / "a.tif").read_bytes() == before


def test_a_file_written_by_the_user_can_be_adopted(tmp_path: Path) -> None:
    scans, out = tmp_path / "in", tmp_path / "out"
    scans.mkdir()
    out.mkdir()
    (scans / "a.tif").write_bytes(tiff())
    (out / "a.tif").write_bytes(b"mine")
    assert divere("batch", scans, out, "--isolation", "never").returncode == 3
    assert divere("adopt", out, "a.tif").returncode == 0
    assert divere("batch", scans, out, "--isolation", "never").returncode == 0
    assert statuses(out) == {"a.tif": "kept"}
    assert (out / "a.tif").read_bytes() == b"mine"


@pytest.mark.parametrize(("file", "code"), [("missing.tif", 10), ("../in/a.tif", 2)])
def test_a_file_outside_output_is_an_error(graded: tuple[Path, Path], file: str, code: int) -> None:
    assert divere("adopt", graded[1], file).returncode == code


def test_prune_removes_positives_without_a_scan_but_not_changed_ones(
    graded: tuple[Path, Path],
) -> None:
    scans, out = graded
    (scans / "a.tif").unlink()
    (scans / "b.tif").unlink()
    (scans / "c.tif").write_bytes(tiff(fill=3))
    (out / "b.tif").write_bytes(b"changed")
    listed = divere("prune", out, "--dry-run")
    assert "scan is gone: 'a.tif'" in listed.stdout
    assert "left, it was changed since divere wrote it: 'b.tif'" in listed.stdout
    assert (out / "a.tif").exists()
    refused = divere("prune", out)
    assert (refused.returncode, (out / "a.tif").exists()) == (2, True)
    done = divere("prune", out, "--yes")
    assert done.returncode == 0
    assert done.stdout.endswith("1 removed (2 kB)\n") or " removed (" in done.stdout
    assert not (out / "a.tif").exists()
    assert (out / "b.tif").read_bytes() == b"changed"


def test_an_input_that_is_not_mounted_has_no_orphans_to_remove(
    graded: tuple[Path, Path],
) -> None:
    scans, out = graded
    scans.rename(scans.parent / "elsewhere")
    done = divere("prune", out, "--yes")
    assert "may not be mounted" in done.stdout
    assert (out / "a.tif").exists()
    assert (out / "b.tif").exists()


def test_a_new_preset_grades_as_the_profile_that_it_was_made_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    assert divere("profiles", "new", path, "--from", "c41-supra-endura").returncode == 0
    preset = json.loads(path.read_text())
    assert "cc_params.rgb_gains" in preset["metadata"]["notes"]
    assert divere("profiles", "validate", path).returncode == 0
    again = divere("profiles", "new", path)
    assert (again.returncode, json.loads(path.read_text())) == (2, preset)
    mine = resolve.recipe(loading.load(str(path)))
    shipped = resolve.recipe(inherit.complete(library.load("c41-supra-endura")))
    assert mine.sha256 == shipped.sha256
