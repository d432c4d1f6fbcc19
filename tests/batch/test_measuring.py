"""Two passes: measure all, decide once, grade with what was decided."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from divere_cli.batch import staleness
from divere_cli.batch.dry_run import preview
from divere_cli.records.events import RunStarted
from divere_cli.records.grade import Recipe
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.roll import Decision, Decisions, Measured, RollRecord
from tests.batch import tasks
from tests.batch.lab import Lab, recipe


@dataclass
class Roll:
    """Decides by name: ``weak`` scans must not be graded, the others get a recipe of the roll's."""

    task: str = tasks.MEASURE
    grade: str = "roll"
    weak: str = "weak"
    seen: list[tuple[Measured, ...]] = field(default_factory=list, repr=False)

    unasked: bool = False

    def parameters(self, name: str) -> str:
        return ""

    def measures(self, recipes: Sequence[Recipe], shipped: bool) -> bool:
        return True

    def decide(
        self,
        measured: tuple[Measured, ...],
        frozen: Mapping[str, str] | None = None,
        stocks: Mapping[str, str] | None = None,
    ) -> Decisions:
        self.seen.append(measured)
        weak = Decision((), error=ErrorRecord("profile", "low confidence"))
        good = Decision((recipe(self.grade),), notes=("gains of the roll",), warnings=("thin",))
        scans = {m.name: weak if m.name.startswith(self.weak) else good for m in measured}
        return Decisions(scans, (RollRecord("r", "plain", "roll", (0.0, 0.0, 0.0), 0.0),))


def test_every_scan_is_measured_before_any_is_graded(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "weak.tif")
    order: list[tuple[str, str]] = []
    lab.bench.before = lambda job: order.append((job.task.split(":")[1], job.name))
    roll = Roll()
    report = lab.run(roll=roll)
    words = [word for word, _ in order]
    assert words == ["measure"] * 3 + ["copy"] * 2
    assert [json.loads(m.measurement)["name"] for m in roll.seen[0]] == [
        "a.tif",
        "b.tif",
        "weak.tif",
    ]
    assert lab.statuses(report) == {"a.tif": "ok", "b.tif": "ok", "weak.tif": "failed"}
    assert lab.kinds(report) == {"weak.tif": "profile"}
    assert report.rolls[0].name == "r"
    measured = {file.input: file.seconds_by_stage.measure for file in report.files}
    assert measured == {"a.tif": 0.5, "b.tif": 0.5, "weak.tif": 0.5}, "the bench takes 0.5 s"


def test_the_decided_recipe_is_graded_and_reported(lab: Lab) -> None:
    scan = lab.scan("a.tif")
    report = lab.run(roll=Roll())
    expected = tasks.positive(scan.read_bytes(), recipe("roll").sha256)
    assert lab.positives()["a.tif"] == expected
    assert report.files[0].notes == ("gains of the roll",)
    assert report.files[0].warnings == ("thin",)


def test_the_same_decision_is_up_to_date_and_another_is_not(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run(roll=Roll())
    opened = lab.bench.opened
    assert lab.statuses(lab.run(roll=Roll())) == {"a.tif": "up_to_date"}
    assert lab.bench.opened == opened
    assert lab.statuses(lab.run(roll=Roll(grade="other"))) == {"a.tif": "ok"}
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}


