"""``divere inspect``: all formats agree, and a hostile file is one line."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.cli import app
from tests.develop.lights import falloff
from tests.frames.strips import Spec, draw
from tests.image import dng_files

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def scan(path: Path, shape: tuple[int, ...] = (8, 12, 3), **options: Any) -> str:
    options = {"photometric": "rgb" if shape[-1] in (3, 4) and len(shape) == 3 else None} | options
    tifffile.imwrite(
        path, np.zeros(shape, options.pop("dtype", np.uint16)),
        metadata=None, software=options.pop("software", False), **options,
    )  # fmt: skip
    return str(path)


def told(capfd: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = app.run(["inspect", *args])
    out, err = capfd.readouterr()
    return code, out, err


def document(capfd: pytest.CaptureFixture[str], *args: str) -> list[dict[str, Any]]:
    code, out, _ = told(capfd, "--json", *args)
    data = json.loads(out)
    assert data["schema"] == "divere-inspect/1"
    assert code == (3 if any(file["error"] for file in data["files"]) else 0)
    return list(data["files"])


def test_lines_say_what_a_scan_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = scan(
        tmp_path / "a.tif", (8, 12, 4), extrasamples=["unspecified"], resolution=(4000, 4000),
        resolutionunit=2, compression="deflate", predictor=True, software="VueScan 9",
        extratags=[(271, 2, 0, "Nikon", True), (272, 2, 0, "LS-5000", True)],
    )  # fmt: skip
    code, out, err = told(capfd, path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == path
    facts = dict(line.strip().split(":", 1) for line in lines[1:])
    facts = {name: text.strip() for name, text in facts.items()}
    assert facts["format"] == "TIFF (VueScan)"
    assert facts["size"] == "12 x 8, 9.6e-05 MP"
    assert facts["samples"].startswith("RGB + ")
    assert facts["samples"].endswith(", 16-bit integer")
    assert facts["storage"] == "deflate, one strip"
    assert facts["resolution"] == "4000 dpi"
    assert facts["scanner"] == "Nikon LS-5000"
    assert facts["preset"].startswith("c41-portra-endura")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("shape", "options", "samples", "storage"),
    [
        ((8, 12), {"dtype": np.uint8}, "gray, 8-bit integer", "uncompressed, one strip"),
        ((8, 12, 3), {"rowsperstrip": 2}, "RGB, 16-bit integer", "uncompressed, strips of 2 rows"),
        ((8, 12, 3), {"dtype": np.float32}, "RGB, 32-bit float", "uncompressed, one strip"),
        ((3, 8, 12), {"planarconfig": "separate", "photometric": "rgb"},
         "RGB, 16-bit integer, planar", "uncompressed, one strip"),
        ((32, 32, 3), {"tile": (16, 16)}, "RGB, 16-bit integer", "uncompressed, tiles of 16 x 16"),
        ((8, 12), {"photometric": "miniswhite"}, "gray, 16-bit integer, MinIsWhite",
         "uncompressed, one strip"),
    ],
)  # fmt: skip
def test_storage_and_samples(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    shape: tuple[int, ...],
    options: dict[str, Any],
    samples: str,
    storage: str,
) -> None:
    _, out, _ = told(capfd, scan(tmp_path / "a.tif", shape, **options))
    assert f"samples:     {samples}\n" in out
    assert f"storage:     {storage}\n" in out


def test_json_agrees_with_the_header(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = scan(tmp_path / "a.tif", bigtiff=True, byteorder=">", datetime="2020:01:02 03:04:05")
    (told_,) = document(capfd, path)
    assert told_["variant"] == "bigtiff"
    assert told_["big_endian"] is True
    assert (told_["width"], told_["height"], told_["channels"], told_["bits"]) == (12, 8, 3, 16)
    assert told_["metadata"]["date"] == "2020:01:02 03:04:05"
    assert told_["infrared"] is None
    assert len(told_["preset"]["sha256"]) == 64
    assert told_["preset"]["frames"] == [
        {"crop": [0.0, 0.0, 1.0, 1.0], "orientation": 0, "name": ""}
    ]


def test_the_preset_is_the_one_a_run_would_take(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    color, gray = scan(tmp_path / "a.tif"), scan(tmp_path / "b.tif", (8, 12))
    first, second = document(capfd, color, gray)
    assert first["preset"]["name"] != second["preset"]["name"]
    (tmp_path / "divere_presets.json").write_text("{broken")
    code, _, err = told(capfd, color)
    assert code == 3
    assert "profile" in err
    (third,) = json.loads(told(capfd, "--json", color)[1])["files"]
    assert third["preset"]["error"]["kind"] == "profile"
    assert third["width"] == 12


@pytest.mark.parametrize("balance", [None, "off", "as_shot"])
def test_the_white_balance_of_a_camera_s_file_is_the_preset_s(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], balance: str | None
) -> None:
    paths = [dng_files.write(tmp_path / "a.dng", dng_files.bayer()), scan(tmp_path / "b.tif")]
    preset = {"version": 3, "idt": {"name": "sRGB"}, "camera_white_balance": balance or "off"}
    if balance:
        (tmp_path / "divere_presets.json").write_text(json.dumps({"folder_default": preset}))
    raw, tiff = (file["preset"] for file in document(capfd, *paths))
    assert raw["camera_white_balance"] == (balance or "off")
    assert tiff["camera_white_balance"] is None
    _, out, _ = told(capfd, paths[0])
    assert f"  balance:     {(balance or 'off').replace('_', ' ')}\n" in out
    assert "balance:" not in told(capfd, paths[1])[1]


def test_a_bad_file_is_a_line_and_the_others_go_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = scan(tmp_path / "good.tif")
    bad = tmp_path / "bad.tif"
    bad.write_bytes(Path(good).read_bytes()[:9])
    code, out, err = told(capfd, str(bad), good, str(tmp_path / "none.tif"))
    assert code == 3
    assert "12 x 8" in out
    errors = [line for line in err.splitlines() if line.startswith("divere: error:")]
    assert [re.search(r"': (\w+):", line).group(1) for line in errors] == [  # type: ignore[union-attr]
        "corrupt_input", "unreadable"]  # fmt: skip
    first, second, third = document(capfd, str(bad), good, str(tmp_path / "none.tif"))
    assert first["error"]["kind"] == "corrupt_input"
    assert second["error"] is None
    assert third["error"]["kind"] == "unreadable"


@pytest.mark.parametrize("as_json", [False, True])
def test_hostile_text_never_reaches_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], as_json: bool
) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202e[/red][link=x]" + "A" * 1_000_000
    path = scan(
        tmp_path / "\x1b[2J[red].tif",
        software="x",
        extratags=[(code, 2, 0, evil.encode(), True) for code in (270, 271, 272, 315, 33432)],
    )
    code, out, err = told(capfd, *(["--json"] if as_json else []), path)
    assert code == 0
    assert not CONTROL.search(out + err)
    assert len(out) < 8_000
    assert "[red]" in out


def test_a_name_that_is_no_utf_8(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(os.fsencode(tmp_path / "scan") + b"\xff.tif")
    scan(tmp_path / "plain.tif")
    os.rename(tmp_path / "plain.tif", os.fsencode(name))
    code, out, _ = told(capfd, name)
    assert code == 0
    assert "\\xff.tif" in out
    (told_,) = document(capfd, name)
    assert told_["file"] == name


@pytest.mark.slow
def test_a_huge_scan_costs_its_header_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A sparse file of 4 GB: it would take long to read it."""
    path = tmp_path / "huge.tif"
    width, height = 30_040, 23_170
    size = width * height * 6
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 16), (259, 3, 1), (262, 3, 2),
        (273, 4, 1000), (277, 3, 3), (278, 4, height), (279, 4, size),
    ]  # fmt: skip
    table = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    table += b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in tags)
    with path.open("wb") as file:
        file.write(table + bytes(4))
        file.truncate(1000 + size)
    (told_,) = document(capfd, str(path))
    assert (told_["width"], told_["height"]) == (width, height)


