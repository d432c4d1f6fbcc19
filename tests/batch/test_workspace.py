"""The order in which a run may begin."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from divere_cli.batch import plan, workspace
from divere_cli.batch.stop import Stop
from divere_cli.errors import OutputLocked, PlanError, UsageError
from divere_cli.files.lock import NAME
from divere_cli.system.signals import StopRequest
from tests.batch.lab import Lab


def take(lab: Lab, held: ExitStack, **changes: object) -> workspace.Workspace:
    return workspace.take(lab.request(**changes), Stop(StopRequest(), 1.0), held, "run")


def test_nothing_is_written_before_the_plan_is_complete(lab: Lab) -> None:
    lab.scans("a.tif", "A.tif")
    for made in (False, True):
        if made:
            lab.outputs.mkdir()
        with ExitStack() as held, pytest.raises(PlanError):
            take(lab, held)
        assert not made or list(lab.outputs.iterdir()) == []


def test_a_locked_output_is_noticed_before_anything_is_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif")
    with ExitStack() as held:
        take(lab, held)
        monkeypatch.setattr(plan, "make", lambda *_: pytest.fail("planned a locked OUTPUT"))
        with ExitStack() as second, pytest.raises(OutputLocked):
            take(lab, second)
    assert (lab.outputs / NAME).exists()


def test_all_resources_are_released(lab: Lab) -> None:
    for _ in range(3):
        with ExitStack() as held:
            take(lab, held)


def test_a_bad_template_is_refused_first(lab: Lab) -> None:
    with ExitStack() as held, pytest.raises(UsageError):
        take(lab, held, name="{nope}", paths=("nowhere",))


def test_lines_that_are_not_records_give_a_warning(lab: Lab) -> None:
    lab.outputs.mkdir()
    (lab.outputs / ".divere-journal.jsonl").write_text("hello\n")
    assert any("were skipped" in warning for warning in lab.run().warnings)
