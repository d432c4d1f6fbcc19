"""Collisions of names are found before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.batch import plan
from divere_cli.batch.request import ReportFile
from divere_cli.errors import PlanError
from tests.batch.lab import Lab, render


@pytest.mark.parametrize(
    ("inputs", "output"),
    [
        ("in", "in"),
        ("in", "in/../in"),
        ("in", "alias"),
        ("alias", "in"),
        ("in/deep", "in"),
        ("alias/deep", "in"),
        ("in/a.tif", "in"),
        ("in/deep/x", "alias/deep"),
    ],
)
def test_output_that_is_input_or_around_it_is_refused(lab: Lab, inputs: str, output: str) -> None:
    lab.scans("a.tif", "deep/x/b.tif")
    (lab.root / "alias").symlink_to("in")
    with pytest.raises(PlanError) as caught:
        lab.run(paths=(str(lab.root / inputs),), folder=str(lab.root / output))
    assert caught.value.exit_code == 2
    assert not list(lab.inputs.rglob(".divere*"))


def test_a_bind_mount_of_input_would_be_seen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif")
    lab.outputs.mkdir()
    stat, real = os.stat, lab.inputs.stat()

    def mounted(path: object, **how: object) -> os.stat_result:
        if path == str(lab.outputs):
            return real
        return stat(path, **how)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "stat", mounted)
    with pytest.raises(PlanError):
        plan.check_places([str(lab.inputs)], str(lab.outputs))


def test_an_output_that_is_hard_linked_to_a_scan_is_refused(lab: Lab) -> None:
    scan = lab.scan("a.tif")
    lab.outputs.mkdir()
    os.link(scan, lab.outputs / "a.tif")
    for overwrite in (False, True):
        with pytest.raises(PlanError, match=r"is the scan 'a\.tif' itself"):
            lab.run(overwrite=overwrite)
    assert [path.name for path in lab.outputs.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(
    "names",
    [
        ("a.tif", "a.tiff"),
        ("A.tif", "a.tif"),
        ("\u00df.tif", "SS.tif"),
        ("e\u0301.tif", "\u00e9.tif"),
    ],
)
def test_two_scans_for_one_output_are_refused(lab: Lab, names: tuple[str, str]) -> None:
    lab.scans(*names)
    with pytest.raises(PlanError) as caught:
        lab.run()
    assert all(f"'{name}'" in caught.value.message for name in names)
    assert not lab.outputs.exists()


def test_scans_of_one_name_in_two_inputs_are_reported_by_path(lab: Lab) -> None:
    lab.scans("one/a.tif", "two/a.tif")
    folders = (str(lab.inputs / "one"), str(lab.inputs / "two"))
    with pytest.raises(PlanError) as caught:
        lab.run(paths=folders)
    assert all(f"{folder}/a.tif" in caught.value.message for folder in folders)


def test_a_scan_that_is_named_twice_is_graded_once(lab: Lab) -> None:
    scan = lab.scan("a.tif")
    report = lab.run(paths=(str(lab.inputs), str(scan), str(lab.inputs)))
    assert lab.statuses(report) == {"a.tif": "ok"}
    assert len(report.files) == 1


def test_the_extension_in_the_name_separates_two_scans(lab: Lab) -> None:
    lab.scans("a.tif", "a.tiff")
    assert lab.run(name="{stem}-{ext}").exit_code == 0
    assert lab.positives().keys() == {"a-tif.tif", "a-tiff.tif"}


def test_two_crops_for_one_output_are_refused(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.chooser.crops = ("left", "right")
    with pytest.raises(PlanError, match=r"two frames of 'a\.tif'"):
        lab.run(name="{stem}")
    assert lab.run(name="{stem}-{index}").exit_code == 0


def test_a_crop_that_has_no_name_gets_its_number(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.chooser.crops = ("", "../../etc")
    assert lab.run().files[0].outputs == ("a-1.tif", "a-.._.._etc.tif")


@pytest.mark.parametrize("report", ["out/a.tif", "in/a.tif"])
def test_a_report_never_takes_the_place_of_a_picture(lab: Lab, report: str) -> None:
    scan = lab.scan("a.tif")
    before = scan.read_bytes()
    with pytest.raises(PlanError, match="report"):
        lab.run(reports=(ReportFile(str(lab.root / report), render),))
    assert scan.read_bytes() == before


def test_headers_of_known_scans_are_not_read_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    lab.scan("c.tif")
    asked: list[str] = []
    read = plan.read_header

    def count(path: str, most: int, picture: int) -> object:
        asked.append(Path(path).name)
        return read(path, most, picture)

    monkeypatch.setattr(plan, "read_header", count)
    lab.run()
    assert asked == ["c.tif"]


def test_a_limit_holds_for_known_scans_too(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    report = lab.run(max_pixels=10)
    assert lab.kinds(report) == {"a.tif": "limit_exceeded"}