def test_a_terminal_gets_a_table(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    path = scan(tmp_path / "[bold].tif")
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        done = subprocess.Popen(
            [sys.executable, "-m", "divere_cli", "inspect", path],
            stdout=follower,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = terminal.read(4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
        assert done.wait() == 0
    assert b"\x1b[" in shown
    assert b"[bold].tif" in shown
    assert b"12 x 8" in shown


def test_no_decoder_is_loaded() -> None:
    script = (
        "import sys; from divere_cli.cli import inspect_cmd; "
        "print([m for m in ('numpy', 'tifffile', 'exiv2', 'PIL', 'imagecodecs', 'rich', "
        "'PyOpenColorIO') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_frames_that_a_batch_would_find_are_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "strip.tif"
    tifffile.imwrite(path, draw(Spec(count=3, scale=9.0, seed=3), []).pixels, photometric="rgb")
    options = ("--no-quality", "--film-edge", "off", "--frames", "find")
    (shown,) = document(capfd, *options, str(path))
    assert shown["frames"]["film"] == "135"
    assert [frame["sure"] for frame in shown["frames"]["frames"]] == [True] * 3
    code, out, _ = told(capfd, *options, str(path))
    assert code == 0
    assert "3 of 135, 3 sure" in out
    assert told(capfd, "--film", "135", str(path))[0] == 2


def test_what_a_flat_field_would_correct_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(2)
    light = np.round(falloff(480, 320, 1.0, rng) * 60000).astype(np.uint16)
    tifffile.imwrite(tmp_path / "light.tif", light, photometric="rgb")
    good = scan(tmp_path / "a.tif", (32, 48, 3))
    other = scan(tmp_path / "b.tif", (32, 32, 3))
    options = ("--no-quality", "--film-edge", "off", "--flat-field", str(tmp_path / "light.tif"))
    first, second = document(capfd, *options, good, other)
    assert first["flat_field"]["fits"] is True
    assert first["flat_field"]["highest"] > 1.5
    assert second["flat_field"]["fits"] is False
    _, out, _ = told(capfd, *options, good, other)
    assert "brightens by" in out
    assert "would fail" in out
