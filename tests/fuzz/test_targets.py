"""Each target takes what it begins with, what was found, and a few broken files."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import targets
from tests.image.fuzz import mutated


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(targets.targets()))
def test_a_target_takes_its_seeds_and_what_was_found(name: str) -> None:
    target, dice = targets.targets()[name], random.Random(7)
    begins = targets.seeds(name)
    assert begins, "a target begins with something"
    for data in begins:
        target(data)
    for _ in range(20):
        target(mutated(dice.choice(begins), dice))


def test_the_corpus_is_small() -> None:
    kept = [*(targets.HERE / "corpus").iterdir(), *(targets.HERE / "found").glob("*-*")]
    assert sum(path.stat().st_size for path in kept) < 200_000
