"""``divere doctor``: its findings are tested."""

from __future__ import annotations

import json
import os
import sys

import pytest

from divere_cli import extras
from divere_cli.cli import doctor_cmd
from tests.cli.program import divere


def test_what_it_finds_here_is_true() -> None:
    done = divere("doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 1 <= found["cores"]["usable"] <= (os.cpu_count() or 1)
    assert 0 < found["memory"]["available"] <= found["memory"]["total"]
    works = {method["name"] for method in found["start_methods"] if method["works"]}
    assert found["isolation"]["effective"] == ("process" if works else "thread")
    assert all(found["codecs"].values())
    assert found["libraries"]["opencolorio"]
    if sys.platform == "linux":
        assert works == {"forkserver", "spawn", "fork"}
        assert found["isolation"]["start_method"] == "forkserver"


def test_it_is_a_page_for_people_too() -> None:
    found = doctor_cmd.Findings(
        version="1",
        python="3.11",
        system="Linux \x1b",
        cores=doctor_cmd.Cores(2, 64),
        memory=doctor_cmd.Memory(10**9, 64 * 10**9, "/sys/fs/cgroup/a"),
        start_methods=(doctor_cmd.StartMethod("spawn", works=False, problem="no pipe"),),
        isolation=doctor_cmd.Auto("thread", None, "no start method works"),
        sandbox="none: macOS",
        libraries={"numpy": "2.4", "exiv2": None},
        codecs={"lzw": True, "zstd": False},
        extras={"raw": None, "dask": "2026.8"},
    )
    page = dict(doctor_cmd.described(found))
    assert page["cores"] == "2 usable of 64"
    assert page["memory"] == "1.0 GB of 64.0 GB, as the cgroup /sys/fs/cgroup/a allows"
    assert page["spawn"] == "does not work: no pipe"
    assert page["auto"] == "threads in this process (no start method works)"
    assert page["libraries"] == "numpy 2.4, exiv2 missing"
    assert page["codecs"] == "lzw; missing: zstd"
    assert page["raw"] == f"not installed; {extras.how_to_add('raw')}"
    assert page["dask"] == "distributed 2026.8"


@pytest.mark.parametrize("works", [("spawn",), ("forkserver", "spawn"), ()])
def test_auto_is_the_best_that_works(
    works: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = tuple(
        doctor_cmd.StartMethod(name, works=name in works) for name in ("forkserver", "spawn")
    )
    chosen = doctor_cmd._auto(methods)
    if sys.platform == "linux":
        assert chosen.start_method == (works[0] if works else None)
    assert chosen.effective == ("process" if works and os.name == "posix" else "thread")
