"""``divere.toml``: found beside the scans or given, below flags and environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.batch.tiffs import tiff
from tests.cli import program
from tests.cli.program import divere


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.tif").write_bytes(tiff())
    return folder


def planned(scans: Path, *more: str, env: dict[str, str] | None = None) -> str:
    done = divere("batch", scans, scans.parent / "out", "--dry-run", *more, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_flag_then_environment_then_file(scans: Path) -> None:
    (scans / "divere.toml").write_text('name = "{stem}-file"\nformat = "jpg"\n')
    assert "a-file.jpg" in planned(scans)
    assert "a-env.jpg" in planned(scans, env={"DIVERE_BATCH_NAME": "{stem}-env"})
    assert "a-flag.png" in planned(scans, "--name", "{stem}-flag", "--format", "png")


def test_a_file_that_is_asked_for_takes_the_place_of_the_one_found(scans: Path) -> None:
    (scans / "divere.toml").write_text('name = "{stem}-found"\n')
    other = scans.parent / "other.toml"
    other.write_text('name = "{stem}-asked"\n')
    assert "a-asked.tif" in planned(scans, "--config", str(other))


def test_an_unknown_key_is_an_error_with_the_nearest_name(scans: Path) -> None:
    (scans / "divere.toml").write_text("bit-deep = 8\n")
    done = divere("batch", scans, scans.parent / "out")
    assert done.returncode == 2
    assert "no option 'bit-deep'; did you mean 'bit-depth'?" in done.stderr
    assert not (scans.parent / "out").exists()


@pytest.mark.parametrize("text", ["= 3", "name = [1]", "[name]\nx = 1", "format = 'gif'"])
def test_an_invalid_file_is_reported_and_nothing_is_done(scans: Path, text: str) -> None:
    (scans / "divere.toml").write_text(text + "\n")
    done = divere("batch", scans, scans.parent / "out")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_file_found_beside_scans_writes_only_in_its_folder(scans: Path) -> None:
    victim = scans.parent / "victim.json"
    victim.write_text("mine")
    (scans / "divere.toml").write_text(f'report = ["{victim}"]\n')
    done = divere("batch", scans, scans.parent / "out")
    assert (done.returncode, victim.read_text()) == (2, "mine")
    assert "in its own folder" in done.stderr


def test_the_report_says_which_file_was_used(scans: Path) -> None:
    (scans / "divere.toml").write_text("dither = false\n")
    out = scans.parent / "out"
    assert program.divere("batch", scans, out).returncode == 0
    report = json.loads((out / "divere-report.json").read_text())
    assert report["command"]["config"] == str(scans / "divere.toml")


def test_a_file_with_a_byte_order_mark(scans: Path) -> None:
    (scans / "divere.toml").write_bytes(b"\xef\xbb\xbf" + b'name = "{stem}-marked"\n')
    assert "a-marked.tif" in planned(scans)


@pytest.mark.parametrize(
    ("text", "words"),
    [('format = "webp"', "format: 'webp'"), ("jobs = 2.5", "jobs: '2.5'"),
     ('timeout = "soon"', "timeout: 'soon'")],
)  # fmt: skip
def test_an_invalid_value_names_the_file_and_the_key(scans: Path, text: str, words: str) -> None:
    (scans / "divere.toml").write_text(text + "\n")
    done = divere("batch", scans, scans.parent / "out")
    assert done.returncode == 2
    assert "divere.toml" in done.stderr
    assert words in done.stderr
