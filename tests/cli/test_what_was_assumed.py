"""Assumptions about a scan are on the console and in every report."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from tests.cli.program import divere, on_terminal
from tests.image import made

# What each scan is, and what has to be read of it.
SAID = {
    "alpha.png": "alpha was left out",
    "clipped.tif": "clipped to white: red 30.",
    "encoded.png": "samples are gamma 2.2 by its gAMA: made linear",
    "infrared.tif": "infrared was left out",
    "pages.tif": "1 further picture of the file is left out",
    "turned.tif": "the file's orientation tag (6) was applied",
}
NOTES = ("alpha.png", "encoded.png", "infrared.tif", "turned.tif")  # the others are warnings


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(3)
    four = rng.integers(9000, 50000, (48, 64, 4), dtype=np.uint16)
    color = np.ascontiguousarray(four[..., :3])
    clipped = color.copy()
    clipped[..., 0].flat[: int(color[..., 0].size * 0.3)] = 65535
    clipped[..., 0] = rng.permutation(clipped[..., 0].ravel()).reshape(48, 64)
    rgb = {"photometric": "rgb"}
    tifffile.imwrite(folder / "clipped.tif", clipped, photometric="rgb")
    tifffile.imwrite(folder / "turned.tif", color, **rgb, extratags=[(274, "H", 1, 6, True)])  # type: ignore[arg-type]
    with tifffile.TiffWriter(folder / "pages.tif") as file:
        file.write(color, photometric="rgb")
        file.write(color[::-1], photometric="rgb")
    with tifffile.TiffWriter(folder / "infrared.tif") as file:
        file.write(color, photometric="rgb")
        file.write(four[..., 3], photometric="minisblack")
    eight = (four >> 8).astype(np.uint8)
    Image.fromarray(eight, "RGBA").save(folder / "alpha.png")
    told = PngImagePlugin.PngInfo()
    told.add(b"gAMA", (45455).to_bytes(4, "big"))
    Image.fromarray(np.ascontiguousarray(eight[..., :3])).save(folder / "encoded.png", pnginfo=told)
    return folder


def options(folder: Path) -> list[str | Path]:
    reports = [folder / f"r.{suffix}" for suffix in ("json", "csv", "html", "xml")]
    asked = [word for report in reports for word in ("--report", report)]
    return [*asked, "--pages", "first", "--auto", "off", "-p", "c41-endura-premier"]


def test_on_pipes_and_in_every_report(scans: Path, tmp_path: Path) -> None:
    done = divere("batch", scans, tmp_path / "out", *options(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = {line.split("'")[1]: line for line in done.stdout.splitlines()}
    assert set(lines) == set(SAID)
    assert all("(by c41-endura-premier," in line for line in lines.values())
    table = csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8-sig")))
    rows = {row["input"]: row for row in table}
    report = {f["input"]: f for f in json.loads((tmp_path / "r.json").read_text())["files"]}
    page, junit = ((tmp_path / f"r.{suffix}").read_text() for suffix in ("html", "xml"))
    saved = divere("report", tmp_path / "r.json")
    for name, text in SAID.items():
        where = "notes" if name in NOTES else "warnings"
        for console in (done, saved):
            told = console.stdout if name in NOTES else console.stderr
            assert any(repr(name) in line and text in line for line in told.splitlines())
        assert text in " ".join(report[name][where])
        assert text in rows[name][where]
        assert rows[name]["profile"] == "c41-endura-premier"
        escaped = text.replace("'", "&#39;")
        assert escaped in page or text in page
        assert text in junit.replace("&apos;", "'")
    assert report["turned.tif"]["orientation"] == rows["turned.tif"]["orientation"] == "6 applied"
    assert report["encoded.png"]["input_transfer"] == rows["encoded.png"]["input_transfer"]
    assert rows["pages.tif"]["pages"] == "2"
    assert re.fullmatch(r"0\.30\d* 0 0", rows["clipped.tif"]["clipped_top"])


def test_as_events(scans: Path, tmp_path: Path) -> None:
    done = divere("batch", scans, tmp_path / "out", *options(tmp_path), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    files = {event["input"]: event for event in events if event["event"] == "file"}
    for name, text in SAID.items():
        assert text in " ".join(files[name]["notes" if name in NOTES else "warnings"])
        assert files[name]["profile"]["name"] == "c41-endura-premier"


def test_on_a_terminal(scans: Path, tmp_path: Path) -> None:
    code, screen = on_terminal("batch", scans, tmp_path / "out", *options(tmp_path), columns=80)
    assert code == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", screen)
    for name, text in SAID.items():
        assert text in shown.replace("\n", ""), name
    rows = [line for line in shown.splitlines() if re.search(r"\bok +c41-endura-premier\b", line)]
    assert len(rows) == len(SAID)


def test_a_tag_that_was_not_applied(scans: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    said = ["--auto", "off", "--orientation", "ignore", "--report", report]
    done = divere("batch", scans / "turned.tif", tmp_path / "out", *said)
    assert "the file's orientation tag (6) was not applied" in done.stdout
    (file,) = json.loads(report.read_text())["files"]
    assert file["orientation"] == "6 ignored"


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></x:xmpmeta>'
)


def jpeg_with(*segments: bytes) -> bytes:
    """A JPEG with further APP1 segments."""
    file = io.BytesIO()
    Image.fromarray(made.bits(made.rgb(48, 64), 8)).save(file, "JPEG")
    parts = b"".join(b"\xff\xe1" + (len(s) + 2).to_bytes(2, "big") + s for s in segments)
    return b"\xff\xd8" + parts + file.getvalue()[2:]


def png_with(*parts: tuple[bytes, bytes]) -> bytes:
    a = made.rgb(48, 64)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in a)
    return made.png(a, 2, 16, rows, *parts)


def of_tiff(more: dict[int, made.Values]) -> bytes:
    return made.tiff(made.page(made.rgb(48, 64), more=more))


EXIF_1 = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"
EXIF_6 = EXIF_1[:24] + b"\x06" + EXIF_1[25:]
XMP_PACKET = b"http://ns.adobe.com/xap/1.0/\0" + XMP
TURNED = {
    "exif-in-text.png": lambda: png_with(
        (
            b"tEXt",
            b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(EXIF_6), EXIF_6.hex().encode()),
        )
    ),
    "exif.webp": lambda: made.by_pillow(
        made.bits(made.rgb(48, 64), 8), "WEBP", lossless=True, exif=EXIF_6
    ),
    "linear.dng": lambda: made.linear(made.rgb(48, 64), {274: (3, [6])}),
    "xmp.jpg": lambda: jpeg_with(XMP_PACKET),
    "xmp.png": lambda: png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    "xmp.tif": lambda: of_tiff({700: (1, XMP)}),
}


def test_orientations_that_stand_elsewhere_are_applied(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, build in TURNED.items():
        (folder / name).write_bytes(build())
    # the tag counts where both exist
    (folder / "both.jpg").write_bytes(jpeg_with(EXIF_1, XMP_PACKET))
    name = "{stem}-{ext}"
    done = divere("batch", folder, tmp_path / "out", "--auto", "off", "--name", name)
    assert done.returncode == 0, done.stderr
    files = json.loads((tmp_path / "out/divere-report.json").read_text())["files"]
    stated = {file["input"]: file.get("orientation") for file in files}
    assert stated == {**dict.fromkeys(TURNED, "6 applied"), "both.jpg": None}
    for file in files:
        sides = tifffile.imread(tmp_path / "out" / file["outputs"][0]).shape[:2]
        assert sides == ((48, 64) if file["input"] == "both.jpg" else (64, 48)), file["input"]


def test_infrared_beside_a_turned_positive(tmp_path: Path) -> None:
    scan = tmp_path / "scan.tif"
    page = {305: (2, "SilverFast 9"), 274: (3, [6])}
    infrared = made.gray()[:48, :64]
    scan.write_bytes(
        made.tiff(made.page(made.rgb(48, 64), more=page), made.page(infrared, more={254: (4, [4])}))
    )
    for option, tag in (("apply", 6), ("ignore", 1)):
        out = tmp_path / option
        words = ["--auto", "off", "--ir", "sidecar", "--orientation", option]
        assert divere("batch", scan, out, *words).returncode == 0
        with tifffile.TiffFile(out / "scan-ir.tif") as file:
            assert np.array_equal(file.pages[0].asarray(), infrared)
            assert file.pages[0].tags[274].value == tag  # type: ignore[union-attr]


def test_what_an_option_asked_for_and_the_scan_does_not_have(tmp_path: Path) -> None:
    scan = tmp_path / "plain.tif"
    scan.write_bytes(of_tiff({}))
    done = divere("batch", scan, tmp_path / "a", "--auto", "off", "--ir", "sidecar")
    assert "no infrared channel to write beside the positive" in done.stdout
    four = np.dstack([made.rgb(48, 64), made.rgb(48, 64)[..., 0]])
    (tmp_path / "four.tif").write_bytes(made.tiff(made.page(four)))
    done = divere("batch", tmp_path / "four.tif", tmp_path / "b", "--auto", "off")
    assert "samples of unknown meaning were left out" in done.stdout
    (tmp_path / "crop.dng").write_bytes(
        made.linear(made.rgb(48, 64), {51125: (5, [1, 4, 1, 4, 3, 4, 3, 4])})
    )
    done = divere("batch", tmp_path / "crop.dng", tmp_path / "c", "--auto", "off")
    assert "DefaultUserCrop" in done.stdout
