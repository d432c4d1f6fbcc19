"""What `divere batch IN OUT` does without options: measured, decided once, and kept."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from divere_cli.batch.staleness import DELIVERED, EARLIER_GRADE
from divere_cli.profile.select import EARLIER_COLOR_DEFAULT
from tests.cli.program import divere
from tests.roll.rolls import Roll

UNASKED = {"DIVERE_BATCH_AUTO": "auto"}
PLAIN = ("frame-02.tif", "frame-03.tif", "frame-04.tif")
LATER = "frame-06.tif"


@pytest.fixture
def scans(roll: Roll, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in PLAIN:
        shutil.copy(roll.path(name), folder / name)
    return folder


def batch(scans: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = divere("batch", scans, out, *options, env=UNASKED)
    assert done.returncode == 0, done.stderr
    return done


def report(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "divere-report.json").read_text())
    return found


def statuses(out: Path) -> dict[str, str]:
    return {file["input"]: file["status"] for file in report(out)["files"]}


def positives(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("*.tif")}


def test_a_shipped_profile_is_measured_and_both_ends_of_the_run_say_so(
    scans: Path, tmp_path: Path
) -> None:
    done = batch(scans, tmp_path / "out")
    lines = done.stderr.splitlines()
    assert "3 scans are measured first" in lines[0]
    assert "c41-portra-endura" in lines[0]
    assert any("confidence" in line and "analyze -o" in line for line in lines[1:])
    (decided,) = report(tmp_path / "out")["rolls"]
    assert decided["profile"] == "c41-portra-endura"
    assert all(frame["rgb_gains"] != [0.0, 0.0, 0.0] for frame in decided["frames"])


def test_a_preset_of_the_user_is_not_changed(scans: Path, tmp_path: Path) -> None:
    mine = {"folder_default": {"cc_params": {"rgb_gains": [0.1, 0.0, -0.1]}}}
    (scans / "divere_presets.json").write_text(json.dumps(mine))
    done = batch(scans, tmp_path / "out")
    assert "measured" not in done.stderr
    assert report(tmp_path / "out")["rolls"] == []
    batch(scans, tmp_path / "off", "--auto", "off")
    assert positives(tmp_path / "out") == positives(tmp_path / "off")


def test_positives_are_not_measured(scans: Path, tmp_path: Path) -> None:
    done = batch(scans, tmp_path / "out", "-p", "reversal-neutral")
    assert "measured" not in done.stderr


def test_a_roll_that_was_decided_stays_decided(scans: Path, roll: Roll, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out)
    first, decided = positives(out), report(out)["rolls"][0]
    shutil.copy(roll.path(LATER), scans / LATER)
    done = batch(scans, out)
    assert statuses(out) == {**dict.fromkeys(PLAIN, "up_to_date"), LATER: "ok"}
    assert {n: p for n, p in positives(out).items() if n in PLAIN} == first
    assert "3 of earlier runs stay as they were decided" in done.stderr
    named = ", ".join(f"'{name}'" for name in PLAIN)
    assert f"as decided before for {named}" in done.stderr
    (record,) = report(out)["rolls"]
    assert record["stay"] == list(PLAIN)
    assert [frame["input"] for frame in record["frames"]] == [LATER]
    red, green, blue = record["rgb_gains"]
    was = decided["rgb_gains"]
    assert (red - green, blue - green) == pytest.approx((was[0] - was[1], was[2] - was[1]))
    batch(scans, out)
    assert set(statuses(out).values()) == {"up_to_date"}
    batch(scans, out, "--auto", "roll", "--force")
    assert set(statuses(out).values()) == {"ok"}
    assert {n: p for n, p in positives(out).items() if n in PLAIN} != first


def test_positives_of_an_earlier_version_are_not_graded_again(
    scans: Path, roll: Roll, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--auto", "off")
    first = positives(out)
    shutil.copy(roll.path(LATER), scans / LATER)
    batch(scans, out)
    assert statuses(out) == {**dict.fromkeys(PLAIN, "up_to_date"), LATER: "ok"}
    for entry in report(out)["files"]:
        notes = [DELIVERED] if entry["input"] in PLAIN else []
        assert [note for note in entry["notes"] if "earlier" in note] == notes
    assert {n: p for n, p in positives(out).items() if n in PLAIN} == first
    batch(scans, out, "--auto", "roll")
    assert statuses(out)[PLAIN[0]] == "ok"


def test_positives_of_the_previous_default_profile_stay_with_a_note(
    scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--auto", "off", "-p", EARLIER_COLOR_DEFAULT)
    first = positives(out)
    done = batch(scans, out)
    assert statuses(out) == dict.fromkeys(PLAIN, "up_to_date")
    for entry in report(out)["files"]:
        notes = [note for note in entry["notes"] if "earlier" in note]
        assert notes == [DELIVERED, EARLIER_GRADE]
    assert "3 by an earlier version of the grade" in done.stderr
    assert positives(out) == first


def test_the_pull_of_the_command_is_the_share_of_each_frame(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--exposure-pull", "1")
    for frame in report(out)["rolls"][0]["frames"]:
        assert frame["exposure"] == pytest.approx(frame["measured_exposure"], abs=1e-3)


def test_one_scan_is_a_roll(scans: Path, tmp_path: Path) -> None:
    for name in PLAIN[1:]:
        (scans / name).unlink()
    done = batch(scans, tmp_path / "out")
    assert "1 scan is measured first" in done.stderr
