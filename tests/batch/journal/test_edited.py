"""A journal that was edited by hand: a dry run plans by what is sound of it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from divere_cli import api
from divere_cli.batch.journal.state import NAME
from divere_cli.errors import DivereError
from tests.batch.tiffs import tiff
from tests.fuzz.json_mutants import mutants

OPTIONS = api.BatchOptions(profile="c41-endura-premier", isolation="never")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for fill in (1, 2):
        (tmp_path / "in" / f"{fill}.tif").write_bytes(tiff(fill=fill))
    report = api.run_batch([tmp_path / "in"], tmp_path / "out", OPTIONS)
    assert report.exit_code == 0
    return tmp_path


def plan(place: Path) -> list[str]:
    planned = api.plan_batch([place / "in"], place / "out", OPTIONS)
    return [scan.action for scan in planned]


def test_no_edit_ends_in_anything_but_a_plan_or_an_error_of_ours(place: Path) -> None:
    journal = place / "out" / NAME
    lines = journal.read_text().splitlines()
    dice = random.Random(5)
    assert plan(place) == ["up_to_date", "up_to_date"]
    for number in range(150):
        edited = list(lines)
        at = dice.randrange(len(lines))
        (edited[at],) = mutants(json.loads(lines[at]), 1, seed=number)
        journal.write_text("\n".join(edited) + "\n")
        try:
            actions = plan(place)
        except DivereError:
            continue
        assert len(actions) == 2


@pytest.mark.parametrize("name", ["planar", "inverted", "big_endian"])
def test_a_flag_of_a_header_that_is_none_makes_no_record(name: str, place: Path) -> None:
    journal = place / "out" / NAME
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    for record in records:
        if record["kind"] == "done" and record["input"] == "1.tif":
            record["header"][name] = [1]
    journal.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert plan(place) == ["grade", "up_to_date"]


EDGE = {"dx": "79-7", "film": "../../x", "frames": ["12", "12A"], "mirrored": False}


@pytest.mark.parametrize(
    ("edit", "actions"),
    [
        ({}, ["up_to_date", "up_to_date"]),
        ({"dx": "../7"}, ["grade", "up_to_date"]),
        ({"frames": ["12", "x"]}, ["grade", "up_to_date"]),
        ({"frames": 3}, ["grade", "up_to_date"]),
    ],
    ids=str,
)
def test_a_film_edge_that_is_none_makes_no_record(
    edit: dict[str, object], actions: list[str], place: Path
) -> None:
    journal = place / "out" / NAME
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    for record in records:
        if record["kind"] == "done" and record["input"] == "1.tif":
            record["film_edge"] = EDGE | edit
    journal.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert plan(place) == actions
    report = api.run_batch([place / "in"], place / "out", OPTIONS)
    edge = report.files[0].film_edge
    assert edge is None or edge.film == "Kodak ColorPlus 200"
