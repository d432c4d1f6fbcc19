"""Film logs as people and programs write them, and the scans that their rows apply to."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from divere_cli.batch import film_data, film_values
from divere_cli.errors import UsageError
from divere_cli.records.film import FilmNotes


def log(tmp_path: Path, text: str, encoding: str = "utf-8") -> film_data.FilmLog:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))
    return film_data.read(str(path))


def test_a_row_by_name_by_glob_and_what_later_rows_add(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        "file,film,camera,aperture,shutter,date,notes\n"
        "*,Kodak Portra 400,Nikon F3,,,,\n"
        "roll7_*.tif,,,f/2.8,,2024-05-17,\n"
        "roll7_012,,,,1/125,,in the rain\n",
    )
    notes = found.of("lisbon/roll7_012.tif")
    assert notes == FilmNotes(
        film="Kodak Portra 400",
        maker="Kodak",
        process="C-41",
        iso=400,
        camera="Nikon F3",
        aperture=2.8,
        shutter=(1, 125),
        date="2024-05-17",
        notes="in the rain",
    )
    other = found.of("x.tif")
    assert other is not None
    assert (other.camera, other.aperture) == ("Nikon F3", None)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file;film;aperture\r\na.tif;Ilford HP5;2,8\r\n", "utf-8-sig"),
        ("file\tfilm\taperture\na.tif\tIlford HP5\t2,8\n", "utf-16"),
        ('"file","film","aperture"\n"a.tif","Ilford HP5","2.8"\n', "utf-8"),
        ("Filename;Film Stock;F-Number\na.tif;Ilford HP5;f/2,8\n", "cp1252"),
    ],
)
def test_any_table_program(tmp_path: Path, text: str, encoding: str) -> None:
    notes = log(tmp_path, text, encoding).of("A.TIF")
    assert notes is not None
    assert (notes.film, notes.aperture) == ("Ilford HP5", 2.8)


def test_latin_1_is_read(tmp_path: Path) -> None:
    notes = log(tmp_path, "file,photographer\na.tif,Jos\u00e9\n", "cp1252").of("a.tif")
    assert notes is not None
    assert notes.photographer == "José"


def test_frames_and_ranges_find_scans_by_their_number(tmp_path: Path) -> None:
    found = log(tmp_path, 'frame,lens,aperture\n1-3,50mm,\n2,,4\n"7, 9-10",35mm,\n')
    assert found.of("roll_002.tif") == FilmNotes(lens="50mm", aperture=4.0, frame="2")
    notes = found.of("roll_010.tif")
    assert notes is not None
    assert (notes.lens, notes.frame) == ("35mm", "10")
    assert found.of("roll_004.tif") is None
    assert found.of("cover.tif") is None


def test_a_glob_with_a_range_takes_both(tmp_path: Path) -> None:
    found = log(tmp_path, "file,frame,camera\nroll7*,1-2,F3\nroll8*,1-2,M6\n")
    for scan, camera in (("roll7_1.tif", "F3"), ("roll8_2.tif", "M6")):
        notes = found.of(scan)
        assert notes is not None
        assert notes.camera == camera
    assert found.of("roll7_3.tif") is None


def test_a_frame_in_a_row_with_a_file_is_only_recorded(tmp_path: Path) -> None:
    notes = log(tmp_path, "file,frame\nDSC_0815.tif,12A\n").of("DSC_0815.tif")
    assert notes is not None
    assert notes.frame == "12A"


def test_exif_notes_with_its_lines_above_the_table(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        "Roll name: Lisbon\nAdded on: 2024-05-01 10:00\nFilm stock: Kodak Gold 200\n"
        "ISO: 200\nCamera: Nikon FM2\nSerial number: 123\n\n"
        "Frame Count,Date,Notes,Lens,Shutter,Aperture,Location\n"
        '12,2024-05-17 14:30,"tram, red",Nikkor 50mm f/1.8,1/250,5.6,38.7N\n',
    )
    notes = found.of("scan12.tif")
    assert notes is not None
    assert (notes.roll, notes.film, notes.camera) == ("Lisbon", "Kodak Gold 200", "Nikon FM2")
    assert (notes.notes, notes.date) == ("tram, red", "2024-05-17T14:30:00")
    assert found.unread == ("Location",)


def test_a_row_that_fits_nothing_is_named(tmp_path: Path) -> None:
    found = log(tmp_path, "file,film,mood\na.tif,x,good\nroll9_*,y,bad\n")
    said = found.warnings([("a.tif", "")])
    assert any("line 3 (roll9_*) fits no scan" in line for line in said)
    assert any("not used: mood" in line for line in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("film,camera\nx,y\n", "no line has a column 'file' or 'frame'"),
        ("", "no line has a column"),
        ("file,film\n", "no rows"),
        ("file,aperture\na.tif,wide\n", "line 2: aperture 'wide': write an f-number"),
        ("file,shutter\na.tif,125\n", "line 2: shutter '125': write 1/125"),
        ("file,date\na.tif,03/04/2024\n", "day or month first? write 2024-05-17"),
        ("file,date\na.tif,2024-02-31\n", "no such day"),
        ("file,iso\na.tif,fast\n", "line 2: iso 'fast'"),
        ("file,film\n,x\n", "line 2: has neither a file nor a frame"),
    ],
)
def test_an_invalid_cell_is_reported_with_its_position(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        log(tmp_path, text)
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        film_data.read(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1/125", (1, 125)), ("1/125s", (1, 125)), ("0.5", (1, 2)), ('2"', (2, 1)),
        ("1,5 s", (3, 2)), ("1", (1, 1)), ("B", None), ("1 1/2", (3, 2)),
    ],
)  # fmt: skip
def test_shutter_times(text: str, wanted: Any) -> None:
    assert film_values.shutter(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024", "2024"), ("2024-05", "2024-05"), ("2024:05:17 14:30:05", "2024-05-17T14:30:05"),
        ("17.05.2024 9:05", "2024-05-17T09:05:00"), ("5/17/2024", "2024-05-17"),
        ("17/5/2024 2:30 pm", "2024-05-17T14:30:00"),
        ("2024-05-17T14:30:00+02:00", "2024-05-17T14:30:00+02:00"),
        ("2024-05-17T14:30Z", "2024-05-17T14:30:00+00:00"),
    ],
)  # fmt: skip
def test_dates(text: str, wanted: str) -> None:
    assert film_values.date(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), [("400", 400), ("ISO 400", 400), ("400/27°", 400)])
def test_speeds(text: str, wanted: int) -> None:
    assert film_values.iso(text) == wanted


@pytest.mark.parametrize("film", ["Portra 400", "kodak portra 400", "95-13", "PORTRA-400"])
def test_a_film_by_its_common_names(tmp_path: Path, film: str) -> None:
    notes = log(tmp_path, f"file,film\na.tif,{film}\n").of("a.tif")
    assert notes is not None
    assert (notes.film, notes.iso, notes.process) == ("Kodak Portra 400", 400, "C-41")


def test_a_given_speed_has_priority_over_the_box_speed(tmp_path: Path) -> None:
    notes = log(tmp_path, "file,film,iso\na.tif,Portra 400,200\n").of("a.tif")
    assert notes is not None
    assert notes.iso == 200


LIGHTME = {
    "DateTimeOriginal": "2022:04:30 18:29:15",
    "Description": "Ilford HP5 Plus (135)",
    "DocumentName": "Ilford HP5 Plus",
    "ExposureTime": 0.008,
    "FNumber": 8,
    "FocalLength": 35,
    "GPSLatitude": "57deg 42' 3\" N",
    "ImageNumber": 1,
    "ImageUniqueId": "A0020_1",
    "ISO": 200,
    "ISOSpeed": 200,
    "LensModel": "35mm f/2,5 Color Skopar",
    "Model": "Bessa R2M",
    "Notes": "",
    "ReelName": "A0020",
    "SourceFile": "./1.",
    "UserComment": "roll_notes:\n \ndev_notes:\n ",
}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_of_lightme(tmp_path: Path, form: str) -> None:
    second = LIGHTME | {"ImageNumber": 2, "ExposureTime": 2, "Notes": "dusk", "SourceFile": "./2."}
    text = json.dumps([LIGHTME, second])
    if form == "csv":
        made = io.StringIO()
        writer = csv.DictWriter(made, list(LIGHTME))
        writer.writeheader()
        writer.writerows([LIGHTME | {"UserComment": ""}, second | {"UserComment": ""}])
        text = made.getvalue()
    found = log(tmp_path, text)
    assert found.of("A0020_001.tif") == FilmNotes(
        film="Ilford HP5 Plus",
        maker="Ilford",
        process="B&W",
        iso=200,
        camera="Bessa R2M",
        lens="35mm f/2,5 Color Skopar",
        aperture=8.0,
        shutter=(1, 125),
        date="2022-04-30T18:29:15",
        roll="A0020",
        frame="1",
    )
    later = found.of("A0020_002.tif")
    assert later is not None
    assert (later.shutter, later.notes) == ((2, 1), "dusk")
    assert found.without_scan([("A0020_001.tif", ""), ("A0020_002.tif", "")]) == ()


def test_a_log_of_a_film_tracker(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        "Roll Name,Film Stock,Camera Name,Frame #,Lens Name,Shutter Speed,F-Stop,Date Taken,"
        "Comments\n"
        "Porto,Portra 160,Mamiya 7,3,80mm,1/60,f/5.6,2024-05-17 14:30,by the river\n",
    )
    notes = found.of("porto_03.tif")
    assert notes is not None
    assert (notes.roll, notes.film, notes.camera) == ("Porto", "Kodak Portra 160", "Mamiya 7")
    assert (notes.lens, notes.shutter, notes.aperture) == ("80mm", (1, 60), 5.6)
    assert (notes.frame, notes.notes) == ("3", "by the river")
    assert found.unread == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [("[{]", "no valid JSON"), ("[1, 2]", "a list of objects"), ("[]", "no line has a column")],
)
def test_json_that_is_no_film_log_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        log(tmp_path, text)


def test_each_crop_of_a_strip_has_its_rows(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        "file,frame,film,aperture,notes\n"
        "strip_7.tif,,Portra 400,,\n"  # all of the strip
        ",1-2,,4,\n"  # by the number of the crop
        "strip_7.tif,2,,,the bridge\n"  # one of a file that is named
        "strip_7-03,12A,,,a name of its own\n",  # as the output is called
    )
    first, second, third = (found.of("in/strip_7.tif", f"{n:02}") for n in (1, 2, 3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.film, first.aperture, first.notes, first.frame) == (
        "Kodak Portra 400", 4.0, "", "1",
    )  # fmt: skip
    assert (second.aperture, second.notes, second.frame) == (4.0, "the bridge", "2")
    assert (third.aperture, third.notes, third.frame) == (None, "a name of its own", "12A")
    crops = [("strip_7.tif", f"{n:02}") for n in (1, 2)]
    assert [row.line for row in found.without_scan(crops)] == [5]


def test_a_mistyped_column_and_a_repeated_file_are_named(tmp_path: Path) -> None:
    text = "file,camra,film,iso\na.tif,F3,Portra 400,400\nb.tif,,,\nA.tif,,Ektar 100,100\n*,,,50\n"
    unused, repeated = log(tmp_path, text).warnings([("a.tif", ""), ("b.tif", "")])
    assert "camra (did you mean 'camera'?)" in unused
    assert "line 4 (A.tif) changes film, iso of line 2" in repeated
