"""The runs that the journal keeps: their figures, journals of any version, bounded growth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from divere_cli.batch.journal import compaction, history
from divere_cli.batch.journal import state as journal_state
from divere_cli.errors import InputMissing, UsageError
from divere_cli.files.output_folder import Folder
from divere_cli.records.history import PastRun
from tests.batch.lab import Lab

RECORDED = Path(__file__).parent / "recorded"


def test_every_run_that_worked_leaves_its_figures(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    lab.run()  # nothing to do: leaves nothing
    lab.scan("c.tif")
    lab.bench.script["c.tif"] = ["error"]
    lab.run()
    first, second = history.load(str(lab.outputs))
    assert first.started.endswith("Z")
    assert first.figures is not None
    assert first.figures.scans == {"ok": 2}
    assert (first.figures.exit_code, first.figures.jobs) == (0, 1)
    assert first.figures.median_seconds == 0.5
    assert first.figures.scan_seconds == 1.0
    assert first.figures.peak_rss_bytes == 100 << 20
    assert first.figures.megapixels > 0
    assert second.figures is not None
    assert second.figures.scans == {"up_to_date": 2, "failed": 1}
    assert second.figures.exit_code == 3


def test_a_run_that_was_killed_is_listed_without_figures(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    path = lab.outputs / journal_state.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"kind":"end"' not in line))
    (killed,) = history.load(str(lab.outputs))
    assert (killed.ended, killed.figures) == (False, None)
    assert killed.started


@pytest.mark.parametrize("kind", ["plain", "jpeg", "roll"])
def test_runs_of_an_earlier_version_are_listed_without_figures(kind: str) -> None:
    with open(RECORDED / f"{kind}.jsonl", "rb") as stream:
        found = history.runs(stream)
    assert found
    assert all(run.ended and run.figures is None and not run.started for run in found)


@pytest.mark.parametrize(
    "figures",
    [
        "7",
        "[]",
        "{}",
        '{"seconds": "long"}',
        '{"seconds": NaN, "exit_code": 0, "version": "1", "jobs": 1}',
        '{"seconds": 1, "exit_code": 0, "version": "1", "jobs": 1, "scans": [1]}',
        '{"seconds": 1, "exit_code": 0, "version": "1", "jobs": 1, "scans": {"ok": "2"}}',
    ],
)
def test_damaged_figures_cost_nothing_but_themselves(figures: str) -> None:
    run = b'{"kind":"run","run":"1","started":"2026-01-01T00:00:00Z"}\n'
    end = f'{{"kind":"end","run":"1","figures":{figures}}}\n'.encode()
    assert history.runs([run, end]) == (PastRun("1", "2026-01-01T00:00:00Z", True),)
    assert journal_state.parse([run, end]).ignored == 0


def test_a_compaction_keeps_the_last_runs_and_no_more(folder: Folder, tmp_path: Path) -> None:
    lines = []
    for number in range(history.KEPT + 200):
        head = {"run": f"{number}", "started": "2026-01-01T00:00:00Z"}
        lines.append(json.dumps({"kind": "run", **head}, separators=(",", ":")))
        lines.append(json.dumps({"kind": "end", "run": f"{number}"}, separators=(",", ":")))
    path = tmp_path / journal_state.NAME
    path.write_text("\n".join(lines) + "\n")
    compaction.compact(folder)
    found = history.load(str(tmp_path))
    assert [run.run for run in found] == [str(number) for number in range(200, 1200)]
    assert len(path.read_bytes().splitlines()) <= 2 * history.KEPT
    assert journal_state.load(folder).clean


def test_what_is_no_output_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        history.load(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no run is recorded here"):
        history.load(str(tmp_path))
