"""``divere batch`` as its users start it: on pipes, for programs, with mistakes, with any name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Scans
from tests.cli.program import NO_READER, divere, shell

# RELIABILITY G13, and no ESC at all.
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

NAMES: tuple[bytes, ...] = (
    b"--help.tif",
    b"new\nline\rreturn\ttab.tif",
    b"\x1b[31mred\x1b]0;title\x07.tif",
    "c1 \x9b31m bidi \u202etxt\u2066.tif".encode(),
    b"latin \xff\xe9.tif",
    b"[/red].tif",
    b"[link=http:x]y[bold] :smile:.tif",
    b"<img src=x onerror=alert(1)>.tif",
    b'"><script>alert(1)<.tif',
    b"=cmd|' C'!A0.tif",
    b"n" * 251 + b".tif",
)


def saved(out: Path, name: str = "divere-report.json") -> dict[str, Any]:
    report: dict[str, Any] = json.loads((out / name).read_bytes())
    return report


def _line(name: str) -> str:
    facts = r"by c41-[a-z-]+, 0\.0012 MP, [\d.]+ s, \d+ MB"
    return rf"ok: '{name}' -> '{name}' \({facts}\).*"


def test_a_run_on_pipes_is_a_line_a_scan_and_a_last_line(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif", "b.tif"), tmp_path / "out"
    done = divere("batch", place, out)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line, name in zip(sorted(lines), ("a.tif", "b.tif"), strict=True):
        assert re.fullmatch(_line(name), line)
    assert done.stderr == f"divere: 2 ok; report {out}/divere-report.json; exit 0\n"
    assert saved(out)["summary"]["ok"] == 2


def test_one_bad_scan_is_one_line_and_exit_3(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif", "cut.tif", "c.tif"), tmp_path / "out"
    os.truncate(place / "cut.tif", 600)
    (place / "text.tif").write_text("no picture at all\n")
    done = divere("batch", place, out)
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("divere: error: ")]
    assert sorted(line.split(": ")[2:4] for line in errors) == [
        ["'cut.tif'", "corrupt_input"],
        ["'text.tif'", "unsupported"],
    ]
    hints = [line for line in done.stderr.splitlines() if line.startswith("divere: hint: ")]
    assert len(hints) == 2
    assert done.stderr.splitlines()[-1] == (
        f"divere: 2 ok, 2 failed; report {out}/divere-report.json; exit 3"
    )
    assert saved(out)["exit_code"] == 3


def test_a_second_run_finds_all_up_to_date(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif"), tmp_path / "out"
    assert divere("batch", place, out).returncode == 0
    again = divere("batch", place, out)
    assert again.returncode == 0
    assert again.stdout == "up to date: 'a.tif'\n"
    assert again.stderr.startswith("divere: 1 up to date; ")


def test_hostile_names_are_harmless_everywhere_and_come_back(scans: Scans, tmp_path: Path) -> None:
    place, out = scans(*NAMES), tmp_path / "out"
    reports = [tmp_path / f"r.{suffix}" for suffix in ("json", "csv", "html", "xml")]
    done = divere(
        "batch", place, out, "--log-file", tmp_path / "log", "-v",
        *(word for report in reports for word in ("--report", report)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(NAMES)
    log = (tmp_path / "log").read_text()
    assert sum(" divere_cli.record " in line for line in log.splitlines()) == len(NAMES)
    for text in (done.stdout, done.stderr, log, *(report.read_text() for report in reports)):
        assert not UNWANTED.search(text)
    files = json.loads(reports[0].read_text())["files"]
    assert {os.fsencode(_name(file)) for file in files} == set(NAMES)
    assert all(os.path.exists(os.path.join(os.fsencode(out), name)) for name in NAMES)


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "utf-8:strict"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=str,
)
def test_no_locale_makes_a_name_an_error(env: dict[str, str], scans: Scans, tmp_path: Path) -> None:
    names = (b"latin \xff.tif", "胶片 \u00e5.tif".encode())
    place, out = scans(*names), tmp_path / "out"
    done = divere("batch", place, out, env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert r"latin \xff.tif" in done.stdout
    assert all(os.path.exists(os.path.join(os.fsencode(out), name)) for name in names)


def _name(file: dict[str, Any]) -> bytes | str:
    import base64

    return base64.b64decode(file["input_b64"]) if "input_b64" in file else str(file["input"])


def test_json_is_one_event_a_line_and_nothing_else(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif", "b.tif", NAMES[2], NAMES[4]), tmp_path / "out"
    (place / "bad.tif").write_bytes(b"II*\0")
    done = divere("batch", "--json", place, out)
    assert done.returncode == 3
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "start"
    assert events[-1]["event"] == "end"
    assert {event["event"] for event in events[1:-1]} <= {"file", "log"}
    files = [event for event in events if event["event"] == "file"]
    for event in files:
        del event["event"]
    report = saved(out)
    key = lambda file: file["input"]  # noqa: E731
    assert sorted(files, key=key) == sorted(report["files"], key=key)
    assert events[0]["total"] == 5
    assert events[-1]["summary"] == report["summary"]
    assert events[-1]["exit_code"] == 3


@pytest.mark.parametrize(
    ("args", "code", "kind"),
    [([], 10, "input"), (["--quality", "7"], 2, "usage"), (["-p", "nothing"], 2, "profile")],
)
def test_json_has_the_end_of_a_run_that_never_began(
    args: list[str], code: int, kind: str, tmp_path: Path
) -> None:
    done = divere("batch", "--json", *args, tmp_path / "nothing", tmp_path / "out")
    assert done.returncode == code
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (event["event"], event["exit_code"], event["error"]["kind"]) == ("end", code, kind)
    assert done.stderr.startswith(f"divere: error: {kind}: ")


def test_a_dry_run_writes_nothing(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif", "b.tif"), tmp_path / "out"
    done = divere("batch", "--dry-run", place, out)
    assert done.returncode == 0
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == ["to grade"] * 2
    assert done.stderr == "divere: 2 to grade; nothing was written\n"
    assert not out.exists()


def test_quiet_prints_only_problems(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif"), tmp_path / "out"
    done = divere("batch", "-q", place, out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (place / "bad.tif").write_bytes(b"")
    done = divere("batch", "-q", place, out)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "'bad.tif'" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("exit 3")


def test_an_environment_variable_is_an_option(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif"), tmp_path / "out"
    env = {"DIVERE_BATCH_FORMAT": "jpeg", "DIVERE_BATCH_QUALITY": "80", "DIVERE_BATCH_JSON": "1"}
    done = divere("batch", place, out, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["event"] == "start"
    assert (out / "a.jpg").exists()
    assert saved(out)["command"]["quality"] == 80


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--quality", "80"], "--quality is for --format jpeg"),
        (["--format", "jpeg", "--compression", "lzw"], "--compression is for --format tiff"),
        (["--format", "jpeg", "--bit-depth", "16"], "a jpeg has 8 bits"),
        (["--dither"], "--dither is for 8-bit outputs"),
        (["-q", "-v"], "-q and -v"),
        (["--report", "x.txt"], ".json, .csv, .html, .xml"),
        (["--report", "no/such/folder/x.json"], "no/such/folder"),
        (["--log-file", "no/such/folder/log"], "does not exist"),
        (["--settings", "nothing.json"], "nothing.json"),
        (["--color-space", "sRBG"], "sRBG"),
        (["-p", "no-such-profile"], "no-such-profile"),
    ],
)
def test_mistakes_end_the_run_before_anything_is_written(
    args: list[str], said: str, scans: Scans, tmp_path: Path
) -> None:
    place, out = scans("a.tif"), tmp_path / "out"
    done = divere("batch", *args, place, out, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("divere batch $2 $3 >/dev/full", 0),
        ("divere batch $2 $3 >/dev/full 2>&1", 0),
        ("divere batch $2 $3 >&- 2>&- <&-", 0),
        (NO_READER + "divere batch $2 $3 >&5", 0),
        ("divere batch --json $2 $3 >/dev/full", 14),
        (NO_READER + "divere batch --json $2 $3 >&5", 141),
    ],
)
def test_a_lost_stream_costs_no_output(
    script: str, code: int, scans: Scans, tmp_path: Path
) -> None:
    place, out = scans("a.tif", "b.tif"), tmp_path / "out"
    done = shell(script, tmp_path, place, out)
    assert done.returncode == code, done.stderr
    assert (out / "a.tif").exists()
    assert (out / "b.tif").exists()
    assert saved(out)["exit_code"] == 0
    assert not list(out.glob(".divere-tmp-*"))


def test_the_log_file_holds_each_scan_and_can_be_json(scans: Scans, tmp_path: Path) -> None:
    place, out, log = scans("a.tif", b"latin \xff.tif"), tmp_path / "out", tmp_path / "run.log"
    done = divere("batch", place, out, "--log-file", log, "--log-format", "json")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [record for record in records if record["logger"] == "divere_cli.record"]
    assert {record["scan"] for record in ends} == {"a.tif", r"latin \xff.tif"}
    assert all("MB peak" in record["message"] for record in ends)
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_json_log_without_a_file_is_all_of_stderr(scans: Scans, tmp_path: Path) -> None:
    place, out = scans("a.tif", "b.tif"), tmp_path / "out"
    (place / "b.tif").write_bytes((place / "b.tif").read_bytes()[:100])
    done = divere("batch", place, out, "--log-format", "json", "--progress")
    assert done.returncode == 3
    records = [json.loads(line) for line in done.stderr.splitlines()]
    ends = {record.get("scan"): record["level"] for record in records if "scan" in record}
    assert ends == {"a.tif": "info", "b.tif": "error"}
    assert "1 ok, 1 failed" in records[-1]["message"]
    missing = divere("batch", tmp_path / "no", out, "--log-format", "json")
    assert missing.returncode == 10
    assert "No such file" in json.loads(missing.stderr.splitlines()[0])["message"]


def test_a_page_keeps_the_pictures_of_scans_that_are_up_to_date(
    scans: Scans, tmp_path: Path
) -> None:
    place, page = scans("a.tif", b"latin \xff.tif"), tmp_path / "r.html"
    shown = []
    for _ in range(2):
        done = divere("batch", place, tmp_path / "out", "--report", page)
        assert done.returncode == 0, done.stderr
        shown.append(re.findall(r'src="r-files/([0-9a-f]{32}\.jfif)"', page.read_text()))
    assert len(shown[0]) == 4
    assert shown[1] == shown[0]
    assert {path.name for path in (tmp_path / "r-files").glob("*.jfif")} == set(shown[0])
    pages = []
    for _ in range(3):
        inline = divere("batch", place, tmp_path / "2", "--report", page, "--report-inline")
        assert inline.returncode == 0, inline.stderr
        pages.append(re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page.read_text()))
    assert len(pages[0]) == 4
    assert pages == [pages[0]] * 3
    refused = divere("batch", place, tmp_path / "2", "--report-inline")
    assert refused.returncode == 2
    assert "--report-inline is for --report FILE.html" in refused.stderr
