"""Rolls that several modules measure."""

from __future__ import annotations

import pytest

from divere_cli.samples.plan import Wish
from tests.roll import rolls
from tests.roll.rolls import Roll


@pytest.fixture(scope="session")
def roll(tmp_path_factory: pytest.TempPathFactory) -> Roll:
    """A roll with all that a lab meets."""
    wish = Wish(count=9, megapixels=0.3, seed=1, roll=True, border="holder")
    return rolls.make(tmp_path_factory.mktemp("roll") / "negatives", wish)
