"""``divere samples`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from divere_cli.cli import app


def test_samples_are_written_and_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "negatives"
    code = app.run(["samples", str(out), "--count", "2", "--megapixels", "0.02"])
    assert code == 0
    assert "2 negatives" in capfd.readouterr().out
    assert len(list(out.glob("*.tif"))) == 2


def test_the_roll_option_writes_a_roll(tmp_path: Path) -> None:
    options = [
        "--count",
        "5",
        "--megapixels",
        "0.01",
        "--roll",
        "--border",
        "holder",
        "--seed",
        "3",
    ]
    assert app.run(["samples", str(tmp_path), *options]) == 0
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["seed"] == 3
    assert [f["kind"] for f in truth["frames"]][0::2] == ["leader", "colored", "blank"]


def test_existing_samples_are_never_replaced(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    once = ["samples", str(tmp_path), "--count", "1", "--megapixels", "0.01"]
    assert app.run(once) == 0
    assert app.run(once) == 2
    assert "already exists" in capfd.readouterr().err


@pytest.mark.parametrize("option", [["--count", "0"], ["--megapixels", "0"], ["--border", "x"]])
def test_invalid_values_are_refused(tmp_path: Path, option: list[str]) -> None:
    assert app.run(["samples", str(tmp_path / "out"), *option]) == 2
    assert not (tmp_path / "out").exists()
