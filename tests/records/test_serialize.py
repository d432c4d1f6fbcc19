"""Records survive the way to JSON and back, whatever bytes a name holds."""

from __future__ import annotations

import dataclasses
import json

import pytest

from divere_cli.records import serialize
from divere_cli.records.events import ScanFinished
from divere_cli.records.grade import Curves, Film, Recipe, Space
from divere_cli.records.job import Encoding, Frame, Job, Limits, Stamp, Target
from divere_cli.records.outcome import Stages


def job(name: str) -> Job:
    space = Space("S", ((0.6, 0.3), (0.2, 0.7), (0.1, 0.1)), (0.3, 0.3), 2.2)
    film = Film("color_negative_c41", True, True, True, True, False)
    recipe = Recipe("p", film, space, space, curves=Curves(rgb=((0.0, 0.1),)))
    frame = Frame(Target(name, "/out/" + name, "/out/t"), recipe)
    return Job(
        id=7,
        name=name,
        input="/in/" + name,
        stamp=Stamp(1, 2),
        encoding=Encoding("tiff", 16, space),
        frames=(frame,),
        base_region=(0.0, 0.9, 1.0, 0.1),
    )


@pytest.mark.parametrize("name", ["a.tif", "ä\u202e\n.tif", "\udcff\udce9.tif"])
def test_a_job_comes_back_as_it_was(name: str) -> None:
    sent = json.dumps(serialize.to_plain(job(name)))
    sent.encode("ascii")
    assert serialize.from_plain(Job, json.loads(sent)) == job(name)


def test_a_whole_number_serves_as_a_float() -> None:
    limits = serialize.from_plain(Limits, {"wall_seconds": 3, "memory_bytes": None})
    assert limits == Limits(wall_seconds=3.0)
    assert isinstance(limits.wall_seconds, float)


def test_unknown_keys_are_ignored_and_absent_ones_take_the_default() -> None:
    assert serialize.from_plain(Stages, {"read": 1.5, "later": 1}) == Stages(read=1.5)


@pytest.mark.parametrize(
    ("cls", "data"),
    [
        (Stamp, {"size": "1", "mtime_ns": 2}),
        (Stamp, {"size": 1}),
        (Stamp, [1, 2]),
        (Encoding, {"format": "gif", "bit_depth": 16, "color_space": {}}),
        (ScanFinished, {"result": None}),
    ],
)
def test_another_shape_is_refused(cls: type, data: object) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        serialize.from_plain(cls, data)


def test_a_field_that_came_later_leaves_older_records_as_they_were() -> None:
    """What a run of commit b307527 hashed for its key, letter for letter."""
    space = job("a").encoding.color_space
    assert json.dumps(serialize.to_plain(space)) == (
        '{"name": "S", "primaries": [[0.6, 0.3], [0.2, 0.7], [0.1, 0.1]], '
        '"white": [0.3, 0.3], "gamma": 2.2}'
    )
    lightness = dataclasses.replace(space, transfer="l_star")
    assert serialize.to_plain(lightness)["transfer"] == "l_star"
    assert serialize.from_plain(Space, serialize.to_plain(lightness)) == lightness
