"""The figures of a run as Prometheus reads them, checked by its own parser."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from divere_cli.errors import UsageError
from divere_cli.records.outcome import Incident
from divere_cli.records.report import RunReport
from divere_cli.report import formats, prometheus_report
from tests.cli.program import divere
from tests.report.sample import HOSTILE, run_report


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every figure by its name and its labels but for ``output``."""
    found = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            assert each.timestamp is None, "node_exporter refuses a file with timestamps"
            labels = frozenset((k, v) for k, v in each.labels.items() if k != "output")
            assert "output" in each.labels
            found[each.name, labels] = each.value
    return found


def of(report: RunReport) -> dict[str, float]:
    """The figures that have no label of their own."""
    found = samples(prometheus_report.render(report))
    return {name: value for (name, labels), value in found.items() if not labels}


def test_the_figures_are_those_of_the_run() -> None:
    report = run_report(("a.tif", "b.tif", "c.tif", "d.tif"))
    report = dataclasses.replace(report, incidents=(Incident(1.0, "start", "x"),), orphans=3)
    text = prometheus_report.render(report)
    assert of(report) == {
        "divere_run_started_timestamp_seconds": 1767323045.0,
        "divere_run_ended_timestamp_seconds": 1767323057.5,
        "divere_run_duration_seconds": 12.5,
        "divere_run_exit_code": 3.0,
        "divere_run_megapixels_per_second": 1.92,
        "divere_run_worker_peak_rss_bytes": 100e6,
        "divere_run_peak_rss_bytes": 32e6,
        "divere_run_incidents": 1.0,
        "divere_run_orphans": 3.0,
    }
    found = samples(text)
    for status, count in [("ok", 1), ("failed", 1), ("up_to_date", 1), ("kept", 0)]:
        assert found["divere_run_scans", frozenset({("status", status)})] == count
    read = frozenset({("stage", "read"), ("figure", "p95")})
    assert found["divere_run_stage_seconds", read] == 0.2


def test_no_name_of_a_scan_and_no_control_character_gets_in() -> None:
    text = prometheus_report.render(run_report(HOSTILE))
    assert samples(text)
    assert "onerror" not in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_run_leaves_the_file_in_one_step(tmp_path: Path) -> None:
    divere("samples", tmp_path / "in", "--count", "1", "--megapixels", "0.02")
    place = tmp_path / "node"
    place.mkdir()
    (place / "divere.prom").write_text("of an earlier run")
    before = (place / "divere.prom").stat().st_ino
    report = place / "divere.prom"
    done = divere("batch", tmp_path / "in", tmp_path / "out", "--report", report)
    assert done.returncode == 0, done.stderr
    assert samples(report.read_text())["divere_run_scans", frozenset({("status", "ok")})] == 1.0
    assert report.stat().st_ino != before, "replaced, not written into"
    assert os.listdir(place) == ["divere.prom"]


def test_without_the_client_it_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "prometheus" in name else real(name)
    )
    with pytest.raises(UsageError) as caught:
        formats.renderer("/node/divere.prom")
    assert "prometheus-client" in caught.value.hint
