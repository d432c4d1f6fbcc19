"""The runner is opened when it is needed, once, for as many jobs as fit."""

from __future__ import annotations

import pytest

from divere_cli.batch.admission import Admission
from divere_cli.batch.engine import Engine
from divere_cli.batch.request import DEVELOP, Isolation
from divere_cli.batch.run import run
from divere_cli.batch.stop import Stop
from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation.runner import IsolationRequest, Runner
from divere_cli.isolation.worker import sandbox
from divere_cli.records.outcome import IsolationInfo
from divere_cli.system.signals import StopRequest
from tests.batch.lab import Lab


def engine(lab: Lab, **changes: object) -> Engine:
    admits = Admission(1 << 30, available=lambda: 1 << 40)
    return Engine(lab.request(**changes), admits, Stop(StopRequest(), 1.0), lab.events.append)


@pytest.mark.parametrize(
    ("asked", "effective"), [("auto", "process"), ("always", "process"), ("never", "thread")]
)
def test_without_work_no_runner_is_opened_but_reported(
    lab: Lab, asked: str, effective: str
) -> None:
    report = lab.run(isolation=Isolation(asked))  # type: ignore[arg-type]
    assert lab.bench.opened == 0
    how = "none: threads cannot be confined" if effective == "thread" else str(sandbox.offer())
    expected = IsolationInfo(asked, effective, None, 1, sandbox=how)  # type: ignore[arg-type]
    assert report.isolation == expected


def test_cores_are_shared_by_the_jobs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("divere_cli.system.cpus.usable", lambda: 8)
    threads: list[int] = []
    lab.bench.before = lambda job: threads.append(job.threads)
    lab.scans("a.tif", "b.tif", "c.tif")
    lab.run(jobs=3)
    assert threads == [2, 2, 2]
    lab.run(jobs=None, force=True)
    assert threads[3:] == [2, 2, 2]
    lab.scans("d.tif")
    lab.run(jobs=None)
    assert threads[6:] == [8]


def test_missing_isolation_is_reported_before_any_scan_is_touched(lab: Lab) -> None:
    lab.scans("a.tif")

    def refuse(request: object, on_event: object) -> object:
        raise IsolationUnavailable("no worker can be started")

    with pytest.raises(IsolationUnavailable) as caught:
        run(lab.request(open_runner=refuse), lab.events.append)
    assert caught.value.exit_code == 15
    assert lab.positives() == {}
    assert lab.run().exit_code == 0


def test_ids_are_never_used_twice(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    made = engine(lab)
    from divere_cli.batch import discover, plan
    from divere_cli.batch.journal.state import State

    request = lab.request()
    found = discover.find(request.inputs, "")
    plans = plan.make(request, found, State(), None)
    ids = [queued.id for _ in range(2) for queued in made.queue(plans)]
    assert ids == [1, 2, 3, 4]


def test_the_grade_that_many_scans_share_is_prepared_once(lab: Lab) -> None:
    asked: list[IsolationRequest] = []

    def refuse(request: IsolationRequest, on_event: object) -> Runner:
        asked.append(request)
        raise IsolationUnavailable("enough was seen")

    lab.scans("a.tif", "b.tif", "c.tif")
    for task, count in ((DEVELOP, 1), ("tests.batch.tasks:any", 0)):
        with pytest.raises(IsolationUnavailable):
            run(lab.request(open_runner=refuse, task=task), lab.events.append)
        warm_ups = asked[-1].warm_ups
        assert [each.call for each in warm_ups] == ["divere_cli.develop.scan:prepare"] * count


@pytest.mark.parametrize("method", ["spawn", None])
def test_the_runner_gets_the_start_method_of_the_request(lab: Lab, method: str | None) -> None:
    requests: list[IsolationRequest] = []

    def refuse(request: IsolationRequest, on_event: object) -> Runner:
        requests.append(request)
        raise IsolationUnavailable("enough was seen")

    lab.scans("a.tif")
    isolation = Isolation("always", method)  # type: ignore[arg-type]
    with pytest.raises(IsolationUnavailable):
        run(lab.request(open_runner=refuse, isolation=isolation), lab.events.append)
    assert [(one.requested, one.start_method) for one in requests] == [("always", method)]
