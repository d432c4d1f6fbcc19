"""The walk: what is a scan, what is not, and that nothing goes missing silently."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from divere_cli.batch import discover
from divere_cli.batch.request import Inputs
from divere_cli.errors import InputMissing
from tests.batch.elsewhere import Listing
from tests.batch.lab import Lab


def found(root: Path, output: str = "", **changes: object) -> list[str]:
    inputs = Inputs((str(root),), **changes)  # type: ignore[arg-type]
    return [scan.name for scan in discover.find(inputs, output).scans]


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_scans_are_found_by_suffix_in_byte_order(tmp_path: Path) -> None:
    make(tmp_path, "b.TIF", "a.tiff", "Z.fff", "r/1.tif", "r/10.tif", "r/2.jpeg", "note.txt", "x")
    assert found(tmp_path) == ["Z.fff", "a.tiff", "b.TIF", "r/1.tif", "r/10.tif", "r/2.jpeg"]


def test_hidden_files_and_files_of_divere_are_not_scans(tmp_path: Path) -> None:
    make(tmp_path, ".divere-tmp-1.tif", "._a.tif", ".git/a.tif", "a.tif")
    assert found(tmp_path) == ["a.tif"]


def test_not_recursive_stays_in_the_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "r/b.tif")
    assert found(tmp_path, recursive=False) == ["a.tif"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"include": ("*.txt",)}, ["note.txt"]),
        ({"include": ("r/*",)}, ["r/b.tif", "r/c.tif"]),
        ({"exclude": ("r",)}, ["a.tif"]),
        ({"exclude": ("b.*",)}, ["a.tif", "r/c.tif"]),
        ({"include": ("*.tif",), "exclude": ("r/c*",)}, ["a.tif", "r/b.tif"]),
    ],
)
def test_globs_match_the_whole_name_or_its_last_part(
    tmp_path: Path, changes: dict[str, object], names: list[str]
) -> None:
    make(tmp_path, "a.tif", "r/b.tif", "r/c.tif", "note.txt")
    assert found(tmp_path, **changes) == names


def test_a_file_given_as_input_is_a_scan_whatever_its_suffix(tmp_path: Path) -> None:
    make(tmp_path, "strange.bin")
    scans = discover.find(Inputs((str(tmp_path / "strange.bin"),)), "").scans
    assert [scan.name for scan in scans] == ["strange.bin"]


def test_output_inside_input_is_left_out_under_any_path(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "out/a.tif")
    (tmp_path.parent / "alias").symlink_to(tmp_path / "out")
    assert found(tmp_path, str(tmp_path.parent / "alias")) == ["a.tif"]


def test_positives_of_another_run_are_not_scans(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run(folder=str(lab.inputs / "positives"), reports=())
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "ok"}
    assert "'positives'" in report.warnings[0]
    again = lab.run(paths=(str(lab.inputs / "positives"),), folder=str(lab.root / "other"))
    assert lab.statuses(again) == {"a.tif": "ok"}


def test_links_to_files_inside_are_scans_and_others_fail(lab: Lab) -> None:
    lab.scans("a.tif")
    outside = lab.root / "outside.tif"
    outside.write_bytes((lab.inputs / "a.tif").read_bytes())
    (lab.inputs / "b.tif").symlink_to("a.tif")
    (lab.inputs / "c.tif").symlink_to(outside)
    (lab.inputs / "d.tif").symlink_to("nowhere")
    (lab.inputs / "e.tif").symlink_to("e.tif")
    report = lab.run()
    assert report.exit_code == 3
    assert lab.statuses(report)["b.tif"] == "ok"
    assert lab.kinds(report) == {
        "c.tif": "unsupported",
        "d.tif": "unreadable",
        "e.tif": "unreadable",
    }


def test_folders_that_loop_are_visited_once(tmp_path: Path) -> None:
    make(tmp_path, "r/a.tif")
    (tmp_path / "r" / "again").symlink_to(tmp_path)
    assert found(tmp_path) == ["r/a.tif"]


def test_a_link_to_a_folder_outside_is_named(tmp_path: Path) -> None:
    make(tmp_path, "in/a.tif", "other/b.tif")
    (tmp_path / "in" / "more").symlink_to(tmp_path / "other")
    everything = discover.find(Inputs((str(tmp_path / "in"),)), "")
    assert [scan.name for scan in everything.scans] == ["a.tif"]
    assert "'more'" in everything.warnings[0]


def test_pipes_and_devices_fail_and_never_block(lab: Lab) -> None:
    os.mkfifo(lab.inputs / "pipe.tif")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(lab.inputs / "s.tif"))
    (lab.inputs / "null.tif").symlink_to("/dev/null")
    (lab.inputs / "folder.tif").mkdir()
    lab.scan("folder.tif/a.tif")
    report = lab.run()
    assert lab.kinds(report) == dict.fromkeys(("null.tif", "pipe.tif", "s.tif"), "unsupported")
    assert lab.statuses(report)["folder.tif/a.tif"] == "ok"


def test_a_folder_that_cannot_be_listed_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif", "locked/b.tif")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = lab.run()
    assert lab.kinds(report) == {"locked/": "unreadable"}
    assert lab.statuses(report)["a.tif"] == "ok"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "I/O")])
def test_an_input_that_cannot_be_listed_at_all_ends_with_10(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(path: str) -> object:
        raise error

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputMissing):
        found(tmp_path)


def test_a_listing_without_inodes_is_completed_by_stat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.tif", "r/b.tif", "out/c.tif")
    inputs, real = Inputs((str(tmp_path),)), os.scandir
    told = discover.find(inputs, str(tmp_path / "out")).scans
    monkeypatch.setattr(os, "scandir", lambda path: Listing(real(path)))
    assert [scan.name for scan in told] == ["a.tif", "r/b.tif"]
    assert discover.find(inputs, str(tmp_path / "out")).scans == told


def test_each_scan_is_examined_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{i}.tif" for i in range(50)))
    calls: list[object] = []
    stat = os.stat

    def count(path: object, **how: object) -> os.stat_result:
        calls.append(path)
        return stat(path, **how)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "stat", count)
    assert len(found(tmp_path)) == 50
    assert len(calls) < 10


def test_folders_nested_deeper_than_the_recursion_limit_are_walked(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(700):
        deep = deep / "d"
    os.makedirs(deep)
    (deep / "a.tif").write_bytes(b"scan")
    found = discover.find(Inputs((str(tmp_path),)), "")
    assert [scan.name for scan in found.scans] == ["d/" * 700 + "a.tif"]


def test_chosen_files_are_found_as_by_the_whole_walk_without_a_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out = tmp_path / "in", tmp_path / "in" / "out"
    make(root, "b.tif", "a/1.tif", "a/10.tif", "a.tif", ".h/c.tif", "a/.d.tif", "drafts/e.tif")
    make(root, "out/f.tif", "other/.divere-journal.jsonl", "other/g.tif", "notes.txt")
    (root / "link.tif").symlink_to(root / "a.tif")
    (root / "outward.tif").symlink_to(tmp_path)
    whole = discover.find(Inputs((str(root),), exclude=("drafts",)), str(out))
    assert [scan.name for scan in whole.scans] == [
        *("a/1.tif", "a/10.tif", "a.tif", "b.tif", "link.tif")
    ]
    stamps = {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }

    def chosen(names: set[str]) -> list[str]:
        only = {path: stamps[path] for path in stamps if os.path.basename(path) in names}
        inputs = Inputs(
            (str(root),), exclude=("drafts",), only={**only, str(root / "gone.tif"): (1, 1)}
        )
        return [scan.name for scan in discover.find(inputs, str(out)).scans]

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda path: pytest.fail("a folder was listed"))
        assert chosen({os.path.basename(path) for path in stamps}) == [
            scan.name for scan in whole.scans
        ]
        assert chosen({"10.tif", "b.tif"}) == ["a/10.tif", "b.tif"]
        assert chosen(set()) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"exclude": ("*",)}, "2 by --exclude"),
        ({"include": ("*.tfi",)}, "matches '*.tfi'"),
        ({"recursive": False, "exclude": ("a*",)}, "1 by --no-recursive"),
    ],
)
def test_a_run_without_scans_names_what_was_passed_over(
    tmp_path: Path, changes: dict[str, object], text: str
) -> None:
    make(tmp_path, "a.tif", "sub/b.tif")
    inputs = Inputs(paths=(str(tmp_path),), **changes)  # type: ignore[arg-type]
    (warning,) = discover.find(inputs, "").warnings
    assert "no scan was selected" in warning
    assert text in warning


def test_one_of_several_globs_that_matches_nothing_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "b.tif", "notes.txt")
    inputs = Inputs(paths=(str(tmp_path),), include=("a*", "b.tfi"))
    assert discover.find(inputs, "").warnings == [
        "--include 'b.tfi' matches nothing; left out: 1 .tif, 1 .txt"
    ]
    both = Inputs(paths=(str(tmp_path),), include=("*.tif", "*.dng"))
    assert discover.find(both, "").warnings == []
