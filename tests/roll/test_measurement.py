"""A measurement is the same after JSON, and other texts are refused."""

from __future__ import annotations

import json

import pytest

from divere_cli.roll.measurement import Measurement, from_json, to_json
from tests.roll import rolls
from tests.roll.rolls import Roll


def test_it_comes_back_as_it_was(roll: Roll) -> None:
    told = rolls.looks(roll.path("frame-02.tif"), roll.recipe)
    sent = Measurement((told, None))
    assert from_json(to_json(sent)) == sent


def test_it_is_small_whatever_the_scan(roll: Roll) -> None:
    for measured in roll.measured("frame-01.tif", "frame-02.tif", "frame-09.tif"):
        assert len(measured.measurement) < 200_000


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "divere-measurement/0", "frames": []}', "null"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_json(text)


def test_a_record_with_a_part_missing_is_refused(roll: Roll) -> None:
    told = rolls.scan(roll.path("frame-02.tif"), roll.recipe).measurement
    data = json.loads(told)
    del data["frames"][0]["thin"]
    with pytest.raises(TypeError):
        from_json(json.dumps(data))
