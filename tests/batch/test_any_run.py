"""Invariants after any run, whatever happens to its scans, and the run after it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.batch.lab import Bench, Lab
from tests.batch.tasks import MISBEHAVE

ENDS = st.sampled_from(
    ["crashed", "lost", "timeout", "out_of_memory", "infrastructure", "error", "cancelled"]
)
NAMES = ("a.tif", "corrupt-b.tif", "c.tif", "short-d.tif", "device-e.tif", "f.tif")
FINE = ("a.tif", "c.tif", "f.tif")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("divere_cli.batch.retries._PAUSES", (0.0,))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    script=st.dictionaries(st.sampled_from(NAMES), st.lists(ENDS, max_size=5)),
    jobs=st.integers(1, 3),
    retries=st.none() | st.integers(0, 2),
    most=st.none() | st.integers(1, 3),
    signal=st.none() | st.tuples(st.integers(0, 6), st.sampled_from([1, 2, 15])),
)
def test_invariants_hold_after_any_run(
    script: dict[str, list[str]],
    jobs: int,
    retries: int | None,
    most: int | None,
    signal: tuple[int, int] | None,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), bench=Bench(script={k: list(v) for k, v in script.items()}))
        lab.scans(*NAMES)
        with interrupted(lab, signal):
            lab.run(task=MISBEHAVE, jobs=jobs, retries=retries, max_failures=most)
        lab.bench.script.clear()
        report = lab.run(task=MISBEHAVE)
        words = lab.statuses(report)
        assert all(words[name] in ("ok", "up_to_date") for name in FINE)
        assert report.exit_code == 3
        assert set(lab.positives()) == set(FINE)


def interrupted(lab: Lab, signal: tuple[int, int] | None):  # type: ignore[no-untyped-def]
    """Let a signal come while the n-th attempt is under way."""
    from divere_cli.system import signals

    patch = pytest.MonkeyPatch()
    if signal is not None:
        moment, number = signal
        wait, waits = lab.bench.wait, []

        def arrives(timeout: float | None = None):  # type: ignore[no-untyped-def]
            waits.append(1)
            request = signals.active()
            if len(waits) == moment + 1 and request is not None:
                request.received.append(number)
            return wait(timeout)

        patch.setattr(lab.bench, "wait", arrives)
    return _Undo(patch)


class _Undo:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
