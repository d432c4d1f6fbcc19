"""Outside a forkserver the preload does nothing; inside, it reports its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from divere_cli.isolation.supervisor.launch import SMALL_POOLS
from divere_cli.isolation.worker.preload import Setup
from divere_cli.records import serialize
from divere_cli.records.job import WarmUp
from tests.isolation.conftest import ROOT
from tests.records.test_serialize import job

SCRIPT = """
import json, signal, sys, os
sys.path.insert(0, {root!r})
from divere_cli.isolation.worker import preload
from divere_cli.records import serialize
setup = json.loads({setup!r})
if setup is not None:
    preload.prepare(serialize.from_plain(preload.Setup, setup))
report = preload.REPORT
print(json.dumps(report and [report.server == os.getpid(), report.threads, report.error]))
print(json.dumps([os.getpgid(0) == os.getpid(), signal.getsignal(signal.SIGINT) == signal.SIG_IGN]))
print(json.dumps("json.tool" in sys.modules))
{more}
"""


def run(setup: Setup | None, more: str = "") -> subprocess.CompletedProcess[str]:
    text = json.dumps(serialize.to_plain(setup))
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT), setup=text, more=more)],
        env=os.environ | SMALL_POOLS,
        capture_output=True,
        text=True,
    )


def preloaded(setup: Setup | None) -> list[object]:
    done = run(setup)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_plain_import_does_nothing() -> None:
    assert preloaded(None) == [None, [False, False], False]


def test_in_a_forkserver_it_imports_and_hardens() -> None:
    found = preloaded(Setup(os.getpid(), ("json.tool",)))
    assert found == [[True, 1, ""], [True, True], True]


def test_one_module_that_fails_does_not_keep_the_others_out() -> None:
    report, _, imported = preloaded(Setup(os.getpid(), ("no.such.module", "json.tool")))
    assert imported
    assert "No module named 'no'" in report[2]  # type: ignore[index]


def test_a_server_whose_supervisor_is_gone_leaves_at_once() -> None:
    done = run(Setup(1))
    assert (done.returncode, done.stdout) == (113, "")


def test_a_server_of_confined_workers_gives_up_rights_and_still_imports() -> None:
    more = "print(open('/proc/self/status').read())\nimport colorsys, numpy"
    done = run(Setup(os.getpid(), ("numpy",), confined=True), more)
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert facts["NoNewPrivs"].strip() == "1"
    assert int(facts["CapEff"], 16) & ~0b110 == 0
    assert int(facts["CapBnd"], 16) & ~0b110 == 0 or os.geteuid() != 0


SHOWS = """
from divere_cli.color import grade
print(preload.REPORT.threads, grade._compiled.cache_info().currsize, preload.REPORT.error)
"""


def warmed_up(call: str) -> str:
    sample = job("a.tif")
    recipe, encoding = sample.frames[0].recipe, sample.encoding
    warm_up = WarmUp(call, recipe, encoding, channels=3, bits=16, sample="uint")
    done = run(Setup(os.getpid(), ("numpy",), (warm_up,)), SHOWS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].strip()


def test_a_grade_is_compiled_once_for_all_workers() -> None:
    assert warmed_up("divere_cli.develop.scan:prepare") == "1 1"


def test_a_failed_warm_up_is_logged_and_the_run_goes_on() -> None:
    found = warmed_up("divere_cli.develop.scan:no_such_thing")
    assert found.startswith("1 0 AttributeError")
