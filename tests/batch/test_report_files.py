"""Reports are written completely, also after errors; an error with one is in the others."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from divere_cli.batch import report_files
from divere_cli.batch.request import ReportFile
from divere_cli.files import durable
from divere_cli.records.report import RunReport
from tests.batch.lab import Lab, render


def broken_render(report: RunReport) -> str:
    raise KeyError("no such column")


def test_several_reports_agree(lab: Lab) -> None:
    lab.scans("a.tif")
    paths = [lab.root / "one.json", lab.root / "two.json"]
    report = lab.run(
        reports=tuple(ReportFile(str(path), render, private=path is paths[0]) for path in paths)
    )
    assert paths[0].read_text() == paths[1].read_text()
    assert report.saved == tuple(map(str, paths))
    mask = os.umask(0)
    os.umask(mask)
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o666 & ~mask]


def test_a_report_that_cannot_be_written_is_an_error_in_the_others(lab: Lab) -> None:
    lab.scans("a.tif")
    bad = ReportFile(str(lab.root / "nowhere" / "r.json"), render)
    good = ReportFile(str(lab.report_path), render)
    for reports in ((bad, good), (good, bad)):
        report = lab.run(reports=reports)
        assert report.exit_code == 14
        assert report.saved == (good.path,), "what could not be written is not announced"
        assert json.loads(lab.report_path.read_text())["error"]["kind"] == "journal"
    assert lab.statuses(report) == {"a.tif": "up_to_date"}


def test_no_space_for_a_report_ends_with_13(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif")

    def full(path: str, data: bytes, *, replace: bool, private: bool) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write_atomic", full)
    assert lab.run().exit_code == 13


def test_a_renderer_that_fails_is_a_bug_and_others_are_written(lab: Lab) -> None:
    lab.scans("a.tif")
    bad = ReportFile(str(lab.root / "bad.html"), broken_render)
    report = lab.run(reports=(bad, ReportFile(str(lab.report_path), render)))
    assert report.exit_code == 1
    assert "no such column" in json.loads(lab.report_path.read_text())["error"]["detail"]
    assert lab.positives().keys() == {"a.tif"}


def test_the_exit_code_of_trouble_has_priority_over_failed_scans(lab: Lab) -> None:
    lab.scan("text.tif", b"hello")
    bad = ReportFile(str(lab.root / "nowhere" / "r.json"), render)
    assert lab.run(reports=(bad,)).exit_code == 14
    assert lab.run().exit_code == 3


def test_a_report_in_input_is_refused_only_where_a_scan_is(lab: Lab) -> None:
    lab.scans("a.tif")
    path = lab.root / "reports.json"
    path.write_text("an older report")
    lab.run(reports=(ReportFile(str(path), render),))
    assert json.loads(path.read_text())["exit_code"] == 0


def test_what_the_report_says_of_a_scan(lab: Lab) -> None:
    lab.scans("a.tif")
    file = lab.run(command={"jobs": 1}).files[0]
    assert (file.width, file.height, file.attempts, file.worker_pid) == (8, 6, 1, 1)
    assert (file.peak_rss_bytes, file.peak_rss_source) == (100 << 20, "vmhwm")
    assert file.profile is not None
    assert file.profile.name == "plain"


def test_the_report_of_the_parent(lab: Lab) -> None:
    report = lab.run(command={"jobs": 1})
    assert report.parent.pid == os.getpid()
    assert 0 < report.parent.rss_bytes_start <= report.parent.peak_rss_bytes
    assert report.started.endswith("Z")
    assert report.command == {"jobs": 1}


def test_a_report_may_be_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    report_files.save(str(path), "hello \udcff")
    assert os.read(reader, 100) == b"hello \\udcff"
    os.close(reader)
