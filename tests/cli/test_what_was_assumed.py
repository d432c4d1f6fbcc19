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
