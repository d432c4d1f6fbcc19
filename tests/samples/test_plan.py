"""The planned samples: kinds, true values, size, and equal results for equal seeds."""

from __future__ import annotations

import pytest

from divere_cli.errors import ProfileError
from divere_cli.samples import plan
from divere_cli.samples.plan import Wish


def test_pictures_are_all_exposed_alike() -> None:
    found = plan.samples(Wish(count=4, megapixels=0.5))
    assert [frame.kind for frame in found.frames] == ["landscape"] * 4
    assert {frame.exposure for frame in found.frames} == {0.0}


def test_a_roll_has_leader_blank_and_colored_frame() -> None:
    found = plan.samples(Wish(count=9, roll=True))
    kinds = [frame.kind for frame in found.frames]
    assert kinds[0] == "leader"
    assert kinds[-1] == "blank"
    assert kinds.count("colored") == 1
    assert len({frame.exposure for frame in found.frames}) > 4


@pytest.mark.parametrize("megapixels", [0.01, 0.5, 6.0, 24.0, 700.0])
def test_frames_have_the_size_that_was_asked(megapixels: float) -> None:
    frame = plan.samples(Wish(count=1, megapixels=megapixels)).frames[0]
    assert frame.width * frame.height == pytest.approx(megapixels * 1e6, rel=0.01)
    assert frame.width / frame.height == pytest.approx(1.5, rel=0.05)


def test_the_seed_decides_the_cast_and_the_scenes() -> None:
    assert plan.samples(Wish(seed=4)) == plan.samples(Wish(seed=4))
    one, two = plan.samples(Wish(seed=4)), plan.samples(Wish(seed=5))
    assert one.recipe.rgb_gains != two.recipe.rgb_gains
    assert {f.seed for f in one.frames}.isdisjoint(f.seed for f in two.frames)


def test_a_profile_that_does_not_ship_is_refused() -> None:
    with pytest.raises(ProfileError):
        plan.samples(Wish(profile="no-such-profile"))
