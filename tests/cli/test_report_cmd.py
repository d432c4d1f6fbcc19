"""``divere report``: a saved report in its other forms, and the history of a folder."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from divere_cli.records.outcome import ErrorRecord, Incident
from divere_cli.report import csv_report, html_report, json_report, junit_report
from tests.cli import program
from tests.cli.program import divere, on_terminal
from tests.report.sample import HOSTILE, run_report


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.json"
    path.write_text(json_report.render(run_report(HOSTILE)))
    return path


def test_the_other_forms_are_those_of_the_run_itself(saved: Path, tmp_path: Path) -> None:
    html, table, junit = (tmp_path / f"r.{suffix}" for suffix in ("html", "csv", "junit"))
    forms = ("--html", html, "--csv", table, "--junit", junit)
    done = divere("report", saved, *forms, "--report-inline")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = run_report(HOSTILE)
    page, _, mark = html.read_text().removesuffix("\n").rpartition("\n")
    assert page == html_report.render(report)
    assert re.fullmatch(r"<!-- divere-pictures [A-Za-z0-9+/=]+ -->", mark)
    assert table.read_text() == csv_report.render(report)
    assert junit.read_text() == junit_report.render(report)


def test_figures_for_prometheus_are_those_of_the_run_itself(saved: Path, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    from divere_cli.report import prometheus_report

    text = tmp_path / "r.prom"
    done = divere("report", saved, "--prom", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert text.read_text() == prometheus_report.render(run_report(HOSTILE))


def test_the_page_has_its_pictures_beside_it(saved: Path, tmp_path: Path) -> None:
    html = tmp_path / "r.html"
    done = divere("report", saved, "--html", html)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.findall(r'src="r-files/([0-9a-f]{32}\.jfif)"', html.read_text())
    assert shown
    assert set(shown) == {path.name for path in (tmp_path / "r-files").glob("*.jfif")}
    refused = divere("report", saved, "--csv", tmp_path / "r.csv", "--report-inline")
    assert refused.returncode == 2
    assert "--report-inline needs --html" in refused.stderr


def test_without_options_it_is_printed(saved: Path) -> None:
    done = divere("report", saved)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(HOSTILE)
    assert done.stderr.endswith("; the run ended with exit 3\n")
    code, screen = on_terminal("report", saved, columns=200)
    assert code == 0
    assert "peak memory" in screen
    assert r"\x1b[31mred" in screen


def test_warnings_incidents_and_the_run_s_error_are_printed_too(tmp_path: Path) -> None:
    report = dataclasses.replace(
        run_report(("a.tif",)),
        warnings=("the journal was made anew",),
        error=ErrorRecord("no_space", "the disk is full", "make room"),
        incidents=(Incident(1.25, "forkserver", "the process that starts the workers died", 2),),
    )
    path = tmp_path / "saved.json"
    path.write_text(json_report.render(report))
    told = divere("report", path).stderr
    for line in (
        "divere: warning: 'a.tif': a warning with a.tif",
        "divere: warning: the journal was made anew",
        "divere: incident: after 1.2 s: the process that starts the workers died",
        "divere: error: no_space: the disk is full",
        "divere: hint: no_space: make room",
    ):
        assert line in told.splitlines()


@pytest.mark.skipif(os.name != "posix", reason="a pipe with a name")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.json")
    done = divere("report", tmp_path / "r.json")
    assert done.returncode == 10
    assert "is not a regular file" in done.stderr


def test_a_file_that_is_not_a_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for data in (b"", b"\xff", b"{}", b'{"schema": "divere-report/2", "files": []}'):
        path.write_bytes(data)
        done = divere("report", path)
        assert done.returncode == 2
        assert done.stderr.startswith("divere: error: usage: '")


def test_a_missing_folder_is_reported(saved: Path, tmp_path: Path) -> None:
    done = divere("report", saved, "--html", tmp_path / "no" / "r.html")
    assert done.returncode == 2
    assert (
        f"--html '{tmp_path}/no/r.html': the folder '{tmp_path}/no' does not exist" in done.stderr
    )
    assert os.listdir(tmp_path) == ["saved.json"]


@pytest.mark.parametrize("name", ["saved.json", "scan.tif", "divere_presets.json"])
def test_a_file_of_another_kind_is_never_replaced(name: str, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(b"a scan")
    (tmp_path / "divere_presets.json").write_text("{}")
    before = (tmp_path / name).read_bytes()
    done = divere("report", saved, "--csv", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "would overwrite" in done.stderr
    assert (tmp_path / name).read_bytes() == before


def test_the_history_of_an_output_folder_is_shown(tmp_path: Path) -> None:
    assert (
        program.divere(
            "samples", tmp_path / "in", "--count", "1", "--megapixels", "0.02"
        ).returncode
        == 0
    )
    out = tmp_path / "out"
    assert program.divere("batch", tmp_path / "in", out, "--auto", "roll").returncode == 0
    shown = divere("report", "--history", out)
    assert (shown.returncode, shown.stderr) == (0, "")
    heading, run, trend = shown.stdout.splitlines()
    assert heading.split()[:4] == ["started", "exit", "ok", "failed"]
    assert run.split()[1:4] == ["0", "1", "0"]
    assert trend.startswith("no trend yet")
    document = json.loads(divere("report", out, "--history", "--json").stdout)
    schema = Path(__file__).parents[2] / "docs" / "history.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text()))
    assert document["runs"][0]["scans"] == {"ok": 1}
    assert set(document["runs"][0]["seconds_by_stage"]) == {
        "start", "read", "measure", "grade", "write",
    }  # fmt: skip


def test_a_folder_without_history_is_refused(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, code, said in [
        (("--history", tmp_path / "empty"), 2, "no run is recorded here"),
        (("--history", tmp_path / "nowhere"), 10, "no such folder"),
        (("--history", tmp_path, "--csv", tmp_path / "r.csv"), 2, "--history cannot be used with"),
        ((saved, "--json"), 2, "--json needs --history"),
    ]:
        done = divere("report", *words)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