def test_a_new_scan_is_graded_alone_after_all_are_measured(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run(roll=Roll())
    lab.scan("c.tif")
    roll = Roll()
    report = lab.run(roll=roll)
    assert len(roll.seen[0]) == 3
    assert lab.statuses(report) == {"a.tif": "up_to_date", "b.tif": "up_to_date", "c.tif": "ok"}
    assert report.warnings == ()
    again = Roll()
    report = lab.run(roll=again)
    assert {file.status: file.notes for file in report.files} == {
        "up_to_date": (staleness.DECIDED_BEFORE,)
    }
    assert again.seen == []


def test_a_roll_changed_by_a_new_scan_is_graded_again_with_a_note(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run(roll=Roll())
    lab.scan("c.tif")
    report = lab.run(roll=Roll(grade="other"))
    assert set(lab.statuses(report).values()) == {"ok"}
    again = {file.input for file in report.files if staleness.DECIDED_ANEW in file.notes}
    assert again == {"a.tif", "b.tif"}
    assert [warning for warning in report.warnings if "decided again: 2 " in warning]


def test_an_edited_positive_is_not_graded_again(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run(roll=Roll())
    (lab.outputs / "a.tif").write_bytes(b"retouched")
    lab.scan("c.tif")
    report = lab.run(roll=Roll(grade="other"))
    assert lab.statuses(report)["a.tif"] == "kept"
    assert (lab.outputs / "a.tif").read_bytes() == b"retouched"


@pytest.mark.parametrize("harm", ["output", "input", "force", "options"])
def test_any_change_measures_all_scans_again(lab: Lab, harm: str) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run(roll=Roll())
    if harm == "output":
        (lab.outputs / "b.tif").unlink()
    elif harm == "input":
        os.utime(lab.inputs / "b.tif", (1, 1))
    roll = Roll(weak="x" if harm == "options" else "weak")
    report = lab.run(roll=roll, force=harm == "force")
    assert len(roll.seen[0]) == 2
    assert report.exit_code == 0


def test_a_preview_of_a_decided_roll_says_up_to_date(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run(roll=Roll())
    assert [scan.action for scan in preview(lab.request(roll=Roll()))] == ["up_to_date"]
    assert [scan.action for scan in preview(lab.request(roll=Roll(weak="x")))] == ["grade"]


def test_a_scan_that_cannot_be_measured_is_still_decided(lab: Lab) -> None:
    lab.scans("a.tif", "unmeasurable.tif")
    roll = Roll()
    report = lab.run(roll=roll)
    assert [m.measurement == "" for m in roll.seen[0]] == [False, True]
    assert lab.statuses(report) == {"a.tif": "ok", "unmeasurable.tif": "ok"}


def test_measuring_writes_nothing_and_counts_no_failure(lab: Lab) -> None:
    lab.scans("a.tif", "unmeasurable.tif", "z.tif")
    written: list[list[str]] = []

    def look(job) -> None:  # type: ignore[no-untyped-def]
        if job.task == tasks.MEASURE:
            written.append([p.name for p in lab.outputs.iterdir() if p.suffix == ".tif"])
            assert not list(lab.outputs.glob(".divere-tmp-*"))
            assert job.frames[0].target.temp == ""

    lab.bench.before = look
    report = lab.run(roll=Roll(), max_failures=1)
    assert written == [[], [], []]
    assert report.exit_code == 0


def test_a_bad_scan_is_not_measured(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.scan("text.tif", b"hello")
    roll = Roll()
    report = lab.run(roll=roll)
    assert [m.name for m in roll.seen[0]] == ["a.tif"]
    assert lab.kinds(report) == {"text.tif": "unsupported"}


def test_the_run_is_announced_once(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run(roll=Roll())
    assert sum(isinstance(event, RunStarted) for event in lab.events) == 1
    assert lab.bench.opened == 1


def test_a_stop_while_measuring_grades_nothing(lab: Lab) -> None:
    lab.scans(*(f"{i}.tif" for i in range(4)))
    lab.bench.script = {f"{i}.tif": ["crashed"] * 9 for i in range(3)}
    report = lab.run(roll=Roll(), retries=0)
    assert report.exit_code == 3
    assert set(lab.statuses(report).values()) == {"interrupted"}
    assert lab.positives() == {}


def test_crops_keep_their_recipes_in_order(lab: Lab) -> None:
    scan = lab.scan("a.tif")
    lab.chooser.crops = ("x", "y")

    class Two(Roll):
        def decide(
            self,
            measured: tuple[Measured, ...],
            frozen: Mapping[str, str] | None = None,
            stocks: Mapping[str, str] | None = None,
        ) -> Decisions:
            decided = super().decide(measured)
            pair = (recipe("one"), recipe("two"))
            return replace(decided, scans={"a.tif": Decision(pair)})

    lab.run(roll=Two())
    data = scan.read_bytes()
    assert lab.positives() == {
        "a-x.tif": tasks.positive(data, recipe("one").sha256, "x"),
        "a-y.tif": tasks.positive(data, recipe("two").sha256, "y"),
    }


def test_the_film_base_of_a_preset_is_passed_only_to_measuring(lab: Lab) -> None:
    lab.scans("a.tif")
    base, region = (0.2, 0.5, 0.8), (0.0, 0.9, 1.0, 0.1)
    lab.chooser.base, lab.chooser.region = base, region
    told: list[tuple[str, object, object]] = []
    lab.bench.before = lambda job: told.append((job.task, job.film_base, job.base_region))
    roll = Roll()
    lab.run(roll=roll)
    assert told == [(tasks.MEASURE, base, region), (tasks.COPY, None, None)]
    assert [(scan.film_base, scan.base_region) for scan in roll.seen[0]] == [(base, region)]


@pytest.mark.parametrize(
    ("known", "values"),
    [
        ("region", [(0.0, 0.9, 1.0, 0.1), (0.0, 0.8, 1.0, 0.1)]),
        ("base", [(0.2, 0.5, 0.8), (0.2, 0.5, 0.9)]),
    ],
)
def test_another_film_base_measures_all_scans_again(
    lab: Lab, known: str, values: list[tuple[float, ...]]
) -> None:
    lab.scans("a.tif")
    seen = []
    for value in (None, None, values[0], values[1], values[1]):
        setattr(lab.chooser, known, value)
        roll = Roll()
        lab.run(roll=roll)
        seen.append(len(roll.seen))
    assert seen == [1, 0, 1, 1, 0]
