"""--map: translating paths of the caller for the machines."""

from __future__ import annotations

import dataclasses

import pytest

from divere_cli.cluster import paths
from divere_cli.errors import UsageError
from divere_cli.records.job import Target
from tests.records.test_serialize import job


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/mnt/scans", "/data"),
        ("/mnt/scans/a.tif", "/data/a.tif"),
        ("/mnt/scansother/a.tif", "/mnt/scansother/a.tif"),
        ("/mnt/scans/roll/a.tif", "/fast/a.tif"),
        ("/elsewhere", "/elsewhere"),
    ],
)
def test_the_longest_prefix_wins_and_only_whole_folders_match(path: str, seen: str) -> None:
    mapping = paths.parse(["/mnt/scans=/data", "/mnt/scans/roll=/fast/"])
    assert paths.there(path, mapping) == seen


def test_the_root_can_be_mapped() -> None:
    assert paths.there("/a/b", paths.parse(["/=/mnt"])) == "/mnt/a/b"
    assert paths.there("/mnt/b", paths.parse(["/mnt=/"])) == "/b"


@pytest.mark.parametrize("word", ["", "/a", "/a=", "a=/b", "/a=b"])
def test_an_invalid_mapping_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="absolute"):
        paths.parse([word])


def test_a_job_moves_with_all_its_paths_and_nothing_else() -> None:
    here = job("a.tif")
    there = paths.job_there(here, paths.parse(["/in=/there/in", "/out=/there/out"]))
    assert there.input == "/there/in/a.tif"
    assert there.frames[0].target.path == "/there/out/a.tif"
    assert paths.temps(there) == ("/there/out/t",)
    assert there.frames[0].recipe == here.frames[0].recipe
    assert paths.job_there(here, ()) == here


def test_every_execution_writes_files_of_its_own() -> None:
    assert paths.temps(paths.with_temps(job("a.tif"), "x1")) == ("/out/t-x1",)


def test_a_job_that_only_measures_has_no_temporary_file() -> None:
    here = job("a.tif")
    frame = dataclasses.replace(here.frames[0], target=Target("", "", ""))
    measuring = dataclasses.replace(here, frames=(frame,))
    assert paths.temps(paths.with_temps(measuring, "x1")) == ()
