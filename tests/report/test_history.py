"""Comparing runs: the trend of time and memory, as lines and as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from divere_cli.records.history import PastRun, RunFigures
from divere_cli.report import history

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "history.schema.json").read_text())


def past(number: int, seconds: float = 2.0, peak: int = 60_000_000, ok: int = 4) -> PastRun:
    """Return a run that graded ``ok`` scans of 1 megapixel."""
    figures = RunFigures(
        seconds=seconds + 1,
        exit_code=0,
        version="0.1.0",
        jobs=2,
        scans={"ok": ok} if ok else {"failed": 1},
        megapixels=float(ok),
        scan_seconds=seconds,
        median_seconds=seconds / max(ok, 1),
        peak_rss_bytes=peak,
        parent_peak_rss_bytes=30_000_000,
    )
    return PastRun(f"{number:08x}", f"2026-01-{number + 1:02}T02:00:00Z", True, figures)


def test_the_trend_compares_the_last_five_with_those_before() -> None:
    runs = [past(n) for n in range(7)] + [past(n, seconds=3.0, peak=66_000_000) for n in range(5)]
    found = history.trends(runs)
    time = found["seconds_per_megapixel"]
    assert (time.recent, time.before, time.runs) == (0.75, 0.5, 5)
    assert time.change == pytest.approx(0.5)
    assert found["peak_rss_bytes"].change == pytest.approx(0.1)
    assert found["parent_peak_rss_bytes"].change == 0.0
    last = history.lines(runs)[-2:]
    assert last[0].startswith("time: 0.750 s of work per megapixel, +50% ")
    assert last[1] == "memory: a worker's peak 66 MB, +10%, divere's own 30 MB, +0%"


def test_one_slow_run_is_no_trend() -> None:
    runs = [past(n) for n in range(10)] + [past(10, seconds=20.0)]
    assert history.trends(runs)["seconds_per_megapixel"].change == 0.0


def test_runs_that_graded_nothing_have_a_row_and_no_part_in_the_trend() -> None:
    runs = [past(n) for n in range(6)] + [past(6, ok=0), PastRun("x"), PastRun("y", ended=True)]
    lines = history.lines(runs)
    assert len(lines) == 1 + 9 + 1 + 2
    assert lines[8].split() == ["unknown", "none"]
    assert lines[9].split() == ["unknown", "?"]
    assert "runs of an earlier divere, which recorded no figures: 1" in lines
    assert history.trends(runs)["seconds_per_megapixel"].runs == 5


def test_few_runs_have_no_trend_yet() -> None:
    assert history.lines([past(0)])[-1].startswith("no trend yet")
    assert history.lines([])[-1].startswith("no trend: ")


def test_many_runs_show_the_last_ones() -> None:
    lines = history.lines([past(n % 28) for n in range(100)])
    assert "80 runs before these: --json has them all" in lines
    assert len(lines) == 1 + history.SHOWN + 1 + 2


def test_the_document_has_every_run_and_is_plain_json() -> None:
    runs = [past(0), PastRun("ab", "2026-01-02T00:00:00Z")]
    found = json.loads(json.dumps(history.document("out", runs), allow_nan=False))
    assert found["schema"] == "divere-history/1"
    assert found["runs"][0]["seconds_per_megapixel"] == 0.5
    assert found["runs"][0]["scans"] == {"ok": 4}
    assert found["runs"][1] == {"run": "ab", "started": "2026-01-02T00:00:00Z", "ended": False}
    assert found["trend"]["seconds_per_megapixel"]["before"] is None


@pytest.mark.parametrize("count", [0, 1, 9])
def test_the_document_has_the_published_schema(count: int) -> None:
    others = [PastRun("x"), PastRun("y", ended=True), past(20, ok=0)]
    for runs in ([past(n) for n in range(count)], [*(past(n) for n in range(count)), *others]):
        document = json.loads(json.dumps(history.document("/positives", runs)))
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        assert set(document) == set(SCHEMA["properties"])
        assert set(document["trend"]) == set(SCHEMA["properties"]["trend"]["properties"])
        known = set(SCHEMA["properties"]["runs"]["items"]["properties"])
        assert set().union(*document["runs"]) in (set(), known)


def test_the_schema_has_the_fields_of_the_records() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    run = SCHEMA["properties"]["runs"]["items"]
    figures = {field.name for field in fields(RunFigures)} | {"seconds_per_megapixel"}
    assert set(run["dependentRequired"]["exit_code"]) == figures
    assert set(run["properties"]) == figures | {"run", "started", "ended"}
    assert set(SCHEMA["$defs"]["trend"]["properties"]) == {f.name for f in fields(history.Trend)}
    assert SCHEMA["title"] == SCHEMA["properties"]["schema"]["const"] == history.SCHEMA


def test_the_schema_refuses_a_run_without_its_figures() -> None:
    document = json.loads(json.dumps(history.document("/positives", [past(0)])))
    del document["runs"][0]["megapixels"]
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
