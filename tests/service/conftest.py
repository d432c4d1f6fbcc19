"""What tests of the service stand on: a lab, and the loop over its folders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from divere_cli.batch import retries
from tests.batch.conftest import lab
from tests.batch.lab import Lab
from tests.service.rig import Rig

__all__ = ["lab"]


@pytest.fixture
def rig(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A service that holds OUTPUT; nothing was looked at yet."""
    monkeypatch.setattr(retries, "_PAUSES", (0.0,))
    made = Rig(lab).begin()
    yield made
    made.watch.close()
    made.hooks.close(0.0)
