"""Results are kept in the order of the plan, and a plan that is settled is let go."""

from __future__ import annotations

import weakref

from divere_cli.batch import results
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.results import Results
from divere_cli.batch.walked import Scan
from divere_cli.records.events import Event, ScanFinished


def plans(*names: str) -> list[ScanPlan]:
    return [ScanPlan(Scan(name, f"/in/{name}"), edge_known=name == "known") for name in names]


def test_results_come_in_the_order_of_the_plan_whatever_came_first() -> None:
    events: list[Event] = []
    shared = plans("a", "b", "c", "b")
    collected = Results(shared, events.append)
    last, first = shared[3], shared[0]
    collected.settle(1, results.without_worker(shared[1], "up_to_date"))
    collected.put(last, results.without_worker(last, "ok"))
    assert not collected.complete()
    found = [(each.input, each.status) for each in collected.so_far()]
    wanted = [("a", "interrupted"), ("b", "up_to_date"), ("c", "interrupted"), ("b", "ok")]
    assert found == wanted
    collected.put(first, results.without_worker(first, "ok"))
    assert [(each.input, each.status) for each in collected.all()] == [("a", "ok"), *wanted[1:]]
    emitted = [event.result.input for event in events if isinstance(event, ScanFinished)]
    assert emitted == ["b", "b", "a", "c"]


def test_a_run_is_complete_when_no_scan_is_left_or_interrupted() -> None:
    assert not Results([], lambda event: None).complete()
    shared = plans("a", "b")
    collected = Results(shared, lambda event: None)
    collected.settle(0, results.without_worker(shared[0], "up_to_date"))
    assert not collected.complete()
    collected.put(shared[1], results.without_worker(shared[1], "failed"))
    assert collected.complete()


def test_a_plan_that_is_settled_is_let_go_and_its_edge_is_remembered() -> None:
    shared = plans("known", "unknown", "graded")
    collected = Results(shared, lambda event: None)
    scan = Watched("known", "/in/known")
    shared[0] = ScanPlan(scan, edge_known=True)
    gone = weakref.ref(scan)
    del scan
    for place in (0, 1):
        collected.settle(place, results.without_worker(shared[place], "up_to_date"))
    collected.put(shared[2], results.without_worker(shared[2], "ok"))
    assert gone() is None
    assert collected.edges_not_read() == {"unknown", "graded"}


class Watched(Scan):
    """A scan of which a test can see that nothing holds it any more."""
