"""``divere analyze``, and ``divere batch --auto`` and ``--from``, through the whole program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from divere_cli.cli import app
from tests.roll import rolls
from tests.roll.rolls import Roll

Output = pytest.CaptureFixture[str]
PROFILE = ["-p", "c41-endura-premier"]


@pytest.fixture
def three(roll: Roll, tmp_path: Path) -> Path:
    """Three frames of a roll, without the presets that know the truth."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("frame-01.tif", "frame-02.tif", "frame-03.tif"):
        (folder / name).hardlink_to(roll.path(name))
    return folder


def batch(folder: Path, out: Path, *options: str) -> int:
    return app.run(["batch", str(folder), str(out), "--isolation", "never", *options])


def test_it_says_gains_confidence_and_reasons(three: Path, capfd: Output) -> None:
    assert app.run(["analyze", str(three), *PROFILE]) == 0
    told = capfd.readouterr().out
    assert "rgb_gains" in told
    assert "confidence" in told
    assert "film base" in told
    assert "no picture" in told


def test_json_is_the_evidence_and_nothing_else(three: Path, capfd: Output) -> None:
    assert app.run(["analyze", str(three), *PROFILE, "--json", "--isolation", "never"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [frame["input"] for frame in told["rolls"][0]["frames"]] == [
        "frame-01.tif",
        "frame-02.tif",
        "frame-03.tif",
    ]


def test_a_file_is_never_overwritten_without_the_option(
    three: Path, tmp_path: Path, capfd: Output
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("{}")
    asked = ["analyze", str(three), *PROFILE, "-o", str(mine), "--isolation", "never"]
    assert app.run(asked) == 2
    assert mine.read_text() == "{}"
    assert app.run([*asked, "--overwrite"]) == 0
    assert "frame-02.tif" in json.loads(mine.read_text())


def test_rolls_may_share_names_and_scans_may_have_twins(
    three: Path, tmp_path: Path, capfd: Output
) -> None:
    other = tmp_path / "other" / three.name
    other.mkdir(parents=True)
    for name in ("frame-02.tif", "frame-02.tiff"):
        (other / name).write_bytes((three / "frame-02.tif").read_bytes())
    asked = ["analyze", str(three), str(other), *PROFILE, "--json", "--isolation", "never"]
    assert app.run(asked) == 0
    told = json.loads(capfd.readouterr().out)["rolls"]
    found = {Path(roll["name"]): [frame["input"] for frame in roll["frames"]] for roll in told}
    assert found == {
        folder: [path.as_posix() for path in sorted(folder.iterdir())] for folder in (three, other)
    }


def test_a_bad_scan_is_named_and_the_others_are_measured(three: Path, capfd: Output) -> None:
    (three / "torn.tif").write_bytes((three / "frame-02.tif").read_bytes()[:5000])
    assert app.run(["analyze", str(three), *PROFILE, "--isolation", "never"]) == 3
    told = capfd.readouterr()
    assert "torn.tif" in told.err
    assert "'frame-02.tif'" in told.out


def test_nothing_to_measure_is_an_error(tmp_path: Path, capfd: Output) -> None:
    assert app.run(["analyze", str(tmp_path)]) == 10
    assert "no scan" in capfd.readouterr().err


def test_a_frame_by_its_analysis_is_the_frame_of_the_batch(three: Path, tmp_path: Path) -> None:
    saved, one, two = tmp_path / "roll.json", tmp_path / "one", tmp_path / "two"
    assert batch(three, one, *PROFILE, "--auto", "roll") == 0
    asked = ["analyze", str(three), *PROFILE, "-o", str(saved), "--isolation", "never"]
    assert app.run(asked) == 0
    assert batch(three / "frame-03.tif", two, "--from", str(saved)) == 0
    np.testing.assert_array_equal(
        rolls.pixels(str(one / "frame-03.tif")), rolls.pixels(str(two / "frame-03.tif"))
    )


@pytest.mark.parametrize("isolation", ["never", "always"])
def test_jobs_and_isolation_change_no_byte(three: Path, tmp_path: Path, isolation: str) -> None:
    alone, here = tmp_path / "alone", tmp_path / "here"
    assert batch(three, alone, *PROFILE, "--auto", "roll", "-j", "1") == 0
    options = [*PROFILE, "--auto", "roll", "-j", "3", "--isolation", isolation]
    assert batch(three, here, *options) == 0
    for path in three.iterdir():
        assert (here / path.name).read_bytes() == (alone / path.name).read_bytes()


def test_the_report_says_what_was_decided_and_why(three: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert batch(three, out, *PROFILE, "--auto", "roll") == 0
    report = json.loads((out / "divere-report.json").read_text())
    told = report["rolls"][0]
    assert told["mode"] == "roll"
    assert told["confidence"] in ("high", "medium")
    assert len(told["frames"]) == 3
    assert all(frame["reason"] for frame in told["frames"])
    files = {file["input"]: file for file in report["files"]}
    assert "no picture" in files["frame-01.tif"]["warnings"][0]


@pytest.mark.parametrize(
    "options",
    [
        ["--auto", "roll", "--from", "x.json"],
        ["--auto", "off", "--strict"],
        ["--auto", "off", "--roll-by", "*_"],
        ["--auto", "off", "--exposure-pull", "0.5"],
        ["--exposure-pull", "1.5"],
        ["--from", "missing.json"],
    ],
)
def test_options_that_cannot_go_together_are_refused(
    three: Path, tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert batch(three, tmp_path / "out", *options) == 2
    assert not (tmp_path / "out").exists()


def test_strict_fails_a_roll_without_a_picture(three: Path, tmp_path: Path, capfd: Output) -> None:
    for name in ("frame-02.tif", "frame-03.tif"):
        (three / name).unlink()
    options = [*PROFILE, "--auto", "roll"]
    assert batch(three, tmp_path / "lax", *options) == 0
    assert batch(three, tmp_path / "strict", *options, "--strict") == 3
    assert "low confidence" in capfd.readouterr().err
    assert not (tmp_path / "strict" / "frame-01.tif").exists()
