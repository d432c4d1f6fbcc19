"""What earlier versions recorded stays up to date: no upgrade regrades anybody's positives.

The journals beside this file were written by the version before the modules moved
(commit b307527): by a preset, as JPEG under a name of its own, and with ``--auto roll``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.program import divere

RECORDED = Path(__file__).parent / "recorded"
RUNS = {
    "plain": [],
    "jpeg": ["--format", "jpeg", "--name", "{stem}-web"],
    "roll": ["-p", "c41-endura-premier", "--auto", "roll"],
}


def restored(tmp_path: Path, kind: str) -> tuple[Path, Path]:
    """Lay out scans and positives as the journal knows them, by size and time alone."""
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    outputs.mkdir()
    if kind != "roll":
        shutil.copy(RECORDED / "divere_presets.json", inputs)
    text = (RECORDED / f"{kind}.jsonl").read_text()
    (outputs / ".divere-journal.jsonl").write_text(text)
    for line in map(json.loads, text.splitlines()):
        if line["kind"] != "done":
            continue
        files = [(inputs / line["input"], line["stamp"])]
        files += [(outputs / output["name"], output) for output in line["outputs"]]
        for path, stamp in files:
            with open(path, "wb") as file:
                file.truncate(stamp["size"])
            os.utime(path, ns=(stamp["mtime_ns"], stamp["mtime_ns"]))
    return inputs, outputs


@pytest.mark.parametrize("kind", RUNS)
def test_a_journal_of_an_earlier_version_says_up_to_date(tmp_path: Path, kind: str) -> None:
    inputs, outputs = restored(tmp_path, kind)
    for more in (["--dry-run"], []):
        done = divere("batch", str(inputs), str(outputs), "--json", *RUNS[kind], *more)
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        found = [e.get("action", e.get("status")) for e in events if "input" in e]
        assert found == ["up_to_date"] * 3


def test_another_option_is_not_up_to_date(tmp_path: Path) -> None:
    inputs, outputs = restored(tmp_path, "plain")
    done = divere("batch", str(inputs), str(outputs), "--json", "--dry-run", "--dither",
                  "--bit-depth", "8")  # fmt: skip
    assert '"up_to_date"' not in done.stdout
