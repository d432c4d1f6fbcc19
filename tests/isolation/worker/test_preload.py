"""Outside a forkserver the preload does nothing; inside, it says how it went."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from divere_cli.isolation.supervisor.launch import SMALL_POOLS
from divere_cli.records import serialize
from divere_cli.records.job import WarmUp
from tests.isolation.conftest import ROOT
from tests.records.test_serialize import job

SCRIPT = """
import json, signal, sys, os
sys.path.insert(0, {root!r})
from divere_cli.isolation.worker import preload
report = preload.REPORT
print(json.dumps(report and [report.server == os.getpid(), report.threads, report.error]))
print(json.dumps([os.getpgid(0) == os.getpid(), signal.getsignal(signal.SIGINT) == signal.SIG_IGN]))
print(json.dumps([preload.NAMES in os.environ, "json.tool" in sys.modules]))
"""


def preloaded(**environment: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT))],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_plain_import_does_nothing() -> None:
    assert preloaded() == [None, [False, False], [False, False]]


def test_in_a_forkserver_it_imports_and_hardens() -> None:
    found = preloaded(DIVERE_PRELOAD="json.tool", DIVERE_SUPERVISOR=str(os.getpid()))
    assert found == [[True, 1, ""], [True, True], [False, True]]


def test_one_module_that_fails_does_not_keep_the_others_out() -> None:
    report, _, (_, imported) = preloaded(  # type: ignore[misc]
        DIVERE_PRELOAD="no.such.module json.tool", DIVERE_SUPERVISOR=str(os.getpid())
    )
    assert imported
    assert "No module named 'no'" in report[2]


def test_a_server_whose_supervisor_is_gone_leaves_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT))],
        env=os.environ | {"DIVERE_PRELOAD": "", "DIVERE_SUPERVISOR": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (113, "")


REHEARSING = """
import sys
sys.path.insert(0, {root!r})
from divere_cli.isolation.worker import preload
from divere_cli.color import grade
print(preload.REPORT.threads, grade._compiled.cache_info().currsize, preload.REPORT.error)
"""


def rehearsed(call: str) -> str:
    sample = job("a.tif")
    recipe, encoding = sample.frames[0].recipe, sample.encoding
    warm_up = WarmUp(call, recipe, encoding, channels=3, bits=16, sample="uint")
    done = subprocess.run(
        [sys.executable, "-c", REHEARSING.format(root=str(ROOT))],
        env=os.environ
        | SMALL_POOLS
        | {
            "DIVERE_PRELOAD": "numpy",
            "DIVERE_SUPERVISOR": str(os.getpid()),
            "DIVERE_WARM_UPS": json.dumps(serialize.to_plain((warm_up,))),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_grade_is_compiled_once_for_all_workers() -> None:
    assert rehearsed("divere_cli.develop.scan:prepare") == "1 1"


def test_a_warm_up_that_fails_is_told_and_costs_nothing_else() -> None:
    found = rehearsed("divere_cli.develop.scan:no_such_thing")
    assert found.startswith("1 0 AttributeError")
