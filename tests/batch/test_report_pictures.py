"""Pictures beside a page: reused by the next run; only pictures of divere are removed."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from pathlib import Path

import pytest

from divere_cli.batch import report_files, report_pictures
from divere_cli.batch.request import ReportFile
from divere_cli.records.outcome import Positive, ScanResult, Thumbnail
from divere_cli.records.pictures import Album
from divere_cli.records.report import RunReport
from divere_cli.report import html_report
from tests.report.sample import run_report

NAME = os.fsdecode(b'../"\xff<b>.tif')


def scan(name: str = NAME, data: bytes = b"jpeg", sha256: str = "ab") -> ScanResult:
    small = base64.b64encode(data).decode()
    thumbnails = (Thumbnail("", 3, 2, small), Thumbnail(name, 3, 2, small))
    positives = (Positive(name, "tiff", 9, sha256),)
    return ScanResult(name, (name,), positives, thumbnails=thumbnails)


def later(found: ScanResult, **change: object) -> ScanResult:
    """The same scan in a run that had no need to grade it."""
    plain = {"status": "up_to_date", "thumbnails": (), **change}
    return dataclasses.replace(found, **plain)  # type: ignore[arg-type]


class Page:
    """A page that is written again and again, and what it shows each time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "r.html"
        self.files = folder / "r-files"
        self.output = folder / "out"
        self.output.mkdir()

    def write(self, *files: ScanResult, remove: bool = True) -> list[list[str]]:
        """Return what the pictures of each scan are of."""
        report = dataclasses.replace(run_report(), files=files, output=str(self.output))
        seen: list[Album] = []

        def beside(_: RunReport, album: Album) -> str:
            seen.append(album)
            return "page"

        file = ReportFile(str(self.path), lambda _: "inline", beside=beside)
        report_files.write_one(file, report, remove=remove)
        assert self.path.read_text() == "page"
        (album,) = seen
        assert album.folder == "r-files"
        shown = [album.pictures.get(place, ()) for place in range(len(files))]
        for picture in (each for pictures in shown for each in pictures):
            assert (self.files / picture.file).stat().st_size == picture.bytes
        return [[picture.of for picture in pictures] for pictures in shown]

    def pictures(self) -> set[str]:
        return {path.name for path in self.files.glob("*.jfif")}


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_a_scan_that_is_up_to_date_has_its_pictures_in_every_later_run(page: Page) -> None:
    assert page.write(scan()) == [["", NAME]]
    first = page.pictures()
    for _ in range(2):
        assert page.write(later(scan())) == [["", NAME]]
    assert page.pictures() == first
    assert len(first) == 2, "the same picture of two things is two files"


def test_pictures_of_other_positives_are_not_shown(page: Page) -> None:
    page.write(scan())
    assert page.write(later(scan(sha256="cd"))) == [[]]
    assert page.write(later(scan(), status="failed")) == [[]]
    assert page.write(later(scan(), status="kept", positives=())) == [[""]]
    assert page.write(later(scan())) == [["", NAME]], "nothing of it was removed"


def test_a_new_grade_replaces_the_pictures(page: Page) -> None:
    page.write(scan())
    before = page.pictures()
    assert page.write(scan(data=b"other")) == [["", NAME]]
    assert len(page.pictures()) == 2
    assert not page.pictures() & before


def test_only_our_pictures_that_belong_to_no_scan_are_removed(page: Page) -> None:
    page.write(scan("a.tif"), scan("b.tif"), scan("c.tif"))
    ours = page.pictures()
    for name in ("0" * 32 + ".jfif", "notes.txt", "x.jfif"):
        (page.files / name).write_text("of the user")
    (page.output / "b.tif").write_text("its scan was only not selected")
    page.write(later(scan("a.tif")), remove=False)
    assert page.pictures() > ours
    assert page.write(later(scan("a.tif"))) == [["", "a.tif"]]
    assert len(page.pictures() & ours) == 4
    assert (page.files / "notes.txt").exists()
    assert {"0" * 32 + ".jfif", "x.jfif"} <= page.pictures()
    assert page.write(later(scan("b.tif"))) == [["", "b.tif"]]


def test_a_picture_that_was_cut_short_is_not_shown_and_made_again(page: Page) -> None:
    page.write(scan())
    for name in page.pictures():
        (page.files / name).write_bytes(b"")
    assert page.write(later(scan())) == [[]]
    assert page.write(scan()) == [["", NAME]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"schema": "divere-report-pictures/9", "scans": []}',
        json.dumps(
            {
                "schema": "divere-report-pictures/1",
                "scans": [
                    {
                        "input": NAME,
                        "page": 0,
                        "positives": [[NAME, "ab"]],
                        "pictures": [
                            {"of": "", "width": 1, "height": 1, "file": "../own", "bytes": 3}
                        ],
                    }
                ],
            }
        ),
    ],
)
def test_a_foreign_list_shows_and_removes_nothing(text: str, page: Page, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("own")
    page.files.mkdir()
    (page.files / report_pictures.LIST).write_text(text)
    assert page.write(later(scan())) == [[]]
    page.write()
    assert (tmp_path / "own").read_text() == "own"


def test_a_link_instead_of_the_folder_is_not_followed(page: Page, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    page.files.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="r-files"):
        page.write(scan())
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_page_in_one_file_takes_over_valid_pictures(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    file = ReportFile(str(path), html_report.render, inline=True)

    def shown(*files: ScanResult) -> int:
        report_files.write_one(file, dataclasses.replace(run_report(), files=files), remove=True)
        return path.read_text().count("data:image/jpeg;base64,")

    assert shown(scan()) == 2
    assert shown(later(scan())) == 2
    assert shown(later(scan(), status="kept", positives=())) == 1
    assert shown(scan(), scan("b.tif")) == 4
    assert shown(later(scan(sha256="cd")), later(scan("b.tif"))) == 2
    for text in ("<!-- divere-pictures !!! -->", "<!-- divere-pictures W10= -->", "own"):
        path.write_text(text)
        assert shown(later(scan())) == 0
