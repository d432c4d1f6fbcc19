"""The drawn views: light at any place, the same whatever the band, each another subject."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from divere_cli.samples import plan, views, writing
from divere_cli.samples.plan import Wish
from tests.cli.program import divere

XS, YS = (np.arange(90) + 0.5) / 90, (np.arange(60) + 0.5) / 60


@pytest.mark.parametrize("number", range(len(views.VIEWS)))
def test_a_band_is_a_part_of_the_whole(number: int) -> None:
    whole = views.light(number, 4, XS, YS)
    assert whole.shape == (60, 90, 3)
    assert np.isfinite(whole).all()
    bands = [views.light(number, 4, XS, YS[first : first + 7]) for first in range(0, 60, 7)]
    assert np.array_equal(np.concatenate(bands), whole)


def test_views_and_seeds_differ_and_repeat() -> None:
    found = [views.light(number, 1, XS, YS) for number in range(len(views.VIEWS))]
    for one in range(len(found)):
        assert np.array_equal(found[one], views.light(one, 1, XS, YS))
        assert np.abs(found[one] - found[one - 1]).mean() > 0.02
        assert np.abs(found[one] - views.light(one, 2, XS, YS)).mean() > 0.001


def test_a_street_at_night_stays_dark() -> None:
    night = np.median(views.light(views.NIGHT, 0, XS, YS))
    assert night < 0.05
    assert min(np.median(one(0, XS, YS)) for one in views.VIEWS[:-1]) > 2 * night


def test_a_roll_of_views_is_graded_by_plain_batch(tmp_path: Path) -> None:
    wish = Wish(count=6, megapixels=0.1, seed=2, roll=True, border="holder", views=True)
    writing.write(plan.samples(wish), str(tmp_path / "in"))
    (tmp_path / "in" / writing.PRESETS).unlink()
    done = divere("batch", tmp_path / "in", tmp_path / "out", env={"DIVERE_BATCH_AUTO": "auto"})
    assert done.returncode == 0, done.stderr
    truth = json.loads((tmp_path / "in" / writing.TRUTH).read_text())
    (roll,) = json.loads((tmp_path / "out" / "divere-report.json").read_text())["rolls"]
    assert roll["confidence"] != "low"
    assert roll["film_base"] == pytest.approx(truth["film_base"], abs=0.03)
    red, green, blue = truth["rgb_gains"]
    found = roll["rgb_gains"]
    assert found[0] - found[1] == pytest.approx(red - green, abs=0.06)
    assert found[2] - found[1] == pytest.approx(blue - green, abs=0.06)
